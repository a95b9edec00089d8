//! Java properties, as `egov-pg-service` is configured with them.

use std::path::Path;

use java_properties::{LineContent, PropertiesIter};
use payment_settings::Origin;

use super::{LARGEST_FILE, SourceOutput, read_bounded};

pub(super) fn read(path: &Path) -> SourceOutput {
    let mut out = SourceOutput::default();
    let at = |line| Origin::File { path: path.to_owned(), line };
    let bytes = match read_bounded(path, LARGEST_FILE) {
        Ok(bytes) => bytes,
        Err(wrong) => {
            out.problem(at(None), wrong, "name a file that is there and readable, or none");
            return out;
        }
    };
    // `next` goes on for ever after an error of the reader; there is none behind a slice, but a
    // broken escape ends the reading as well.
    for line in PropertiesIter::new(bytes.as_slice()) {
        match line {
            Ok(line) => {
                let origin = at(Some(line.line_number()));
                match line.consume_content() {
                    LineContent::KVPair(name, value) => out.entry(name.trim(), value.trim(), origin),
                    LineContent::Comment(_) => {}
                }
            }
            Err(error) => {
                out.problem(at(error.line_number()), "this line is not a property", "write `name=value`");
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_of_the_original_is_read_as_java_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("application.properties");
        std::fs::write(
            &path,
            "# a comment\nserver.port=9001\nnotification.url = https://x.in/\naxis.merchant.id=\nkey: a\\\n   b\nname=\\u0905\n",
        )
        .unwrap();
        let file = read(&path);
        let entries: Vec<_> = file
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.expose_secret(), entry.origin.to_string()))
            .collect();
        let at = |line| format!("{}:{line}", path.display());
        assert_eq!(
            entries,
            [
                ("server.port", "9001", at(2)),
                ("notification.url", "https://x.in/", at(3)),
                ("axis.merchant.id", "", at(4)),
                ("key", "ab", at(5)),
                ("name", "अ", at(7)),
            ]
        );
        assert!(file.problems.is_empty());
    }

    #[test]
    fn a_broken_escape_is_reported_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.properties");
        std::fs::write(&path, "a=1\nb=\\uZZZZ\n").unwrap();
        let file = read(&path);
        assert_eq!(file.problems.len(), 1);
        assert!(file.problems[0].to_string().contains("x.properties:2"), "{}", file.problems[0]);
    }
}
