//! Where a value came from, and what is wrong with it.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file, at a line where that is known.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Variable(String),
    /// The command line.
    Flag(String),
    /// A file that holds nothing but the value.
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Where the file is named.
        named_in: Box<Origin>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Origin::File { path, line: None } => write!(f, "{}", path.display()),
            Origin::Variable(name) => write!(f, "environment {name}"),
            Origin::Flag(flag) => write!(f, "command line {flag}"),
            Origin::SecretFile { path, named_in } => write!(f, "{} (named in {named_in})", path.display()),
        }
    }
}

/// One thing that is wrong with the configuration. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting; empty when it is a whole file or the command line that is wrong.
    pub key: String,
    /// Where the value came from; `None` when nothing was set.
    pub origin: Option<Origin>,
    /// What is wrong.
    pub wrong: String,
    /// What to do about it; empty where what is wrong says it already.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.wrong)?;
        if let Some(origin) = &self.origin {
            write!(f, "\n    set in: {origin}")?;
        }
        if !self.fix.is_empty() {
            write!(f, "\n    to fix: {}", self.fix)?;
        }
        Ok(())
    }
}

/// Something that is not wrong, but that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What kind of notice.
    pub kind: NoticeKind,
    /// The setting, as it was named.
    pub key: String,
    /// Where it was set.
    pub origin: Origin,
    /// What there is to know.
    pub text: String,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// No setting has this name.
    Unknown,
    /// The setting is known, but changes nothing here.
    Idle,
    /// The setting takes effect, but perhaps not the one that was meant.
    Doubtful,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)?;
        match &self.origin {
            Origin::Default => Ok(()),
            Origin::File { .. } | Origin::Variable(_) | Origin::Flag(_) | Origin::SecretFile { .. } => {
                write!(f, " (set in {})", self.origin)
            }
        }
    }
}
