//! The providers' side of the gateways, running behind an address: for
//! `pg-service simulate` and for the demo.

pub(crate) mod properties;

use std::future::{IntoFuture, pending};

use payment_simulator::providers::{Providers, ProvidersSettings};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::failure::{Failure, Outcome};

/// A simulator that runs. Dropping it ends it at once: it keeps nothing that must be finished.
pub(crate) struct Simulation {
    /// The providers.
    pub(crate) providers: Providers,
    tasks: JoinSet<()>,
}

impl Simulation {
    /// Starts the simulator behind an address that was taken. Browsers reach it at `url`; webhooks
    /// go to the service at `service_url`.
    ///
    /// # Errors
    /// When one of the two is no URL.
    pub(crate) fn start(listener: TcpListener, url: &str, service_url: &str) -> Outcome<Simulation> {
        let settings = ProvidersSettings::new(url).reporting_to(service_url);
        let providers = Providers::new(settings).map_err(|error| {
            Failure::new("the simulator cannot start").because(&error).try_this(
                "name whole addresses, e.g. --service-url http://127.0.0.1:9000/pg-service --public-url http://127.0.0.1:9300",
            )
        })?;
        let mut tasks = JoinSet::new();
        let server = axum::serve(listener, providers.router()).into_future();
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the simulator's server has ended");
            }
        });
        tasks.spawn(providers.clone().run(pending()));
        Ok(Simulation { providers, tasks })
    }

    /// Waits until a part of it ends by itself, which happens only when something is broken.
    pub(crate) async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}
