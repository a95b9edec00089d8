//! Secrets from a file or standard input, never from the command line.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::Path;

use secrecy::SecretString;

use crate::failure::{Failure, Outcome};

/// The longest input.
const LONGEST_BYTES: u64 = 1024 * 1024;

/// The text of a file, without the line break at its end.
pub(super) fn secret_file(path: &Path) -> Outcome<String> {
    Ok(file(path)?.trim().to_owned())
}

/// A file's text.
pub(super) fn file(path: &Path) -> Outcome<String> {
    let opened = std::fs::File::open(path);
    let read = opened.and_then(|file| {
        let mut text = String::new();
        file.take(LONGEST_BYTES).read_to_string(&mut text)?;
        Ok(text)
    });
    read.map_err(|error| Failure::new(format!("{} cannot be read", path.display())).because(&error))
}

/// Fields as lines `name=value`.
pub(super) fn fields(from: Option<&Path>) -> Outcome<BTreeMap<String, SecretString>> {
    let text = match from {
        Some(path) => file(path)?,
        None => {
            let input = std::io::stdin();
            if input.is_terminal() {
                return Err(Failure::new("credentials are not typed, which would show them")
                    .try_this("give a file: --from FILE, or pipe them in"));
            }
            let mut text = String::new();
            let read = input.lock().take(LONGEST_BYTES).read_to_string(&mut text);
            read.map_err(|error| Failure::new("standard input cannot be read").because(&error))?;
            text
        }
    };
    parse(&text)
}

fn parse(text: &str) -> Outcome<BTreeMap<String, SecretString>> {
    let mut fields = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(Failure::new(format!("line {number} is no `name=value`")));
        };
        let name = name.trim().to_owned();
        if fields.contains_key(&name) {
            return Err(Failure::new(format!("line {number} names a field for the second time")));
        }
        fields.insert(name, SecretString::from(value.trim()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn fields_are_lines_of_a_name_and_a_value_which_may_hold_an_equals_sign() {
        let fields = parse("# PAYTM\n\npaytm.merchant.id = M1\npaytm.merchant.secret.key=a=b#c\n").unwrap();
        let read: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.expose_secret())).collect();
        assert_eq!(read, [("paytm.merchant.id", "M1"), ("paytm.merchant.secret.key", "a=b#c")]);
        for wrong in ["secret", "a=1\na=2"] {
            let failure = parse(wrong).unwrap_err().to_string();
            assert!(!failure.contains("secret") && failure.contains("line"), "{failure}");
        }
    }
}
