//! The built-in sandbox: its pages, and its background work. Empty in a program built without it.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use payment_domain::Clock;
use tokio_util::sync::CancellationToken;

use super::Addresses;
use crate::config::Config;
use crate::failure::Outcome;

/// The sandbox of this service.
pub(super) struct Sandbox {
    /// The pages and the API, to be nested at the sandbox's path.
    pub(super) pages: Router,
    /// Callbacks and late answers, until the service stops.
    pub(super) work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// The built-in sandbox, unless it is switched off or external.
///
/// # Errors
/// When its books cannot be opened.
#[cfg(feature = "sandbox")]
pub(super) fn open(
    config: &Config,
    addresses: &Addresses<'_>,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Outcome<Option<Sandbox>> {
    use payment_simulator::sandbox::{self, SandboxSettings};

    use super::data_folder::DataFolder;
    use super::gateways::sandbox_secret;
    use crate::failure::Failure;

    if !config.has_built_in_sandbox() {
        return Ok(None);
    }
    let folder = DataFolder::prepare(&config.data_dir)?;
    // The sandbox judges by the clock its adapter signs by.
    let shared = clock.clone();
    let settings = SandboxSettings {
        clock: sandbox::Clock::from_fn(move || shared.now().as_millis()),
        lookup_url: Some(addresses.public.to_owned()),
        late_after: config.sandbox.late_after,
        ..SandboxSettings::new(
            config.sandbox.merchant.clone(),
            sandbox_secret(config)?,
            format!("{}/sandbox", addresses.public),
        )
    };
    let books = folder.sandbox_books();
    let sandbox = sandbox::Sandbox::open(&books, settings).map_err(|error| {
        Failure::new(format!("the sandbox's books {} cannot be opened", books.display())).because(&error)
    })?;
    let stop = stop.clone().cancelled_owned();
    Ok(Some(Sandbox { pages: sandbox.router(), work: Box::pin(sandbox.run(stop)) }))
}

/// No sandbox: a configuration with one was refused.
#[cfg(not(feature = "sandbox"))]
pub(super) fn open(
    _config: &Config,
    _addresses: &Addresses<'_>,
    _clock: &Arc<dyn Clock>,
    _stop: &CancellationToken,
) -> Outcome<Option<Sandbox>> {
    Ok(None)
}
