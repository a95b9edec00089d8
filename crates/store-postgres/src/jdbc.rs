//! Reading database URLs: Java's `jdbc:postgresql:…` and libpq's `postgres://…`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::options::{DEFAULT_PORT, PostgresHost, PostgresOptions, SslMode};

/// The longest URL that is read, in bytes.
const LONGEST: usize = 8_192;
/// The most servers a URL may name.
const MOST_HOSTS: usize = 32;
/// The longest timeout that is taken seriously, in seconds.
const LONGEST_TIMEOUT: u64 = 3_600;

/// The reason a text is not the URL of a PostgreSQL database. Nothing of the URL is quoted but the names of
/// parameters: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Another kind of URL, or none.
    #[error("is not the address of a PostgreSQL database")]
    Scheme,
    /// Longer than any URL is.
    #[error("must not have more than 8192 bytes")]
    TooLong,
    /// Spaces or control characters.
    #[error("must not hold spaces")]
    Spaces,
    /// A server's name or port cannot be read.
    #[error("names a server that is not host, host:port or [address]:port")]
    Host,
    /// The number of servers exceeds any real cluster.
    #[error("must not name more than 32 servers")]
    TooManyHosts,
    /// A percent sign without two hexadecimal digits, or with bytes that are no text.
    #[error("has a percent sign that is not followed by two hexadecimal digits of UTF-8 text")]
    Encoding,
    /// A parameter whose value makes no sense.
    #[error("has the parameter {0} with a value that is not understood")]
    Parameter(&'static str),
    /// The client's key has a password.
    #[error(
        "has the parameter sslpassword: encrypted keys are not supported, the file of sslkey has to hold the key \
         without a password"
    )]
    EncryptedKey,
}

/// The two families of URLs. Java reads a plus sign in a parameter as a space, and knows no user
/// before the servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Java,
    Libpq,
}

/// Takes the place of a password when an address is shown.
const HIDDEN: &str = "***";

/// The address without the passwords it holds, for people. Hides too much rather than too little
/// where it is not well formed.
pub fn without_password(text: &str) -> String {
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

/// The options of a URL, and the names of the parameters without effect here.
pub(crate) fn parse(url: &str) -> Result<(PostgresOptions, Vec<String>), InvalidUrl> {
    if url.len() > LONGEST {
        return Err(InvalidUrl::TooLong);
    }
    let url = url.trim();
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(InvalidUrl::Spaces);
    }
    // OpenTelemetry's Java agent puts itself between with `jdbc:otel:postgresql:`.
    let url = &url.replacen("jdbc:otel:", "jdbc:", 1);
    let (syntax, rest) = if let Some(rest) = url.strip_prefix("jdbc:postgresql:") {
        (Syntax::Java, rest)
    } else if let Some(rest) = url.strip_prefix("postgres:").or_else(|| url.strip_prefix("postgresql:")) {
        (Syntax::Libpq, rest)
    } else {
        return Err(InvalidUrl::Scheme);
    };
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = match (syntax, location.strip_prefix("//")) {
        (Syntax::Java | Syntax::Libpq, Some(location)) => location.split_once('/').unwrap_or((location, "")),
        // jdbc:postgresql:database, on this machine.
        (Syntax::Java, None) => ("", location.strip_prefix('/').unwrap_or(location)),
        (Syntax::Libpq, None) => return Err(InvalidUrl::Scheme),
    };
    let mut found = Found::default();
    let servers = match (syntax, authority.rsplit_once('@')) {
        (Syntax::Libpq, Some((user, servers))) => {
            let (user, password) =
                user.split_once(':').map_or((user, None), |(user, word)| (user, Some(word)));
            found.user = Some(decoded(user, syntax)?).filter(|user| !user.is_empty());
            found.password = password.map(|word| decoded(word, syntax)).transpose()?;
            servers
        }
        (Syntax::Libpq | Syntax::Java, _) => authority,
    };
    found.hosts = hosts(servers, syntax)?;
    found.database = Some(decoded(database, syntax)?).filter(|name| !name.is_empty());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.take(&decoded(name, syntax)?, decoded(value, syntax)?)?;
    }
    Ok(found.finish())
}

