//! `console`: links into the console.

use std::process::ExitCode;

use payment_domain::{Grant, Personal};
use payment_service::SessionError;
use payment_store::SessionHolder;
use secrecy::ExposeSecret;
use serde_json::json;

use super::database::{second, unreadable};
use super::{by_hand, small_runtime};
use crate::cli::ConsoleLoginArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, console};
use crate::terminal::{Paint, escaped, say, say_json};

pub(super) fn login(config: &Config, args: &ConsoleLoginArgs) -> Outcome<ExitCode> {
    if !config.has_console() {
        return Err(Failure::new("the console is switched off").try_this("set console.enabled=true"));
    }
    let account = by_hand::any_operator(None);
    let name = args.name.clone().unwrap_or_else(|| account.clone());
    let grants = args
        .roles
        .iter()
        .flat_map(|role| args.tenants.iter().map(|tenant| Grant { role: *role, tenant: tenant.clone() }));
    // One name is one person, on whatever machine the command is run.
    let uuid = format!("console:{}", name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase());
    let holder = SessionHolder { uuid, name: Personal::new(name.clone()), grants: grants.collect() };
    let issued = small_runtime()?.block_on(async {
        let (sessions, has_accounts) = service::open_sessions(config).await?;
        let moves_no_money = config.stands_alone() && !has_accounts;
        let issued = sessions.issue_link(by_hand::actor(&account), holder, moves_no_money).await;
        issued.map_err(|error| not_issued(&error))
    })?;
    let url = format!("{}{}", address(config), payment_console::link_path(issued.secret.expose_secret()));
    if args.json {
        say_json(&json!({ "url": url, "expiresTime": issued.expires_at }))?;
    } else {
        say(&format!(
            "{} It works once, until {}:\n{url}",
            Paint::detect().good(&format!("A link into the console for {}.", escaped(&name))),
            second(issued.expires_at, &config.embedded.time_zone),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The console's address: that of its own port on this machine, the public one, or that on this machine.
fn address(config: &Config) -> String {
    match (config.console.port, &config.server.public_url) {
        (Some(port), _) => {
            format!("{}{}", service::local_address_at(&config.server, port), console::path(config))
        }
        (None, Some(public)) => format!("{public}{}", payment_console::PATH),
        (None, None) => {
            let port = config.server.port;
            format!("{}{}", service::local_address_at(&config.server, port), console::path(config))
        }
    }
}

fn not_issued(error: &SessionError) -> Failure {
    match error {
        SessionError::Store(error) => unreadable(error),
        SessionError::MovesMoney(_) => Failure::new(error.to_string()).try_this(
            "refunds are made and checked with personal API tokens (`pg-service tokens issue`) or DIGIT accounts",
        ),
        SessionError::Invalid(_)
        | SessionError::LinkSpent
        | SessionError::AttemptSpent
        | SessionError::NoRandomness => Failure::new(error.to_string()),
    }
}
