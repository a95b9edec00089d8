//! `demo`: three whole payments over real HTTP, played by code in the parts of the application and
//! the citizen.

mod actors;
mod narrator;
mod story;

use std::process::ExitCode;

use payment_http::Metrics;
use serde_json::json;

pub(crate) use self::actors::create_request;
use self::actors::{Actors, World};
use self::narrator::Narrator;
use crate::cli::DemoArgs;
use crate::config::{self, Config, Flag, Sources};
use crate::failure::{Failure, Outcome};
use crate::service::{self, Running};
use crate::terminal::{Paint, say};

/// Plays the demo.
///
/// # Errors
/// When it cannot be played at all. A promise that is not kept is told by the exit code.
pub(crate) fn run(args: &DemoArgs) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("no threads can be started").because(&error))?;
    runtime.block_on(async {
        match &args.url {
            Some(url) => play(args, url.trim_end_matches('/')).await,
            None => play_alone(args).await,
        }
    })
}

/// Plays against a service of our own, with a database that is thrown away.
async fn play_alone(args: &DemoArgs) -> Outcome<ExitCode> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::new("no temporary folder can be made").because(&error))?;
    let service = start(&folder).await?;
    let code = play(args, service.local_url()).await;
    service.stop().await;
    code
}

async fn start(folder: &tempfile::TempDir) -> Outcome<Running> {
    let flag = |name: &str, value: String| Flag { name: name.to_owned(), value, flag: "demo".to_owned() };
    let flags = vec![
        flag("server.port", "0".to_owned()),
        flag("data.dir", folder.path().join("data").display().to_string()),
    ];
    // Nothing from outside: the demo shows the same everywhere.
    let config: Config = config::load(&Sources { flags, ..Sources::default() })
        .into_config()
        .map_err(|_| Failure::new("the demo's own configuration is wrong"))?;
    let listener = service::listen(&config.server).await?;
    service::start(config, listener, Metrics::detached()).await
}

async fn play(args: &DemoArgs, url: &str) -> Outcome<ExitCode> {
    let paint = if args.json { Paint::plain() } else { Paint::detect() };
    let mut narrator = Narrator::new(paint, !args.json);
    let actors = Actors::new(World::new(url))?;
    actors.check_service().await?;
    narrator.opening(url, args.url.is_none())?;
    let payments = story::all(&actors, &mut narrator).await?;
    let kept = payments.iter().all(|payment| payment.kept());
    if args.json {
        let document = json!({ "url": url, "asPromised": kept, "payments": payments });
        say(&format!("{document:#}"))?;
    } else {
        narrator.closing(kept, url, args.url.is_some())?;
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