/// The parts of a URL found so far.
#[derive(Default)]
struct Found {
    options: PostgresOptions,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    hosts: Vec<PostgresHost>,
    ssl_mode: Option<SslMode>,
    ssl_wanted: bool,
    ignored: Vec<String>,
}

impl Found {
    fn take(&mut self, name: &str, value: String) -> Result<(), InvalidUrl> {
        let options = &mut self.options;
        match name {
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "host" => self.hosts = hosts(&value, Syntax::Libpq)?,
            "port" => {
                let port = value.parse().map_err(|_| InvalidUrl::Parameter("port"))?;
                self.hosts.iter_mut().for_each(|host| host.port = port);
            }
            "sslmode" => {
                self.ssl_mode = Some(SslMode::from_word(&value).ok_or(InvalidUrl::Parameter("sslmode"))?);
            }
            // Java's older way to ask for TLS.
            "ssl" => self.ssl_wanted = matches!(value.as_str(), "" | "true"),
            "sslrootcert" => options.root_certificate = file(value),
            "sslcert" => options.client_certificate = file(value),
            "sslkey" => options.client_key = file(value),
            "sslpassword" if !value.is_empty() => return Err(InvalidUrl::EncryptedKey),
            "sslpassword" => {}
            "currentSchema" | "search_path" => options.schema = Some(value).filter(|name| !name.is_empty()),
            "ApplicationName" | "application_name" => options.application_name = value,
            "connectTimeout" | "connect_timeout" => {
                seconds("connectTimeout", &value, &mut options.connect_timeout)?;
            }
            "socketTimeout" => seconds("socketTimeout", &value, &mut options.statement_timeout)?,
            // We write: every value means a server that accepts writes.
            "targetServerType"
                if matches!(value.as_str(), "any" | "primary" | "master" | "preferPrimary") => {}
            "target_session_attrs" if matches!(value.as_str(), "any" | "read-write" | "primary") => {}
            // A parameter's name is shown to operators: a bounded part of it, without surprises.
            other => {
                let shown: String = other.chars().filter(|c| !c.is_control()).take(64).collect();
                self.ignored.push(shown);
            }
        }
        Ok(())
    }

    fn finish(self) -> (PostgresOptions, Vec<String>) {
        let mut options = self.options;
        if !self.hosts.is_empty() {
            options.hosts = self.hosts;
        }
        if let Some(user) = self.user {
            options.user = user;
        }
        options.password = self.password.map(SecretString::from);
        // Like other clients: the database's default name is the user's.
        options.database = self.database.unwrap_or_else(|| options.user.clone());
        let by_default = if self.ssl_wanted { SslMode::VerifyFull } else { SslMode::default() };
        options.ssl_mode = self.ssl_mode.unwrap_or(by_default);
        (options, self.ignored)
    }
}

/// No name is no file.
fn file(name: String) -> Option<PathBuf> {
    Some(PathBuf::from(name)).filter(|path| !path.as_os_str().is_empty())
}

/// Zero means "as long as it takes", which is never meant here: the default stays.
fn seconds(name: &'static str, value: &str, timeout: &mut Duration) -> Result<(), InvalidUrl> {
    match value.parse::<u64>() {
        Ok(0) => Ok(()),
        Ok(seconds) => {
            *timeout = Duration::from_secs(seconds.min(LONGEST_TIMEOUT));
            Ok(())
        }
        Err(_) => Err(InvalidUrl::Parameter(name)),
    }
}

/// `host`, `host:port`, `[address]:port`, or several, separated by commas.
fn hosts(servers: &str, syntax: Syntax) -> Result<Vec<PostgresHost>, InvalidUrl> {
    if servers.is_empty() {
        return Ok(Vec::new());
    }
    if servers.split(',').count() > MOST_HOSTS {
        return Err(InvalidUrl::TooManyHosts);
    }
    servers.split(',').map(|server| host(server, syntax)).collect()
}

