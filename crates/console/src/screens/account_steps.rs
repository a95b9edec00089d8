//! Credentials are verified, activated by a second person, retired and wiped; what moves money is confirmed first.

use askama::Template;
use payment_domain::{AuditAction, AuditActor, AuditEntry, CredentialState, Signed, TxnId};
use payment_service::{AccountActor, AccountError, SeenAccount, audit};
use payment_store::StoredAccount;

use super::account::{active, admin_of, entered, of_path, signature};
use super::{Line, account_link, seen_version};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::fill;
use crate::links::segment;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "account_confirm.html")]
struct ConfirmPage {
    f: Frame,
    action: String,
    back: String,
    warning: String,
    details: Vec<Line>,
    button: &'static str,
    version: u32,
    credential: Option<u32>,
    wipe: bool,
}

/// `POST /accounts/{id}/verify`: a status request with the entered credentials.
pub(crate) async fn verify(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let id = &stored.account.id;
    let admin = admin_of(context, id).await?;
    let payment = context.form.text("payment").map(TxnId::new).transpose();
    let unreadable = context.language.texts().refusals.payment_unreadable;
    let payment = payment.map_err(|_| Failure::invalid(unreadable))?;
    let seen = SeenAccount { id, version: Some(seen_version(context)?) };
    context.accounts().verify(&admin, seen, payment.as_ref()).await?;
    page::see(&account_link(context, id).with("said", "verified").href())
}

/// `GET /accounts/{id}/activate`: what it means, before it is done.
pub(crate) async fn confirm_activation(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let t = context.language.texts();
    admin_of(context, &stored.account.id).await?;
    let waiting = entered(&stored).filter(|waiting| waiting.state == CredentialState::Verified);
    let waiting = waiting.ok_or_else(|| Failure::refused(t.accounts.account_none_verified))?;
    let told = |signed: Option<&Signed>| signed.map_or(t.words.none.to_owned(), |it| signature(context, it));
    let mut details = vec![
        Line::of(t.accounts.credentials, waiting.version.to_string()),
        Line::of(t.accounts.step_entered, told(waiting.entered.as_ref())),
        Line::of(t.accounts.step_verified, told(waiting.verified.as_ref())),
    ];
    if let Some(active) = active(&stored) {
        let time = context.accounts().directory.verifies_for(&stored.account.id, active.version);
        let until = context.payments().ports.clock.now().plus(time.unwrap_or_default());
        let window =
            fill(t.accounts.rotation_window, [&active.version.to_string(), &format::moment(context, until)]);
        details.push(Line::of(t.accounts.rotation, window));
    }
    if waiting.second_person || context.accounts().settings.second_person {
        details.push(Line::of(t.accounts.second_person, t.accounts.second_person_needed));
    }
    let account = &stored.account;
    let service = account.business_service.as_deref().unwrap_or(t.lists.all);
    let warning = fill(t.accounts.activate_warning, [account.tenant_id.as_str(), service, &account.label]);
    confirm(context, &stored, t.accounts.step_activate, "activate", warning, details, None)
}

/// `POST /accounts/{id}/activate`
pub(crate) async fn activate(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let id = &stored.account.id;
    let admin = admin_of(context, id).await?;
    let seen = SeenAccount { id, version: Some(seen_version(context)?) };
    match context.accounts().activate(&admin, seen).await {
        Ok(_) => page::see(&account_link(context, id).with("said", "activated").href()),
        Err(error) => {
            record_same_person(context, &stored, &admin, &error).await?;
            Err(error.into())
        }
    }
}

/// The refusal of the person who has entered the credentials is recorded.
async fn record_same_person(
    context: &Context,
    stored: &StoredAccount,
    admin: &AccountActor,
    error: &AccountError,
) -> Result<(), Failure> {
    let (AccountError::SamePerson, AccountActor::Principal(person)) = (error, admin) else { return Ok(()) };
    let ports = &context.payments().ports;
    let (at, actor) = (ports.clock.now(), AuditActor::Principal(person.clone()));
    let entry = AuditEntry {
        tenant: Some(stored.account.tenant_id.clone()),
        ..audit::act(at, actor, AuditAction::Refused, "account", stored.account.id.as_str())
    };
    Ok(ports.store.record(vec![entry]).await?)
}

/// `GET /accounts/{id}/retire?credential=`: the account, or a version of its credentials that is not active.
pub(crate) async fn confirm_retirement(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let t = context.language.texts();
    admin_of(context, &stored.account.id).await?;
    let account = &stored.account;
    let Some(version) = context.query.number("credential") else {
        let service = account.business_service.as_deref().unwrap_or(t.lists.all);
        let warning = fill(t.accounts.retire_warning, [&account.label, account.tenant_id.as_str(), service]);
        return confirm(context, &stored, t.accounts.retire, "retire", warning, Vec::new(), None);
    };
    let credential = stored.credentials.iter().find(|it| i64::from(it.version) == version);
    let credential = credential.ok_or(Failure::NotFound)?;
    let is_retired = credential.state == CredentialState::Retired;
    let text = if is_retired { t.accounts.wipe_retired_warning } else { t.accounts.wipe_warning };
    let warning = fill(text, [&credential.version.to_string()]);
    let wiped = Some((credential.version, is_retired));
    confirm(context, &stored, t.accounts.wipe, "retire", warning, Vec::new(), wiped)
}

/// `POST /accounts/{id}/retire`
pub(crate) async fn retire(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let id = &stored.account.id;
    let admin = admin_of(context, id).await?;
    let credential = match context.form.text("credential") {
        Some(version) => Some(version.parse().map_err(|_| Failure::Forged)?),
        None => None,
    };
    let wipe = context.form.text("wipe").is_some();
    let seen = SeenAccount { id, version: Some(seen_version(context)?) };
    context.accounts().retire(&admin, seen, credential, wipe).await?;
    let said = if credential.is_some() { "wiped" } else { "retired" };
    page::see(&account_link(context, id).with("said", said).href())
}

fn confirm(
    context: &Context,
    stored: &StoredAccount,
    button: &'static str,
    act: &str,
    warning: String,
    details: Vec<Line>,
    wiped: Option<(u32, bool)>,
) -> Outcome {
    let t = context.language.texts();
    let account = &stored.account;
    let here = account_link(context, &account.id).href();
    let path = format!("/accounts/{}", segment(account.id.as_str()));
    let above = [(t.frame.accounts, "/accounts"), (account.label.as_str(), path.as_str())];
    page::html(&ConfirmPage {
        f: Frame::of(context, format!("{button}: {}", account.label), &above),
        action: format!("{here}/{act}"),
        back: here,
        warning,
        details,
        button,
        version: account.version,
        credential: wiped.map(|(version, _)| version),
        wipe: wiped.is_some_and(|(_, is_retired)| is_retired),
    })
}
