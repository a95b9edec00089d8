//! New accounts, and the fields of their credentials: what is secret goes in and never comes out.

use std::collections::BTreeMap;

use askama::Template;
use http::StatusCode;
use payment_domain::{GatewayName, TenantId};
use payment_service::{
    AccountActor, AccountError, AccountField, AccountProblem, AccountWish, SeenAccount, access,
};
use payment_store::StoredAccount;
use secrecy::SecretString;

use super::account::{admin_of, of_path, proven};
use super::{account_link, seen_version};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::language::{Texts, fill};
use crate::list::Choice;
use crate::page::{self, Frame};
use crate::wording::{self, Notice};

const USUAL_PRIORITY: u32 = 100;
/// Before the names of settings, so that no other field has one of them.
const PREFIX: &str = "field.";

#[derive(Template)]
#[template(path = "account_new.html")]
struct NewAccountPage {
    f: Frame,
    action: String,
    problems: Vec<Notice>,
    tenant: String,
    service: String,
    gateways: Vec<Choice>,
    label: String,
    priority: String,
    bank_account: String,
}

#[derive(Template)]
#[template(path = "account_enter.html")]
struct EnterPage {
    f: Frame,
    action: String,
    back: String,
    problems: Vec<Notice>,
    warning: Option<String>,
    version: u32,
    fields: Vec<Entry>,
}

/// A field of the credentials.
struct Entry {
    /// Of the element.
    id: String,
    name: String,
    doc: String,
    /// In the words of the adapter's author.
    is_english: bool,
    is_secret: bool,
    /// Of fields that are no secrets, from the version before.
    value: String,
}

/// `GET /accounts/new`
pub(crate) async fn form(context: &Context) -> Outcome {
    new_account(context, StatusCode::OK, Vec::new())
}

fn new_account(context: &Context, status: StatusCode, problems: Vec<Notice>) -> Outcome {
    let t = context.language.texts();
    let sent = |name: &str| context.form.text(name).unwrap_or_default().to_owned();
    let gateway = sent("gateway");
    let choice = |name: GatewayName| Choice {
        is_chosen: name.as_str() == gateway,
        value: name.to_string(),
        word: name.to_string(),
    };
    let page = NewAccountPage {
        f: Frame::of(context, t.accounts.account_new, &[(t.frame.accounts, "/accounts")]),
        action: context.link("/accounts/new").href(),
        problems,
        tenant: sent("tenant"),
        service: sent("service"),
        gateways: context.accounts().adapters.gateways().into_iter().map(choice).collect(),
        label: sent("label"),
        priority: context.form.text("priority").map_or_else(|| USUAL_PRIORITY.to_string(), str::to_owned),
        bank_account: sent("bank_account"),
    };
    page::html_with(status, &page)
}

/// `POST /accounts/new`
pub(crate) async fn add(context: &Context) -> Outcome {
    let t = context.language.texts();
    let text = |name: &str| context.form.text(name);
    let tenant = text("tenant").and_then(|tenant| TenantId::new(tenant).ok());
    let priority = text("priority").map_or(Some(USUAL_PRIORITY), |priority| priority.parse().ok());
    let (Some(tenant_id), Some(priority)) = (tenant, priority) else {
        return new_account(context, StatusCode::BAD_REQUEST, vec![Notice::of(t.accounts.account_wrong)]);
    };
    let admin = AccountActor::Principal(context.principal(access::ADMINS, &tenant_id)?);
    let wish = AccountWish {
        tenant_id,
        business_service: text("service").map(str::to_owned),
        gateway: GatewayName::new(text("gateway").unwrap_or_default()),
        label: text("label").unwrap_or_default().to_owned(),
        priority,
        bank_account_ref: text("bank_account").map(str::to_owned),
        key: Some(context.form_number()?.to_owned()),
    };
    match context.accounts().add(&proven(context, admin), wish).await {
        Ok(added) => page::see(&account_link(context, &added.account.id).with("said", "added").href()),
        Err(AccountError::Invalid(problems)) => {
            new_account(context, StatusCode::BAD_REQUEST, told(t, &problems))
        }
        Err(error) => Err(error.into()),
    }
}

fn told(t: &Texts, problems: &[AccountProblem]) -> Vec<Notice> {
    problems.iter().map(|problem| wording::problem(t, problem)).collect()
}

/// `GET /accounts/{id}/enter`
pub(crate) async fn enter_form(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    admin_of(context, &stored.account.id).await?;
    entering(context, &stored, StatusCode::OK, Vec::new())
}

fn entering(context: &Context, stored: &StoredAccount, status: StatusCode, problems: Vec<Notice>) -> Outcome {
    let t = context.language.texts();
    let account = &stored.account;
    let fields = context.accounts().adapters.fields(&account.gateway);
    let fields = fields.ok_or_else(|| Failure::refused(t.accounts.account_no_fields))?;
    let before = stored.credentials.iter().rev().find(|credential| !credential.options.is_empty());
    let entry = |field: AccountField| {
        let known = before.and_then(|before| before.options.get(&field.name)).map(String::as_str);
        let sent = context.form.text(&format!("{PREFIX}{}", field.name));
        let doc = wording::field(t, &field.name);
        Entry {
            id: field.name.replace('.', "-"),
            name: field.name,
            is_english: doc.is_none(),
            doc: doc.unwrap_or_else(|| field.doc.to_owned()),
            is_secret: field.secret,
            value: sent.or(known).filter(|_| !field.secret).unwrap_or_default().to_owned(),
        }
    };
    let here = account_link(context, &account.id).href();
    let path = format!("/accounts/{}", crate::links::segment(account.id.as_str()));
    let above = [(t.frame.accounts, "/accounts"), (account.label.as_str(), path.as_str())];
    let replaces = super::account::entered(stored);
    let page = EnterPage {
        f: Frame::of(context, fill(t.accounts.enter_title, [&account.label]), &above),
        action: format!("{here}/enter"),
        back: here,
        problems,
        warning: replaces.map(|entered| fill(t.accounts.enter_replaces, [&entered.version.to_string()])),
        version: account.version,
        fields: fields.into_iter().map(entry).collect(),
    };
    page::html_with(status, &page)
}

/// `POST /accounts/{id}/enter`
pub(crate) async fn enter(context: &Context) -> Outcome {
    let stored = of_path(context).await?;
    let id = &stored.account.id;
    let admin = admin_of(context, id).await?;
    let secret =
        |(name, text): (&str, &str)| Some((name.strip_prefix(PREFIX)?.to_owned(), SecretString::from(text)));
    let fields: BTreeMap<String, SecretString> = context.form.all().filter_map(secret).collect();
    let seen = SeenAccount { id, version: Some(seen_version(context)?) };
    match context.accounts().enter(&admin, seen, fields).await {
        Ok(_) => page::see(&account_link(context, id).with("said", "entered").href()),
        Err(AccountError::Invalid(problems)) => {
            let problems = told(context.language.texts(), &problems);
            entering(context, &stored, StatusCode::BAD_REQUEST, problems)
        }
        Err(error) => Err(error.into()),
    }
}
