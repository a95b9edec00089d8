//! The gateway of a demo, and the service and simulator that are started for it.

use payment_http::Metrics;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::cli::{DemoArgs, DemoGateway, DemoProtocol};
use crate::config::{self, Flag, Sources};
use crate::failure::{Failure, Outcome};
use crate::service::{self, Running};
use crate::simulation::{Simulation, properties};

/// The gateway of a demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Play {
    pub(super) gateway: DemoGateway,
    /// The protocol, where it is not the gateway's usual one: the setting and its value.
    protocol: Option<(&'static str, &'static str)>,
}

impl Play {
    /// From the command line.
    ///
    /// # Errors
    /// When the options exclude each other.
    pub(super) fn of(args: &DemoArgs) -> Outcome<Play> {
        let gateway = args.gateway;
        if args.url.is_some() && gateway != DemoGateway::Sandbox {
            return Err(Failure::new(
                "a running service is played with in its sandbox only: its other gateways may be real ones",
            )
            .try_this(
                "leave out --url; the demo starts a service and a simulator of the gateway by itself",
            ));
        }
        let protocol = match (gateway, args.protocol) {
            (_, None) => None,
            (DemoGateway::Paytm, Some(DemoProtocol::Legacy)) => Some(("paytm.protocol", "legacy")),
            (DemoGateway::Paytm, Some(DemoProtocol::V3)) => Some(("paytm.protocol", "v3")),
            (DemoGateway::Phonepe, Some(DemoProtocol::Legacy)) => Some(("phonepe.protocol", "legacy")),
            (DemoGateway::Phonepe, Some(DemoProtocol::V1)) => Some(("phonepe.protocol", "v1")),
            (DemoGateway::Phonepe, Some(DemoProtocol::V2)) => Some(("phonepe.protocol", "v2")),
            (_, Some(_)) => {
                return Err(Failure::new(format!("{} has no such protocol", gateway.name()))
                    .try_this("choose legacy or v3 with PAYTM, legacy, v1 or v2 with PHONEPE"));
            }
        };
        Ok(Play { gateway, protocol })
    }

    /// The protocol's name, where one was chosen.
    pub(super) fn protocol(&self) -> Option<&'static str> {
        self.protocol.map(|(_, protocol)| protocol)
    }
}

/// The processes of one demo. Its folder is deleted with it.
pub(super) struct Stage {
    service: Running,
    _simulation: Option<Simulation>,
    _folder: TempDir,
}

impl Stage {
    /// Starts a service on a free port, and beside the sandbox a simulator of the gateways.
    pub(super) async fn build(play: &Play) -> Outcome<Stage> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::new("no temporary folder can be made").because(&error))?;
        let flag = |name: &str, value: &str| Flag {
            name: name.to_owned(),
            value: value.to_owned(),
            flag: "demo".to_owned(),
        };
        let data = folder.path().join("data").display().to_string();
        // Its return page replaces the application's.
        let mut flags = vec![flag("data.dir", &data), flag("sandbox.active", "true")];
        flags.extend(play.protocol.map(|(name, value)| flag(name, value)));
        // Nothing from outside: the demo shows the same everywhere.
        let mut sources = Sources { flags, ..Sources::default() };

        let listener = free_address().await?;
        let mut simulation = None;
        if play.gateway != DemoGateway::Sandbox {
            let service_url = format!("{}/pg-service", service::url_of(&listener)?);
            let there = free_address().await?;
            let url = service::url_of(&there)?;
            let started = Simulation::start(there, &url, &service_url)?;
            let file = folder.path().join("simulator.properties");
            properties::write(&file, &properties::text(&started.providers, &url))?;
            sources.properties_file = Some(file);
            simulation = Some(started);
        }
        let config = config::load(&sources)
            .into_config()
            .map_err(|_| Failure::new("the demo's own configuration is wrong"))?;
        let service = service::start(config, listener, Metrics::detached()).await?;
        Ok(Stage { service, _simulation: simulation, _folder: folder })
    }

    /// The service's address.
    pub(super) fn url(&self) -> &str {
        self.service.local_url()
    }

    /// Ends all of it.
    pub(super) async fn strike(self) {
        self.service.stop().await;
    }
}

async fn free_address() -> Outcome<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|error| Failure::new("there is no free port on 127.0.0.1").because(&error))
}
