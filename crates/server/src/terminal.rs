//! Writing to standard output: in colour only for a person at a terminal, and without a complaint
//! when whoever reads has gone away.

use std::io::{self, IsTerminal, Write};

use owo_colors::{OwoColorize, Style};

use crate::failure::{Failure, Outcome};

/// How text may look.
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

    /// Never in colour.
    pub(crate) fn plain() -> Paint {
        Paint { colours: false }
    }

    fn with(self, text: &str, style: Style) -> String {
        if self.colours { text.style(style).to_string() } else { text.to_owned() }
    }

    /// A title.
    pub(crate) fn title(self, text: &str) -> String {
        self.with(text, Style::new().bold())
    }

    /// Something that went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.with(text, Style::new().green())
    }

    /// Something that went badly.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with(text, Style::new().red().bold())
    }

    /// Something that waits.
    pub(crate) fn waiting(self, text: &str) -> String {
        self.with(text, Style::new().yellow())
    }

    /// Something that stands back.
    pub(crate) fn quiet(self, text: &str) -> String {
        self.with(text, Style::new().dimmed())
    }

    /// An address to go to.
    pub(crate) fn link(self, text: &str) -> String {
        self.with(text, Style::new().cyan())
    }
}

/// Whether anybody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Somebody does.
    There,
    /// The other end of the pipe is closed: what is left to say interests nobody.
    Gone,
}

/// Writes a text and a line break.
///
/// # Errors
/// When it cannot be written for another reason than that nobody reads any more.
pub(crate) fn say(text: &str) -> Outcome<Reader> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new("standard output cannot be written").because(&error)),
    }
}

/// Writes a text and a line break to standard error. When that does not work, there is nobody to
/// tell.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
