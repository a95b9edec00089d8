//! Addresses of PostgreSQL databases: what is accepted, and how they are shown.

/// What stands for a password when an address is shown.
const HIDDEN: &str = "***";

/// The address in the form that every driver knows: without the word by which OpenTelemetry's Java
/// agent puts itself between (`jdbc:otel:postgresql:`).
pub(super) fn plain(text: &str) -> String {
    match text.strip_prefix("jdbc:otel:") {
        Some(rest) => format!("jdbc:{rest}"),
        None => text.to_owned(),
    }
}

/// Says what is wrong with an address. The text of the answer never quotes it.
pub(super) fn check(text: &str) -> Result<(), String> {
    let plain = plain(text);
    let Some(rest) =
        ["jdbc:postgresql:", "postgresql:", "postgres:"].iter().find_map(|scheme| plain.strip_prefix(scheme))
    else {
        return Err("is not the address of a PostgreSQL database".to_owned());
    };
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must not hold spaces".to_owned());
    }
    let Some(rest) = rest.strip_prefix("//") else {
        // JDBC's short forms: a database of this machine.
        return if plain.starts_with("jdbc:") && !rest.starts_with('?') && !rest.is_empty() {
            Ok(())
        } else {
            Err("names no host".to_owned())
        };
    };
    let (_, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let hosts = place.split(['/', '?']).next().unwrap_or(place);
    let bad_port = hosts.split(',').find_map(|host| {
        // The last colon of `[::1]` belongs to the address.
        let (_, port) = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'))?;
        port.parse::<u16>().err().map(|_| port.to_owned())
    });
    if bad_port.is_some() {
        return Err("has a port that is not a number".to_owned());
    }
    Ok(())
}

/// The address without the passwords it holds, for people. Hides too much rather than too little
/// where it is not well formed.
pub(super) fn without_password(text: &str) -> String {
    let text = match text.split_once("//") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((user, place)) => match user.split_once(':') {
                Some((name, _)) => format!("{scheme}//{name}:{HIDDEN}@{place}"),
                None => text.to_owned(),
            },
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    let Some((address, parameters)) = text.split_once('?') else { return text };
    let parameters: Vec<String> = parameters
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}={HIDDEN}"),
            Some(_) | None => parameter.to_owned(),
        })
        .collect();
    format!("{address}?{}", parameters.join("&"))
}

/// Whether a password stands in the address.
pub(super) fn holds_password(text: &str) -> bool {
    without_password(text) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_jdbc_and_of_libpq_are_accepted() {
        for good in [
            "jdbc:postgresql://localhost:5432/devdb",
            "jdbc:otel:postgresql://localhost:5432/devdb",
            "jdbc:postgresql://a:5432,b:5432/devdb?targetServerType=primary&ssl=true",
            "jdbc:postgresql://[::1]:5432/devdb",
            "jdbc:postgresql://[::1]/devdb",
            "jdbc:postgresql:devdb",
            "jdbc:postgresql:/",
            "postgres://user:pa55@db.example/payments?sslmode=require",
            "postgresql://db.example",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, told) in [
            ("jdbc:mysql://u:hush@localhost/db", "not the address"),
            ("localhost:5432/devdb", "not the address"),
            ("host=db user=x password=hush", "not the address"),
            ("jdbc:postgresql://db:hush/devdb", "not a number"),
            ("postgres:db", "no host"),
            ("jdbc:postgresql://db/a b", "spaces"),
        ] {
            let wrong = check(bad).unwrap_err();
            assert!(wrong.contains(told) && !wrong.contains("hush"), "{bad}: {wrong}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        for (text, shown) in [
            ("jdbc:postgresql://db:5432/x", "jdbc:postgresql://db:5432/x"),
            ("postgres://u:hush@db/x", "postgres://u:***@db/x"),
            ("postgres://u@db/x", "postgres://u@db/x"),
            ("postgres://u:hu/s?h@db/x", "postgres://u:***@db/x"),
            ("postgres://u:hu@sh@db/x", "postgres://u:***@db/x"),
            (
                "jdbc:postgresql://db/x?user=u&password=hush&ssl=true",
                "jdbc:postgresql://db/x?user=u&password=***&ssl=true",
            ),
            ("jdbc:postgresql:x?sslPassword=hush", "jdbc:postgresql:x?sslPassword=***"),
        ] {
            assert_eq!(without_password(text), shown);
            assert_eq!(holds_password(text), text.contains("hu"), "{text}");
        }
    }
}
