//! API tokens: the caller's own, of an admin those of their tenants.

use std::time::Duration;

use askama::Template;
use payment_domain::{Grant, Role, TenantId};
use payment_service::{LoggedIn, TokenIssuer, TokenWish};
use payment_store::{ApiToken, HolderKind, TokenHolder};
use secrecy::ExposeSecret;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::links::segment;
use crate::page::{self, Frame};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The lives that the form offers, in days.
const LIVES: [u32; 3] = [7, 30, 90];

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    f: Frame,
    rows: Vec<Row>,
    is_all: bool,
    /// The list of the other kind: all, or the valid ones.
    other: String,
    /// The roles that the caller may give a token of their own.
    grants: Vec<String>,
    lives: [u32; 3],
}

struct Row {
    label: String,
    id: String,
    holder: String,
    roles: String,
    issued: String,
    expires: String,
    used: String,
    state: &'static str,
    revoke: Option<String>,
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    f: Frame,
    secret: String,
    label: String,
    roles: String,
    expires: String,
}

/// `GET /tokens`
pub(crate) async fn list(context: &Context) -> Outcome {
    let (t, caller) = (context.language.texts(), context.caller()?);
    let is_all = context.query.text("state") == Some("all");
    let tokens = context.payments().tokens.list(&issuer(context, caller), !is_all).await?;
    let other = context.link("/tokens");
    page::html(&TokensPage {
        f: Frame::of(context, t.tokens.tokens, &[]),
        rows: tokens.into_iter().map(|token| row(context, token)).collect(),
        is_all,
        other: if is_all { other.href() } else { other.with("state", "all").href() },
        grants: caller.identity.grants().iter().filter(may_give).map(written).collect(),
        lives: LIVES,
    })
}

/// `POST /tokens`: the answer shows the secret, once.
pub(crate) async fn issue(context: &Context) -> Outcome {
    let (t, caller) = (context.language.texts(), context.caller()?);
    let chosen = context.form.text("grant").unwrap_or_default();
    let held = caller.identity.grants().iter().find(|grant| written(grant) == chosen);
    let held = held.ok_or_else(|| Failure::invalid(t.lists.choose_listed))?;
    let tenant = match context.form.text("tenant") {
        Some(narrower) => {
            TenantId::new(narrower).map_err(|_| Failure::invalid(t.refusals.tenant_unreadable))?
        }
        None => held.tenant.clone(),
    };
    let days = context.form.number("days").and_then(|days| u32::try_from(days).ok());
    let holder = &caller.session.holder;
    let wish = TokenWish {
        label: context.form.text("label").unwrap_or_default().to_owned(),
        holder: TokenHolder {
            uuid: holder.uuid.clone(),
            name: holder.name.clone(),
            kind: HolderKind::Person,
        },
        grants: vec![Grant { role: held.role, tenant }],
        life: DAY.saturating_mul(days.unwrap_or_default()),
    };
    let issued = context.payments().tokens.issue_own(&issuer(context, caller), wish).await?;
    page::html(&TokenPage {
        f: Frame::of(context, t.tokens.token_issued, &[(t.tokens.tokens, "/tokens")]),
        secret: issued.secret.expose_secret().to_owned(),
        label: issued.token.label,
        roles: issued.token.grants.iter().map(written).collect::<Vec<_>>().join(", "),
        expires: format::moment(context, issued.token.expires_at),
    })
}

/// `POST /tokens/{id}/revoke`
pub(crate) async fn revoke(context: &Context) -> Outcome {
    let issuer = issuer(context, context.caller()?);
    context.payments().tokens.revoke(&issuer, context.path("id")).await?;
    page::see(&context.link("/tokens").href())
}

fn issuer(context: &Context, caller: &LoggedIn) -> TokenIssuer {
    TokenIssuer::Caller { identity: caller.identity.clone(), address: context.address }
}

/// Refunds are made and checked by people.
fn may_give(grant: &&Grant) -> bool {
    !matches!(grant.role, Role::RefundMaker | Role::RefundChecker)
}

fn written(grant: &Grant) -> String {
    format!("{} {}", grant.role.code(), grant.tenant)
}

fn row(context: &Context, token: ApiToken) -> Row {
    let t = context.language.texts();
    let is_valid = token.is_valid(context.payments().tokens.now());
    let state = match (&token.revocation, is_valid) {
        (Some(_), _) => t.tokens.revoked,
        (None, true) => t.tokens.valid,
        (None, false) => t.tokens.expired,
    };
    Row {
        label: token.label,
        holder: token.holder.name.expose().to_owned(),
        roles: token.grants.iter().map(written).collect::<Vec<_>>().join(", "),
        issued: format::moment(context, token.issued_at),
        expires: format::moment(context, token.expires_at),
        used: token
            .last_used_at
            .map_or_else(|| t.tokens.never.to_owned(), |used| format::moment(context, used)),
        state,
        revoke: is_valid.then(|| context.link(&format!("/tokens/{}/revoke", segment(&token.id))).href()),
        id: token.id,
    }
}
