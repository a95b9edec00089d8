//! Classification of failed calls: nothing sent, a fault on our side, no answer.

use std::error::Error;
use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustix::io::Errno;

/// An error of the layer below, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a call brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection was established: nothing happened at the peer, repeating is safe.
    #[error("no connection")]
    NotSent(#[source] BoxError),
    /// No connection for lack of a resource of ours: a file descriptor, memory, a resolved name.
    /// Repeating is safe, and it says nothing about the peer.
    #[error("no connection for a fault on our side")]
    LocalFault(#[source] BoxError),
    /// The call was sent, no whole answer came: the peer may have acted.
    #[error("no answer")]
    Unanswered(#[source] BoxError),
    /// An answer came that cannot be used.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl CallError {
    /// The variant as a word.
    pub fn kind(&self) -> &'static str {
        match self {
            CallError::NotSent(_) => "not_sent",
            CallError::LocalFault(_) => "local_fault",
            CallError::Unanswered(_) => "unanswered",
            CallError::Unreadable(_) => "unreadable",
        }
    }
}

/// The URL is taken out of the error, because it may carry secrets and personal data.
pub(crate) fn classify(error: reqwest::Error) -> CallError {
    let (connecting, unbuildable) = (error.is_connect(), error.is_builder());
    let error = error.without_url();
    if unbuildable || (connecting && is_ours(&error)) {
        CallError::LocalFault(Box::new(error))
    } else if connecting {
        CallError::NotSent(Box::new(error))
    } else {
        CallError::Unanswered(Box::new(error))
    }
}

/// Whether no connection was established for lack of a resource of ours.
fn is_ours(error: &(dyn Error + 'static)) -> bool {
    const SHORTAGES: [Errno; 5] =
        [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    let is_shortage =
        |error: &io::Error| Errno::from_io_error(error).is_some_and(|errno| SHORTAGES.contains(&errno));
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Unresolved>() || error.downcast_ref::<io::Error>().is_some_and(is_shortage) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The peer's name has no address, as far as this machine can find out.
#[derive(Debug, thiserror::Error)]
#[error("the host name cannot be resolved")]
struct Unresolved(#[source] io::Error);

/// Resolves names by the system, and marks the error when there is no address.
pub(crate) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(Unresolved)?;
            let addresses: Vec<_> = found.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