fn host(server: &str, syntax: Syntax) -> Result<PostgresHost, InvalidUrl> {
    let (name, port) = if let Some(bracketed) = server.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']').ok_or(InvalidUrl::Host)?;
        address.parse::<std::net::Ipv6Addr>().map_err(|_| InvalidUrl::Host)?;
        match rest.strip_prefix(':') {
            Some(port) => (address, Some(port)),
            None if rest.is_empty() => (address, None),
            None => return Err(InvalidUrl::Host),
        }
    } else {
        server.split_once(':').map_or((server, None), |(name, port)| (name, Some(port)))
    };
    let name = decoded(name, syntax)?;
    if name.is_empty() || name.contains(char::is_control) {
        return Err(InvalidUrl::Host);
    }
    let port = match port {
        None | Some("") => DEFAULT_PORT,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or(InvalidUrl::Host)?,
    };
    Ok(PostgresHost { name, port })
}

/// The text with its percent signs resolved.
fn decoded(text: &str, syntax: Syntax) -> Result<String, InvalidUrl> {
    let text = if syntax == Syntax::Java { text.replace('+', " ") } else { text.to_owned() };
    // The decoder leaves a stray percent sign as it is.
    let is_escape = |rest: &str| rest.get(..2).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if !text.split('%').skip(1).all(is_escape) {
        return Err(InvalidUrl::Encoding);
    }
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
    Ok(decoded.map_err(|_| InvalidUrl::Encoding)?.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn read(url: &str) -> PostgresOptions {
        let (options, ignored) = parse(url).unwrap();
        assert_eq!(ignored, [""; 0], "{url}");
        options
    }

    fn servers(options: &PostgresOptions) -> Vec<(&str, u16)> {
        options.hosts.iter().map(|host| (host.name.as_str(), host.port)).collect()
    }

    #[test]
    fn urls_of_digits_charts_are_read() {
        let options =
            read("jdbc:postgresql://db.digit.example:5433/egov_pg?currentSchema=pb&sslmode=require");
        assert_eq!(servers(&options), [("db.digit.example", 5433)]);
        assert_eq!((options.database.as_str(), options.ssl_mode), ("egov_pg", SslMode::Require));
        assert_eq!(options.schema.as_deref(), Some("pb"));
    }

    #[test]
    fn several_servers_timeouts_and_certificates_are_understood() {
        let options = read(
            "jdbc:postgresql://one:5432,two,[::1]:5434/db?sslmode=verify-full&sslrootcert=%2Fetc%2Froot.pem\
             &sslcert=/etc/client.pem&sslkey=/etc/client.pk8&sslpassword=&targetServerType=primary&connectTimeout=7&socketTimeout=9&ApplicationName=pg+service&user=u%40v",
        );
        assert_eq!(servers(&options), [("one", 5432), ("two", 5432), ("::1", 5434)]);
        assert_eq!(options.root_certificate, Some("/etc/root.pem".into()));
        assert_eq!(options.client_certificate, Some("/etc/client.pem".into()));
        assert_eq!(options.client_key, Some("/etc/client.pk8".into()));
        assert_eq!((options.connect_timeout.as_secs(), options.statement_timeout.as_secs()), (7, 9));
        assert_eq!((options.application_name.as_str(), options.user.as_str()), ("pg service", "u@v"));
        assert_eq!(options.ssl_mode, SslMode::VerifyFull);
    }

    #[test]
    fn libpqs_urls_carry_user_and_password() {
        let options = read("postgres://pay%20er:p%40ss%2Fw+rd@[2001:db8::7]:6000/pay?application_name=x");
        assert_eq!(servers(&options), [("2001:db8::7", 6000)]);
        assert_eq!((options.user.as_str(), options.database.as_str()), ("pay er", "pay"));
        assert_eq!(options.password.as_ref().map(|word| word.expose_secret()), Some("p@ss/w+rd"));
        assert!(!format!("{options:?}").contains("p@ss"));
        let socket = read("postgresql:///pay?host=/var/run/postgresql&port=6001&user=me");
        assert_eq!(servers(&socket), [("/var/run/postgresql", 6001)]);
    }

    #[test]
    fn omitted_parts_have_their_defaults() {
        let options = read("jdbc:postgresql:payments");
        assert_eq!((servers(&options), options.database.as_str()), (vec![("localhost", 5432)], "payments"));
        assert_eq!(options.ssl_mode, SslMode::Prefer);
        assert_eq!(read("postgres://asha@db").database, "asha");
        assert_eq!(read("jdbc:postgresql://db/x?ssl=true").ssl_mode, SslMode::VerifyFull);
        assert_eq!(read("jdbc:postgresql://db/x?ssl=true&sslmode=require").ssl_mode, SslMode::Require);
        let forever = read("jdbc:postgresql://db/x?socketTimeout=0&connectTimeout=0");
        assert_eq!(forever.statement_timeout, PostgresOptions::default().statement_timeout);
    }

    #[test]
    fn the_given_user_and_password_count_instead_of_those_in_the_url() {
        let url = "postgres://one:first@db/x";
        let (options, _) =
            PostgresOptions::from_jdbc_url(url, Some("two"), Some("second".to_owned().into())).unwrap();
        assert_eq!(options.user, "two");
        assert_eq!(options.password.as_ref().map(|word| word.expose_secret()), Some("second"));
        let (options, _) = PostgresOptions::from_jdbc_url(url, Some(""), Some(String::new().into())).unwrap();
        assert_eq!(options.password.as_ref().map(|word| word.expose_secret()), Some("first"));
    }

    #[test]
    fn parameters_that_mean_nothing_here_are_named() {
        let (_, ignored) = parse(
            "jdbc:postgresql://db/x?prepareThreshold=0&sslfactory=a.B&targetServerType=secondary&stringtype",
        )
        .unwrap();
        assert_eq!(ignored, ["prepareThreshold", "sslfactory", "targetServerType", "stringtype"]);
    }

    #[test]
    fn an_invalid_url_is_refused_with_its_fault() {
        let many = format!("jdbc:postgresql://{}/x", vec!["h"; 33].join(","));
        let long = format!("jdbc:postgresql://{}/x", "h".repeat(9_000));
        for (url, why) in [
            ("", InvalidUrl::Scheme),
            ("jdbc:mysql://db/x", InvalidUrl::Scheme),
            ("postgres:db", InvalidUrl::Scheme),
            ("jdbc:postgresql://db:port/x", InvalidUrl::Host),
            ("jdbc:postgresql://db:0/x", InvalidUrl::Host),
            ("jdbc:postgresql://db:65536/x", InvalidUrl::Host),
            ("jdbc:postgresql://one,/x", InvalidUrl::Host),
            ("jdbc:postgresql://[::1/x", InvalidUrl::Host),
            ("jdbc:postgresql://[::g]/x", InvalidUrl::Host),
            ("jdbc:postgresql://[::1]x/x", InvalidUrl::Host),
            (&many, InvalidUrl::TooManyHosts),
            (&long, InvalidUrl::TooLong),
            ("jdbc:postgresql://db/x%2", InvalidUrl::Encoding),
            ("postgres://u:%ff@db/x", InvalidUrl::Encoding),
            ("jdbc:postgresql://db/x?sslmode=sometimes", InvalidUrl::Parameter("sslmode")),
            ("jdbc:postgresql://db/x?connectTimeout=soon", InvalidUrl::Parameter("connectTimeout")),
            ("postgres://db/x?port=http", InvalidUrl::Parameter("port")),
            ("jdbc:postgresql://db/x?sslkey=/k.p12&sslpassword=hush", InvalidUrl::EncryptedKey),
        ] {
            assert_eq!(parse(url).map(|_| ()), Err(why), "{url}");
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
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = parse(&text);
            let _ = parse(&format!("jdbc:postgresql://{text}"));
            let _ = parse(&format!("postgres://{text}"));
            let _ = parse(&format!("jdbc:postgresql://db/x?{text}"));
        }

        #[test]
        fn encoding_round_trips(user in "\\PC{1,20}", password in "\\PC{0,20}", database in "\\PC{1,20}") {
            let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
            let url = format!("postgres://{}:{}@db/{}", encode(&user), encode(&password), encode(&database));
            let (options, _) = parse(&url).unwrap();
            prop_assert_eq!(options.user, user);
            prop_assert_eq!(options.password.as_ref().map(|word| word.expose_secret()), Some(password.as_str()));
            prop_assert_eq!(options.database, database);
        }
    }
}
