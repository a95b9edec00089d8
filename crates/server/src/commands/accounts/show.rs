//! Accounts as text and JSON, without secrets.

use payment_domain::{AccountState, CredentialState};
use payment_service::{AccountField, AccountTrouble, AccountView};
use payment_store::StoredAccount;

use crate::commands::table::{Column, Table, Tone, plain};
use crate::terminal::Paint;

pub(super) fn json(accounts: &[StoredAccount], troubles: &[AccountTrouble]) -> Vec<AccountView> {
    accounts.iter().map(|account| AccountView::of(account, troubles)).collect()
}

pub(super) fn list(accounts: &[StoredAccount], troubles: &[AccountTrouble], paint: Paint) -> String {
    if accounts.is_empty() {
        return "There are no accounts in the database: payments are made through those of the configuration file."
            .to_owned();
    }
    let mut table = Table::new([
        Column::Text("account"),
        Column::Text("tenant"),
        Column::Text("service"),
        Column::Text("gateway"),
        Column::Number("priority"),
        Column::Text("label"),
        Column::Text("credentials"),
    ]);
    for StoredAccount { account, credentials } in accounts {
        let states: Vec<String> =
            credentials.iter().map(|it| format!("{} {}", it.version, it.state.as_str())).collect();
        let is_active = credentials.iter().any(|it| it.state == CredentialState::Active);
        let is_troubled = troubles.iter().any(|trouble| trouble.account == account.id);
        let tone = match (account.state, is_troubled, is_active) {
            (_, true, _) => Tone::Bad,
            (AccountState::Retired, false, _) => Tone::Quiet,
            (AccountState::Open, false, true) => Tone::Good,
            (AccountState::Open, false, false) => Tone::Waiting,
        };
        table.row([
            plain(&account.id),
            plain(&account.tenant_id),
            plain(account.business_service.as_deref().unwrap_or("all")),
            plain(&account.gateway),
            plain(account.priority),
            plain(&account.label),
            (states.join(", "), tone),
        ]);
    }
    let mut text = table.render(paint);
    for trouble in troubles {
        let line = format!("{} version {} cannot be used: {}", trouble.account, trouble.version, trouble.why);
        text.push_str(&format!("\n\n{}", paint.bad(&line)));
    }
    text
}

pub(super) fn fields(fields: &[AccountField], paint: Paint) -> String {
    let mut table = Table::new([Column::Text("field"), Column::Text("secret"), Column::Text("purpose")]);
    for field in fields {
        table.row([plain(&field.name), plain(if field.secret { "yes" } else { "no" }), plain(field.doc)]);
    }
    table.render(paint)
}
