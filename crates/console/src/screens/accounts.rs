//! Merchant accounts: which tenant and service is paid into which, and which one takes a payment of a place, and why.

use askama::Template;
use payment_domain::{CredentialState, MerchantCredential, TenantId};
use payment_service::{
    AccountLevel, AccountStanding, AccountVerdict, ExportedList, GatewayPrecedence, Place, access,
    account_takes,
};
use payment_store::StoredAccount;

use super::account_link;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Tag};
use crate::language::fill;
use crate::list::{Filters, List};
use crate::page::{self, Frame};
use crate::wording;

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    f: Frame,
    list: List,
    answers: Vec<Answer>,
    rows: Vec<Row>,
    add: Option<String>,
}

/// The account that takes a payment through a gateway.
struct Answer {
    gateway: String,
    account: String,
    href: Option<String>,
    why: Vec<String>,
}

struct Row {
    href: String,
    tenant: String,
    service: String,
    gateway: String,
    label: String,
    tag: Tag,
    active: String,
    age: String,
    verified: String,
    waiting: String,
}

/// `GET /accounts`
pub(crate) async fn list(context: &Context) -> Outcome {
    let t = context.language.texts();
    let mut filters = Filters::of(context, "/accounts");
    let within = filters.tenants(Vec::new());
    let service = filters.text("service", t.words.service);
    let accounts = context.accounts().list_within(&within).await?;
    let takes = |stored: &&StoredAccount| account_takes(stored, service.as_deref());
    page::html(&AccountsPage {
        answers: answers(context, service.as_deref())?,
        rows: accounts.iter().filter(takes).map(|stored| row(context, stored)).collect(),
        list: filters.oldest_first(None),
        add: context.has_anywhere(access::ADMINS).then(|| context.link("/accounts/new").href()),
        f: Frame::of(context, t.frame.accounts, &[]),
    })
}

/// The accounts of the view.
pub(super) fn exported(context: &Context) -> Result<ExportedList, Failure> {
    let mut filters = Filters::of(context, "/accounts");
    let within = filters.tenants(Vec::new());
    let service = filters.text("service", context.language.texts().words.service);
    filters.refuse_unreadable()?;
    Ok(ExportedList::Accounts { within, service })
}

/// For the tenant that was chosen, and the service.
fn answers(context: &Context, service: Option<&str>) -> Result<Vec<Answer>, Failure> {
    let Some(tenant) = context.query.text("tenant") else { return Ok(Vec::new()) };
    let tenant = TenantId::new(tenant).map_err(|_| Failure::NotFound)?;
    context.principal(access::ACCOUNTS, &tenant)?;
    let found = context.payments().ports.gateways.precedence(Place { tenant: &tenant, service });
    Ok(found.iter().map(|found| answer(context, found)).collect())
}

fn row(context: &Context, stored: &StoredAccount) -> Row {
    let t = context.language.texts();
    let StoredAccount { account, credentials } = stored;
    let in_state = |states: &[CredentialState]| {
        credentials.iter().rev().find(|credential| states.contains(&credential.state))
    };
    let active = in_state(&[CredentialState::Active]);
    let waiting = in_state(&[CredentialState::Created, CredentialState::Entered, CredentialState::Verified]);
    let numbered = |credential: &MerchantCredential| {
        format!("{} · {}", credential.version, format::credential_word(t, credential.state))
    };
    let verified = |credential: &MerchantCredential| credential.verified.as_ref().map(|signed| signed.at);
    let since = active.and_then(|active| active.approved.as_ref()).map(|approved| approved.at);
    Row {
        href: account_link(context, &account.id).href(),
        tenant: account.tenant_id.to_string(),
        service: account.business_service.clone().unwrap_or_else(|| t.lists.all.to_owned()),
        gateway: account.gateway.to_string(),
        label: account.label.clone(),
        tag: format::account_tag(context.language, account.state),
        active: active.map_or_else(|| t.words.none.to_owned(), |active| active.version.to_string()),
        age: since.map(|at| format::age(context, at)).unwrap_or_default(),
        verified: active.and_then(verified).map(|at| format::moment(context, at)).unwrap_or_default(),
        waiting: waiting.map(numbered).unwrap_or_default(),
    }
}

fn answer(context: &Context, found: &GatewayPrecedence) -> Answer {
    let t = context.language.texts();
    let mut why: Vec<String> = Vec::new();
    for level in &found.levels {
        why.extend(level.accounts.iter().map(|standing| reason(context, level, standing)));
    }
    let (account, href) = match (found.deciding(), found.is_configured) {
        (Some((level, standing)), _) => {
            let is_seen = TenantId::new(level.tenant.as_str())
                .is_ok_and(|tenant| context.has(access::ACCOUNTS, &tenant));
            let href = is_seen.then(|| account_link(context, &standing.id).href());
            (name_of(context, level, standing), href)
        }
        (None, true) => (t.accounts.account_configured.to_owned(), None),
        (None, false) => (t.accounts.account_not_offered.to_owned(), None),
    };
    if found.deciding().is_none() && found.is_configured {
        why.push(t.accounts.account_why_configured.to_owned());
    }
    Answer { gateway: found.gateway.to_string(), account, href, why }
}

/// An account of a tenant above the caller's has no label here: what is theirs is not shown.
fn name_of(context: &Context, level: &AccountLevel, standing: &AccountStanding) -> String {
    let t = context.language.texts();
    let tenant = TenantId::new(level.tenant.as_str());
    match tenant.is_ok_and(|tenant| context.has(access::ACCOUNTS, &tenant)) {
        true => standing.label.clone(),
        false => fill(t.accounts.account_of, [&level.tenant]),
    }
}

fn reason(context: &Context, level: &AccountLevel, standing: &AccountStanding) -> String {
    let t = context.language.texts();
    let verdict = match &standing.verdict {
        AccountVerdict::Takes(version) => fill(t.accounts.account_takes, [&version.to_string()]),
        AccountVerdict::Unusable(why) => fill(t.accounts.account_unusable, [&wording::fault(t, why).text]),
        AccountVerdict::NotActive => t.accounts.account_not_active.to_owned(),
        AccountVerdict::Retired => t.accounts.account_retired.to_owned(),
        AccountVerdict::Behind => t.accounts.account_behind.to_owned(),
    };
    let service = level.service.as_deref().unwrap_or(t.lists.all);
    format!("{} · {service} · {}: {verdict}", level.tenant, name_of(context, level, standing))
}
