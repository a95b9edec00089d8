//! The failure of a command, with its cause and a remedy.

use std::error::Error;
use std::fmt;

/// A failure, its causes, and the remedy.
#[derive(Debug)]
pub struct Failure {
    what: String,
    causes: Vec<String>,
    next: Option<String>,
    may_pass: bool,
}

/// The result of commands.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Something did not work.
    pub fn new(what: impl Into<String>) -> Failure {
        Failure { what: what.into(), causes: Vec::new(), next: None, may_pass: false }
    }

    /// The same with the errors below it.
    pub fn because(mut self, error: &dyn Error) -> Failure {
        let mut below = Some(error);
        while let Some(error) = below {
            let cause = error.to_string();
            // Wrappers often repeat the message of their cause.
            if self.causes.last() != Some(&cause) {
                self.causes.push(cause);
            }
            below = error.source();
        }
        self
    }

    /// The same with whether it may pass without a repair.
    pub fn passing(self, may_pass: bool) -> Failure {
        Failure { may_pass, ..self }
    }

    /// Whether it may pass without a repair.
    pub fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// The error at the bottom.
    pub fn cause(&self) -> &str {
        self.causes.last().unwrap_or(&self.what)
    }

    /// The same with advice.
    pub fn try_this(self, next: impl Into<String>) -> Failure {
        Failure { next: Some(next.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  what to do: {next}")?;
        }
        Ok(())
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_why_and_what_to_do() {
        let error = std::io::Error::other("disk full");
        let failure = Failure::new("the folder cannot be made").because(&error).try_this("make room");
        assert_eq!(
            failure.to_string(),
            "the folder cannot be made\n  because: disk full\n  what to do: make room"
        );
    }
}
