//! `simulate`: runs the providers' side of the gateways until a signal.

use std::process::ExitCode;

use super::serve::{logging, signals::Signals};
use crate::cli::{SettingArgs, SimulateArgs};
use crate::config::{self, Server, Sources};
use crate::failure::{Failure, Outcome};
use crate::service;
use crate::simulation::{Simulation, properties};
use crate::terminal::{Paint, say};

const PORT: u16 = 9300;

pub(super) fn run(settings: &SettingArgs, args: &SimulateArgs) -> Outcome<ExitCode> {
    // Other sources configure the service, not the simulator.
    let loaded = config::load(&Sources { flags: settings.sources().flags, ..Sources::default() });
    let config = loaded.into_config().map_err(|problems| super::refused(&problems))?;
    logging::start(&config.log, None)?;
    let server = Server { port: settings.port.unwrap_or(PORT), ..config.server };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("no threads can be started").because(&error))?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let listener = service::listen(&server).await?;
        let url = match &server.public_url {
            Some(url) => url.clone(),
            None => service::url_of(&listener)?,
        };
        let mut simulation = Simulation::start(listener, &url, &args.service_url)?;
        let text = properties::text(&simulation.providers, &url);
        if let Some(path) = &args.write_properties {
            properties::write(path, &text)?;
        }
        say(&banner(&url, args, &text, Paint::detect()))?;
        tokio::select! {
            _signal = signals.next() => Ok(ExitCode::SUCCESS),
            () = simulation.ended() => Err(Failure::new("the simulator has ended by itself").try_this("see the log for the reason")),
        }
    })
}

fn banner(url: &str, args: &SimulateArgs, properties: &str, paint: Paint) -> String {
    let link = |path: &str| paint.link(&format!("{url}{path}"));
    let service_url = args.service_url.trim_end_matches('/');
    let gateways = "AXIS, CCAVENUE, HYPERSWITCH, PAYTM, PHONEPE, PAYU, RAZORPAY and STRIPE";
    let mut out = format!("\n{}\n\n", paint.title(&format!("Simulator of {gateways}")));
    out.push_str(&format!("  books     {}   the newest orders, to look at\n", link("/")));
    out.push_str(&format!("  control   {}   orders, to read and to spoil\n", link("/control/orders")));
    out.push_str(&format!(
        "  webhooks  {}\n\n",
        paint.link(&format!("{service_url}/gateway/v1/…/_callback"))
    ));
    match &args.write_properties {
        Some(path) => {
            out.push_str(&format!("{}\n\n", paint.title("Start the service with these gateways:")));
            out.push_str(&format!("pg-service --properties {}\n", path.display()));
        }
        None => {
            out.push_str(&format!("{}\n", paint.title("Properties that point the service here")));
            out.push_str(
                "(with --write-properties FILE they are in a file: pg-service --properties FILE)\n\n",
            );
            out.push_str(properties);
        }
    }
    out.push_str(&format!(
        "\nCreate a transaction with one of these gateways and open its redirectUrl in a browser: the pay page
comes from here. Before or after, let something go wrong with it:

curl -s -H 'Content-Type: application/json' -d '{{\"fault\":\"pending\",\"seconds\":20}}' \\
  '{url}/control/orders/paytm/TXN_ID'

`pg-service help simulate` tells what else can go wrong. `pg-service demo --gateway axis` does it all by itself.\n"
    ));
    out
}
