//! One merchant account: its credentials, version by version, and the next step of their life.

use askama::Template;
use payment_domain::{AccountId, AccountState, CredentialState, MerchantAccount, MerchantCredential, Signed};
use payment_service::{AccountActor, access};
use payment_store::{LoginMethod, StoredAccount};

use super::{Line, account_link, said};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::page::{self, Frame};
use crate::wording::{self, Notice};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    f: Frame,
    tag: Tag,
    said: Option<&'static str>,
    here: String,
    details: Vec<Line>,
    next: String,
    steps: Vec<Step>,
    may_enter: bool,
    may_verify: bool,
    may_activate: bool,
    may_retire: bool,
    version: u32,
    credentials: Vec<Credential>,
}

/// A step of a rotation: enter, verify, activate.
struct Step {
    name: &'static str,
    tag: Tag,
    detail: String,
}

struct Credential {
    version: u32,
    tag: Tag,
    fields: Vec<String>,
    lines: Vec<String>,
    trouble: Option<Notice>,
    wipe: Option<String>,
}

/// The account of the path, within the tenants of the caller's roles.
pub(super) async fn of_path(context: &Context) -> Result<StoredAccount, Failure> {
    let id = AccountId::new(context.path("id")).map_err(|_| Failure::NotFound)?;
    for scope in &context.scopes {
        if let Some(found) = context.payments().ports.store.account(&id, scope).await? {
            return Ok(found);
        }
    }
    Err(Failure::NotFound)
}

/// The caller as an admin of the account.
pub(super) async fn admin_of(context: &Context, id: &AccountId) -> Result<AccountActor, Failure> {
    let caller = context.caller()?;
    Ok(proven(context, context.accounts().actor(&caller.identity, context.address, id).await?))
}

/// The holder of a one-time link is no second person.
pub(super) fn proven(context: &Context, actor: AccountActor) -> AccountActor {
    let by_link = context.caller.as_ref().is_some_and(|caller| caller.session.method == LoginMethod::Link);
    match actor {
        AccountActor::Principal(principal) if by_link => AccountActor::LinkHolder(principal),
        actor @ (AccountActor::Principal(_)
        | AccountActor::LinkHolder(_)
        | AccountActor::CommandLine { .. }
        | AccountActor::Job(_)) => actor,
    }
}

/// The credentials that are not active yet.
pub(super) fn entered(stored: &StoredAccount) -> Option<&MerchantCredential> {
    let is_entered = |credential: &&MerchantCredential| {
        matches!(credential.state, CredentialState::Entered | CredentialState::Verified)
    };
    stored.credentials.iter().rev().find(is_entered)
}

pub(super) fn active(stored: &StoredAccount) -> Option<&MerchantCredential> {
    stored.credentials.iter().find(|credential| credential.state == CredentialState::Active)
}

/// `GET /accounts/{id}`
pub(crate) async fn show(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let t = context.language.texts();
    let messages = [
        ("added", t.accounts.said_account_added),
        ("entered", t.accounts.said_entered),
        ("verified", t.accounts.said_verified),
        ("activated", t.accounts.said_activated),
        ("retired", t.accounts.said_retired),
        ("wiped", t.accounts.said_wiped),
    ];
    let said = said(context, &messages);
    let account = &stored.account;
    let is_admin = context.has(access::ADMINS, &account.tenant_id);
    let is_open = account.state == AccountState::Open;
    let waiting = entered(&stored);
    let is_verified = waiting.is_some_and(|waiting| waiting.state == CredentialState::Verified);
    let here = account_link(context, &account.id).href();
    page::html(&AccountPage {
        tag: format::account_tag(context.language, account.state),
        said,
        details: details(context, account),
        next: next(context, &stored),
        steps: if is_open { steps(context, &stored) } else { Vec::new() },
        may_enter: is_admin && is_open,
        may_verify: is_admin && is_open && waiting.is_some(),
        may_activate: is_admin && is_open && is_verified,
        may_retire: is_admin && is_open,
        version: account.version,
        credentials: stored
            .credentials
            .iter()
            .rev()
            .map(|credential| shown(context, account, credential, is_admin.then_some(here.as_str())))
            .collect(),
        f: Frame::of(
            context,
            fill(t.accounts.account_title, [&account.label]),
            &[(t.frame.accounts, "/accounts")],
        ),
        here,
    })
}

