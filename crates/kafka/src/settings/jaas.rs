//! The login configuration of Java clients: one line with a module and its options.
//!
//! `org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";`

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use secrecy::SecretString;

use super::error::KafkaSettingsError;

/// A name and a password.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) username: SecretString,
    pub(super) password: SecretString,
}

/// Reads the line.
pub(super) fn login(line: &str) -> Result<Login, KafkaSettingsError> {
    let mut chars = line.chars().peekable();
    let module = word(&mut chars);
    let by_password = ["ScramLoginModule", "PlainLoginModule"]
        .iter()
        .any(|known| module.rsplit('.').next().is_some_and(|name| name == *known));
    if !by_password {
        return Err(KafkaSettingsError::Jaas("names a login module other than those for SCRAM and PLAIN"));
    }
    let _control_flag = word(&mut chars);
    let mut options = BTreeMap::new();
    loop {
        let name = word(&mut chars);
        if name.is_empty() {
            break;
        }
        if chars.next() != Some('=') {
            return Err(KafkaSettingsError::Jaas("has an option without a value"));
        }
        options.insert(name, value(&mut chars)?);
    }
    let mut take = |name: &str| options.remove(name).map(SecretString::from);
    match (take("username"), take("password")) {
        (Some(username), Some(password)) => Ok(Login { username, password }),
        (None, _) | (_, None) => Err(KafkaSettingsError::Jaas("lacks a username or a password")),
    }
}

fn word(chars: &mut Peekable<Chars<'_>>) -> String {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
    let mut word = String::new();
    while let Some(c) = chars.next_if(|&c| !c.is_whitespace() && c != '=' && c != ';') {
        word.push(c);
    }
    word
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Result<String, KafkaSettingsError> {
    let Some(quote) = chars.next_if(|&c| c == '"' || c == '\'') else { return Ok(word(chars)) };
    let mut value = String::new();
    loop {
        match chars.next() {
            Some(c) if c == quote => return Ok(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
            None => return Err(KafkaSettingsError::Jaas("has a quotation without an end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(line: &str) -> Result<(String, String), String> {
        login(line)
            .map(|login| {
                (login.username.expose_secret().to_owned(), login.password.expose_secret().to_owned())
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn name_and_password_are_found_however_they_are_written() {
        let given = |user: &str, password: &str| Ok((user.to_owned(), password.to_owned()));
        let scram = "org.apache.kafka.common.security.scram.ScramLoginModule";
        for (options, login) in [
            (r#"required username="u" password="p";"#, given("u", "p")),
            (r#"required  password='p;= q'   username=u ;"#, given("u", "p;= q")),
            (r#"required username="u" serviceName="k" password="a\"b\\c" ;"#, given("u", r#"a"b\c"#)),
            ("required\n username=\"u\"\n password=\"ਪੰ\"", given("u", "ਪੰ")),
        ] {
            assert_eq!(read(&format!("{scram} {options}")), login, "{options}");
        }
        assert_eq!(read(r#"a.PlainLoginModule required username="u" password="";"#), given("u", ""));
    }

    #[test]
    fn a_login_that_cannot_be_read_is_refused_without_telling_the_password() {
        for line in [
            "",
            "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;",
            "a.EvilScramLoginModule required username=u password=topsecret;",
            "a.PlainLoginModule required username=u;",
            "a.PlainLoginModule required username=u password=\"topsecret",
            "a.PlainLoginModule required username topsecret",
        ] {
            let error = read(line).unwrap_err();
            assert!(error.starts_with("sasl.jaas.config "), "{error}");
            assert!(!error.contains("topsecret"));
        }
    }
}
