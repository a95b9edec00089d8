//! The log of one test among others.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

thread_local! {
    static LISTENING: RefCell<Option<(Level, Vec<u8>)>> = const { RefCell::new(None) };
}

/// Captures the log of a test's thread, from a level on. The process has one subscriber: callsites cache whether they are
/// enabled, which several subscribers would change.
pub(crate) struct Log(());

impl Log {
    pub(crate) fn listen(level: Level) -> Log {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let wanted = dynamic_filter_fn(|metadata, _| {
                LISTENING.with_borrow(|listening| {
                    listening.as_ref().is_some_and(|(level, _)| metadata.level() <= level)
                })
            });
            let lines = tracing_subscriber::fmt::layer().json().with_writer(|| Ears).with_filter(wanted);
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
        });
        LISTENING.set(Some((level, Vec::new())));
        Log(())
    }

    /// One JSON object a line.
    pub(crate) fn text(&self) -> String {
        LISTENING.with_borrow(|listening| {
            String::from_utf8(listening.as_ref().map(|(_, text)| text.clone()).unwrap_or_default()).unwrap()
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LISTENING.set(None);
    }
}

struct Ears;

impl Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LISTENING.with_borrow_mut(|listening| {
            if let Some((_, text)) = listening {
                text.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
