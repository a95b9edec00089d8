//! Merchant accounts: which tenant and service is paid into which, and in which state their credentials are.

use askama::Template;
use payment_domain::MerchantCredential;
use payment_store::StoredAccount;

use crate::context::Context;
use crate::failure::Outcome;
use crate::format;
use crate::language::fill;
use crate::page::{self, Frame};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    f: Frame,
    rows: Vec<Row>,
}

struct Row {
    tenant: String,
    service: String,
    gateway: String,
    account: String,
    state: &'static str,
    credentials: Vec<String>,
}

/// `GET /accounts`
pub(crate) async fn list(context: &Context) -> Outcome {
    let store = &context.payments().ports.store;
    let mut rows = Vec::new();
    for scope in context.narrowed() {
        let accounts = store.accounts_within(&scope).await?;
        rows.extend(accounts.into_iter().map(|stored| row(context, stored)));
    }
    page::html(&AccountsPage { f: Frame::of(context, context.language.texts().accounts, &[]), rows })
}

fn row(context: &Context, stored: StoredAccount) -> Row {
    let StoredAccount { account, credentials } = stored;
    Row {
        tenant: account.tenant_id.to_string(),
        service: account.business_service.unwrap_or_else(|| context.language.texts().all.to_owned()),
        gateway: account.gateway.to_string(),
        account: format!("{} ({})", account.label, account.id),
        state: account.state.as_str(),
        credentials: credentials.iter().map(|credential| told(context, credential)).collect(),
    }
}

/// Version, state, and when they were last verified. No field of them.
fn told(context: &Context, credential: &MerchantCredential) -> String {
    let t = context.language.texts();
    let verified = credential
        .verified
        .as_ref()
        .map(|signed| fill(t.credential_verified, [&format::moment(context, signed.at), signed.by.as_str()]));
    let verified = verified.unwrap_or_else(|| t.credential_not_verified.to_owned());
    format!("{} · {} · {verified}", credential.version, credential.state.as_str())
}
