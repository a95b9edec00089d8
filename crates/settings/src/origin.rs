//! The origin of a value, and its problems.

use std::fmt;
use std::path::PathBuf;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was not set.
    Default,
    /// A file, with the line if known.
    File {
        path: PathBuf,
        /// Counted from 1.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Variable(String),
    /// The command line.
    Flag(String),
    /// A file that holds nothing but the value.
    SecretFile {
        path: PathBuf,
        /// The origin of the file's name.
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

/// A problem of the configuration. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting; empty when it is a whole file or the command line that is wrong.
    pub key: String,
    /// `None` when nothing was set.
    pub origin: Option<Origin>,
    pub wrong: String,
    /// The remedy; empty where `wrong` states it.
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

/// Something that is not wrong, but worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    /// The setting, as it was named.
    pub key: String,
    pub origin: Origin,
    pub text: String,
}

/// The subject of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// No setting has this name.
    Unknown,
    /// The setting is known, but has no effect here.
    Idle,
    /// The setting takes effect, but perhaps not the one that was meant.
    Doubtful,
    /// DIGIT's chart sets it for services of another kind; it changes nothing here.
    Chart,
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
