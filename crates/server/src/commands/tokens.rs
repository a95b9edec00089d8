//! `tokens`: personal API tokens.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::{Personal, RequestInfo};
use payment_service::{
    ApiTokenView, Identity, IssuedToken, PersonalTokens, TokenError, TokenIssuer, TokenWish,
};
use payment_store::{HolderKind, TokenHolder};
use secrecy::ExposeSecret;
use serde_json::json;

use super::database::{second, unreadable};
use super::table::{Column, Table, Tone, plain};
use super::{by_hand, small_runtime};
use crate::cli::{TokensIssueArgs, TokensListArgs, TokensRevokeArgs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service;
use crate::terminal::{Paint, escaped, say, say_json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn issue(config: &Config, args: &TokensIssueArgs) -> Outcome<ExitCode> {
    let wish = TokenWish {
        label: args.label.clone(),
        holder: TokenHolder {
            uuid: args.uuid.clone(),
            name: Personal::new(args.holder.clone()),
            kind: if args.program { HolderKind::Program } else { HolderKind::Person },
        },
        grants: args.grants.clone(),
        life: DAY.saturating_mul(args.days),
    };
    let issuer = command_line();
    let IssuedToken { secret, token } = small_runtime()?.block_on(async {
        let tokens = service::open_tokens(config).await?;
        tokens.issue(&issuer, wish).await.map_err(|error| not_done(&error))
    })?;
    let view = ApiTokenView::of(token.clone(), token.issued_at);
    if args.json {
        let mut document = json!(view);
        document["secret"] = secret.expose_secret().into();
        say_json(&document)?;
    } else {
        let zone = &config.embedded.time_zone;
        say(&format!(
            "{} It is valid until {} and is not shown again:\n{}",
            Paint::detect().good(&format!("Token {} is issued to {}.", view.id, escaped(&view.holder.name))),
            second(view.expires_time, zone),
            secret.expose_secret()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(config: &Config, args: &TokensListArgs) -> Outcome<ExitCode> {
    let issuer = command_line();
    let views: Vec<ApiTokenView> = small_runtime()?.block_on(async {
        let tokens = service::open_tokens(config).await?;
        let found = tokens.list(&issuer, !args.all).await.map_err(|error| not_done(&error))?;
        let now = tokens.now();
        Ok(found.into_iter().map(|token| ApiTokenView::of(token, now)).collect())
    })?;
    if args.json {
        say_json(&views)?;
    } else if views.is_empty() {
        say("There is no token.")?;
    } else {
        say(&table(&views, &config.embedded.time_zone).render(Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(views: &[ApiTokenView], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::Text("token"),
        Column::Text("holder"),
        Column::Text("uuid"),
        Column::Text("label"),
        Column::Text("roles"),
        Column::Text("last used"),
        Column::Text("state"),
    ]);
    for view in views {
        let roles: Vec<String> =
            view.grants.iter().map(|grant| format!("{}@{}", grant.role, grant.tenant_id)).collect();
        let used = view.last_used_time.map_or_else(|| "never".to_owned(), |used| second(used, zone));
        let state = match view.state {
            "VALID" => (format!("valid until {}", second(view.expires_time, zone)), Tone::Good),
            other => (other.to_lowercase(), Tone::Quiet),
        };
        table.row([
            plain(&view.id),
            plain(&view.holder.name),
            plain(&view.holder.uuid),
            plain(&view.label),
            plain(roles.join(" ")),
            plain(used),
            state,
        ]);
    }
    table
}

pub(super) fn revoke(config: &Config, args: &TokensRevokeArgs) -> Outcome<ExitCode> {
    let issuer = command_line();
    small_runtime()?.block_on(async {
        let tokens = service::open_tokens(config).await?;
        tokens.revoke(&issuer, &args.id).await.map_err(|error| not_done(&error))
    })?;
    say(&Paint::detect().good(&format!("Token {} is revoked.", escaped(&args.id))))?;
    Ok(ExitCode::SUCCESS)
}

/// The holder of the token in a file, as a proven caller.
///
/// # Errors
/// When there is no valid token in it.
pub(super) async fn caller(tokens: &PersonalTokens, file: &Path) -> Outcome<Identity> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("{} cannot be read", file.display())).because(&error))?;
    let found = tokens.identify(text.trim(), &RequestInfo::default()).await;
    found.map_err(|error| unreadable(&error))?.ok_or_else(|| {
        Failure::new(format!("{} holds no valid API token", file.display()))
            .try_this("`pg-service tokens list` shows the valid ones, `pg-service tokens issue` makes one")
    })
}

fn command_line() -> TokenIssuer {
    let user = by_hand::operator(None).unwrap_or_else(|| "unknown".to_owned());
    TokenIssuer::CommandLine { user: Personal::new(user) }
}

fn not_done(error: &TokenError) -> Failure {
    match error {
        TokenError::Store(error) => unreadable(error),
        TokenError::NotFound => Failure::new("there is no such token")
            .try_this("`pg-service tokens list --all` shows all there are"),
        TokenError::Denied(_)
        | TokenError::Invalid(_)
        | TokenError::OwnRefunds
        | TokenError::OwnLife
        | TokenError::LabelTaken
        | TokenError::AdminWithRefunds { .. }
        | TokenError::ProgramChecks
        | TokenError::UuidTaken
        | TokenError::NameTaken
        | TokenError::Before(_)
        | TokenError::NoRandomness => Failure::new(error.to_string()),
    }
}
