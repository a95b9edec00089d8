//! Output to standard output and standard error: in colour only at a terminal, without an error when the reader has
//! closed the pipe, and without control characters from outside, which could forge lines, hide text or control the
//! terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use crate::failure::{Failure, Outcome};

/// Styles of text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    colours: bool,
}

impl Paint {
    /// In colour when standard output is a terminal and `NO_COLOR` is not set.
    pub(crate) fn detect() -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Paint { colours: io::stdout().is_terminal() && !unwanted }
    }

    #[cfg(test)]
    pub(crate) fn plain() -> Paint {
        Paint { colours: false }
    }

    fn with(self, text: &str, style: Style) -> String {
        if self.colours { text.style(style).to_string() } else { text.to_owned() }
    }

    pub(crate) fn title(self, text: &str) -> String {
        self.with(text, Style::new().bold())
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(text, Style::new().green())
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(text, Style::new().red().bold())
    }

    pub(crate) fn waiting(self, text: &str) -> String {
        self.with(text, Style::new().yellow())
    }

    pub(crate) fn quiet(self, text: &str) -> String {
        self.with(text, Style::new().dimmed())
    }

    pub(crate) fn link(self, text: &str) -> String {
        self.with(text, Style::new().cyan())
    }
}

/// The state of the reader of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    /// The other end of the pipe is closed.
    Gone,
}

/// Control characters, line and paragraph separators, and characters that change the direction of text.
fn is_deceptive(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text from outside on one line; deceptive characters are escaped (`\n`, `\u{1b}`).
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if is_deceptive(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// The same JSON with deceptive characters as JSON escapes.
pub(crate) fn json_text(json: &str) -> Cow<'_, str> {
    // serde_json has escaped everything below U+0020 in texts; line breaks are between members.
    if !json.contains(|char| char != '\n' && is_deceptive(char)) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if char != '\n' && is_deceptive(char) {
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// Escapes everything in a text but line breaks and the colours of [`Paint`].
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(|char| char != '\n' && is_deceptive(char)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if let Some(colour) = colour_at(rest) {
            out.push_str(colour);
            rest = rest.get(colour.len()..).unwrap_or_default();
            continue;
        }
        if char != '\n' && is_deceptive(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
        rest = rest.get(char.len_utf8()..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// The escape sequence for a colour (`ESC [ 31 m`) at the beginning of a text.
fn colour_at(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|char: char| !char.is_ascii_digit() && char != ';')?;
    parameters.get(length..)?.starts_with('m').then(|| text.get(..2 + length + 1))?
}

/// Writes each log event as one line without deceptive characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLines;

impl Write for LogLines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text).replace('\n', "\\n");
        let mut line = harmless(&line).into_owned();
        line.push('\n');
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Writes a value as indented JSON, and a line break.
///
/// # Errors
/// As [`say`].
pub(crate) fn say_json<T: Serialize>(value: &T) -> Outcome<Reader> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new("the answer has no JSON form").because(&error))?;
    say(&json_text(&json))
}

/// Writes a text and a line break.
///
/// # Errors
/// When it cannot be written although the reader is there.
pub(crate) fn say(text: &str) -> Outcome<Reader> {
    let mut out = io::stdout().lock();
    match out
        .write_all(harmless(text).as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
    {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new("standard output cannot be written").because(&error)),
    }
}

/// Writes a text and a line break to standard error; a failure is ignored.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_from_outside_stays_on_its_line_and_does_nothing() {
        assert_eq!(escaped("ਗੁਰਪ੍ਰੀਤ, 50 %"), "ਗੁਰਪ੍ਰੀਤ, 50 %");
        assert_eq!(escaped("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(escaped("\u{1b}[2K\u{9b}31m\u{202e}"), "\\u{1b}[2K\\u{9b}31m\\u{202e}");
        // A joiner belongs to the scripts of India.
        assert_eq!(escaped("ක්\u{200d}ෂ"), "ක්\u{200d}ෂ");
    }

    #[test]
    fn only_colours_and_line_breaks_are_written() {
        let painted = Paint { colours: true }.bad("no");
        assert_eq!(harmless(&format!("{painted}\n{painted}")), format!("{painted}\n{painted}"));
        assert_eq!(harmless("\u{1b}[2J\u{1b}[31m\u{1b}]0;x\u{7}"), "\\u{1b}[2J\u{1b}[31m\\u{1b}]0;x\\u{7}");
        assert_eq!(harmless("\u{1b}["), "\\u{1b}[");
    }

    proptest! {
        #[test]
        fn json_stays_the_same_json(text in any::<String>()) {
            let json = format!("{:#}", serde_json::json!({ "a": [text] }));
            let written = json_text(&json);
            let deceptive = written.contains(|char| char != '\n' && is_deceptive(char));
            prop_assert!(!deceptive);
            let (before, after): (serde_json::Value, serde_json::Value) =
                (serde_json::from_str(&json).unwrap(), serde_json::from_str(&written).unwrap());
            prop_assert_eq!(before, after);
        }

        #[test]
        fn nothing_deceptive_is_left(text in "[\\PC\u{1b}\\[0-9;mJ\n\u{9b}\u{202e}]{0,40}") {
            prop_assert!(!escaped(&text).contains(is_deceptive));
            let written = harmless(&text);
            let escapes = written.matches('\u{1b}').count();
            prop_assert_eq!(escapes, written.match_indices("\u{1b}[").filter(|(at, _)| colour_at(&written[*at..]).is_some()).count());
            let others = written.contains(|char| !matches!(char, '\n' | '\u{1b}') && is_deceptive(char));
            prop_assert!(!others);
        }
    }
}
