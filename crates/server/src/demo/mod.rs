//! `demo`: whole payments and a refund over HTTP, with code as the application, the citizen and two officials.

mod actors;
mod citizen;
mod narrator;
mod refund;
mod stage;
mod story;

use std::process::ExitCode;

use serde_json::json;

use self::actors::{Actors, World};
use self::narrator::Narrator;
use self::stage::{Play, Stage};
use crate::cli::{DemoArgs, DemoGateway};
use crate::failure::{Failure, Outcome};
use crate::terminal::{Paint, say};

/// Runs the demo.
///
/// # Errors
/// When it cannot run. A broken promise is reported by the exit code.
pub(crate) fn run(args: &DemoArgs) -> Outcome<ExitCode> {
    let plan = Play::of(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("no threads can be started").because(&error))?;
    runtime.block_on(async {
        match &args.url {
            Some(url) => play(args, &plan, url.trim_end_matches('/')).await,
            None => play_alone(args, &plan).await,
        }
    })
}

/// Runs against a service of its own with a temporary database.
async fn play_alone(args: &DemoArgs, plan: &Play) -> Outcome<ExitCode> {
    let stage = Stage::build(plan).await?;
    let code = play(args, plan, stage.url()).await;
    stage.strike().await;
    code
}

async fn play(args: &DemoArgs, plan: &Play, url: &str) -> Outcome<ExitCode> {
    let mut narrator = Narrator::new(Paint::detect(), !args.json);
    let actors = Actors::new(World::new(url, plan.gateway))?;
    actors.check_service().await?;
    narrator.opening(url, plan, args.url.is_none())?;
    // Elsewhere officials have to prove their identity.
    let with_refund = args.url.is_none() && plan.gateway == DemoGateway::Sandbox;
    let payments = story::all(&actors, &mut narrator, with_refund).await?;
    let kept = payments.iter().all(|payment| payment.kept());
    if args.json {
        let (gateway, protocol) = (plan.gateway.name(), plan.protocol());
        let document = json!({ "url": url, "gateway": gateway, "protocol": protocol, "asPromised": kept, "payments": payments });
        say(&format!("{document:#}"))?;
    } else {
        narrator.closing(kept, url, args.url.is_some())?;
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
