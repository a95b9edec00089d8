//! TOML: tables are flattened, so that `[server]` with `port = 1` is `server.port`.

use std::path::Path;

use payment_settings::{Origin, Problem};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{LARGEST_FILE, SourceOutput, read_bounded};

pub(super) fn read(path: &Path) -> SourceOutput {
    let mut out = SourceOutput::default();
    let whole = Origin::File { path: path.to_owned(), line: None };
    let text = match read_bounded(path, LARGEST_FILE) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => {
                out.problem(whole, "the file is not UTF-8 text", "");
                return out;
            }
        },
        Err(wrong) => {
            out.problem(whole, wrong, "name a file that is there and readable, or none");
            return out;
        }
    };
    match DeTable::parse(&text) {
        Ok(table) => {
            let file = File { path, text: &text };
            file.flatten(table.get_ref(), "", &mut out);
        }
        // The error's own text quotes the line, and the line may hold a secret.
        Err(error) => {
            let line = error.span().map(|span| line_of(&text, span.start));
            let origin = Origin::File { path: path.to_owned(), line };
            let fix = "where one name goes on behind another (payu.url, payu.url.status), quote it under its table: \"url.status\" = …";
            let fix = if error.message().contains("dotted key") { fix } else { "" };
            out.problem(origin, format!("this is not TOML: {}", error.message()), fix);
        }
    }
    out
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count()
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn flatten(&self, table: &DeTable<'_>, above: &str, out: &mut SourceOutput) {
        for (key, value) in table {
            let name = if above.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{above}.{}", key.get_ref())
            };
            match value.get_ref() {
                DeValue::Table(table) => self.flatten(table, &name, out),
                DeValue::Array(items) => self.list(name, items.iter(), value.span().start, out),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {
                    let text = scalar(value.get_ref()).unwrap_or_default();
                    out.entry(name, text, self.origin(value.span().start));
                }
            }
        }
    }

    /// A list of plain values is the same as its values separated by commas.
    fn list<'i>(
        &self,
        name: String,
        items: impl Iterator<Item = &'i Spanned<DeValue<'i>>>,
        at: usize,
        out: &mut SourceOutput,
    ) {
        let items: Option<Vec<String>> = items.map(|item| scalar(item.get_ref())).collect();
        match items {
            Some(items) => out.entry(name, items.join(","), self.origin(at)),
            None => out.problems.push(Problem {
                key: name,
                origin: Some(self.origin(at)),
                wrong: "a list must hold plain values only".to_owned(),
                fix: String::new(),
            }),
        }
    }

    fn origin(&self, at: usize) -> Origin {
        Origin::File { path: self.path.to_owned(), line: Some(line_of(self.text, at)) }
    }
}

/// A plain value as text; `None` for lists and tables.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read_text(text: &str) -> SourceOutput {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn tables_are_flattened_and_lines_remembered() {
        let file = read_text(concat!(
            "\"time-zone\" = 'UTC'\n",
            "[server]\nport = 8_080\naddress = \"::1\"\n",
            "[callback.allowed-hosts]\n\"pb.amritsar\" = [\"a.in\", \"*.b.in\"]\n",
            "[search]\nscope = false\n",
        ));
        let entries: Vec<_> = file
            .entries
            .iter()
            .map(|entry| {
                let Origin::File { line, .. } = entry.origin else { panic!() };
                (entry.name.as_str(), entry.value.expose_secret(), line.unwrap())
            })
            .collect();
        assert_eq!(
            entries,
            [
                ("callback.allowed-hosts.pb.amritsar", "a.in,*.b.in", 6),
                ("search.scope", "false", 8),
                ("server.address", "::1", 4),
                ("server.port", "8080", 3),
                ("time-zone", "UTC", 1),
            ]
        );
    }

    #[test]
    fn a_broken_file_is_reported_with_its_line_and_without_a_secret() {
        let file = read_text("[axis]\nmerchant.secret.key = \"0123456789abcdef\nactive = true\n");
        assert_eq!(file.problems.len(), 1);
        let problem = file.problems[0].to_string();
        assert!(problem.contains("x.toml:2"), "{problem}");
        assert!(!problem.contains("0123456789"), "{problem}");
    }

    #[test]
    fn a_name_behind_another_is_quoted() {
        let told = read_text("[payu]\nurl = \"a.in\"\nurl.status = \"b.in\"\n");
        assert!(told.problems[0].fix.contains("quote it"), "{}", told.problems[0]);
        let file = read_text("[payu]\nurl = \"a.in\"\n\"url.status\" = \"b.in\"\n");
        let names: Vec<&str> = file.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["payu.url", "payu.url.status"]);
    }

    #[test]
    fn a_file_that_is_not_there_is_a_problem() {
        assert_eq!(read(Path::new("/nowhere/x.toml")).problems.len(), 1);
    }

    #[test]
    fn numbers_in_other_bases_are_read() {
        let file = read_text("a = 0x10\nb = [1, [2]]\n");
        assert_eq!(file.entries[0].value.expose_secret(), "16");
        assert_eq!(file.problems[0].key, "b");
    }
}