fn details(context: &Context, account: &MerchantAccount) -> Vec<Line> {
    let t = context.language.texts();
    let changed = [format::moment(context, account.modified_at), account.modified_by.clone()].join(" · ");
    vec![
        Line::of(t.frame.tenant, account.tenant_id.as_str()),
        Line::of(t.words.service, account.business_service.as_deref().unwrap_or(t.lists.all)),
        Line::of(t.words.gateway, account.gateway.to_string()),
        Line::of(t.accounts.priority, account.priority.to_string()),
        Line::of(t.accounts.bank_account, account.bank_account_ref.as_deref().unwrap_or(t.words.none)),
        Line::of(t.operations.number, account.id.as_str()),
        Line::of(t.accounts.changed_last, changed),
    ]
}

/// The next step of the account, in a sentence.
fn next(context: &Context, stored: &StoredAccount) -> String {
    let t = context.language.texts();
    if stored.account.state == AccountState::Retired {
        return t.accounts.account_next_retired.to_owned();
    }
    let number = |credential: &MerchantCredential| credential.version.to_string();
    match (entered(stored), active(stored)) {
        (Some(waiting), _) if waiting.state == CredentialState::Verified => {
            fill(t.accounts.account_next_activate, [&number(waiting)])
        }
        (Some(waiting), _) => fill(t.accounts.account_next_verify, [&number(waiting)]),
        (None, Some(active)) => fill(t.accounts.account_next_active, [&number(active)]),
        (None, None) => t.accounts.account_next_enter.to_owned(),
    }
}

fn steps(context: &Context, stored: &StoredAccount) -> Vec<Step> {
    let t = context.language.texts();
    let waiting = entered(stored);
    let shown = waiting.or_else(|| active(stored));
    let told = |signed: Option<&Signed>| signed.map(|signed| signature(context, signed)).unwrap_or_default();
    let step = |name, signed: Option<&Signed>| Step {
        name,
        tag: format::step_tag(context.language, signed.is_some()),
        detail: told(signed),
    };
    let of = |signed: fn(&MerchantCredential) -> Option<&Signed>| shown.and_then(signed);
    vec![
        step(t.accounts.step_enter, of(|credential| credential.entered.as_ref())),
        step(t.accounts.step_verify, of(|credential| credential.verified.as_ref())),
        step(t.accounts.step_activate, of(|credential| credential.approved.as_ref())),
    ]
}

pub(super) fn signature(context: &Context, signed: &Signed) -> String {
    format!("{} · {}", format::moment(context, signed.at), signed.by)
}

/// A version without its secrets: the last characters of long ones alone.
fn shown(
    context: &Context,
    account: &MerchantAccount,
    credential: &MerchantCredential,
    here: Option<&str>,
) -> Credential {
    let t = context.language.texts();
    let options = credential.options.iter().map(|(name, text)| format!("{name}: {text}"));
    let secrets = credential.hints.iter().map(|(name, end)| format!("{name}: …{end}"));
    let signed = [
        (t.accounts.step_entered, &credential.entered),
        (t.accounts.step_verified, &credential.verified),
        (t.accounts.step_activated, &credential.approved),
        (t.accounts.step_retired, &credential.retired),
    ];
    let mut lines: Vec<String> = signed
        .into_iter()
        .filter_map(|(name, signed)| Some(format!("{name}: {}", signature(context, signed.as_ref()?))))
        .collect();
    if credential.state == CredentialState::Retired
        && let Some(retired) = &credential.retired
        && let Some(time) = context.accounts().directory.verifies_for(&account.id, credential.version)
    {
        lines.push(fill(t.accounts.verifies_until, [&format::moment(context, retired.at.plus(time))]));
    }
    lines.extend(
        credential.wiped_at.map(|at| format!("{}: {}", t.accounts.step_wiped, format::moment(context, at))),
    );
    let troubles = context.accounts().directory.troubles();
    let trouble =
        troubles.into_iter().find(|it| it.account == account.id && it.version == credential.version);
    let can_go = match credential.state {
        CredentialState::Entered | CredentialState::Verified | CredentialState::Retired => true,
        CredentialState::Created | CredentialState::Active | CredentialState::Wiped => false,
    };
    let wipe = here.filter(|_| can_go).map(|here| format!("{here}/retire?credential={}", credential.version));
    Credential {
        version: credential.version,
        tag: format::credential_tag(context.language, credential.state),
        fields: options.chain(secrets).collect(),
        lines,
        trouble: trouble.map(|trouble| wording::fault(t, &trouble.why)),
        wipe,
    }
}
