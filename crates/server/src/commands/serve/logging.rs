//! Logging to standard error as text or JSON.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::failure::{Failure, Outcome};
use crate::terminal::LogLines;

pub(in crate::commands) fn start(log: &Log) -> Outcome {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        Failure::new(format!("log.level `{}` cannot be used", log.filter)).because(&error)
    })?;
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| LogLines);
    let started = match log.format {
        LogFormat::Human => lines.with_ansi(colours).try_init(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
    };
    started.map_err(|error| Failure::new("logging cannot be started").because(error.as_ref()))
}
