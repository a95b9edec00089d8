//! `accounts import`: accounts from a file.

use payment_domain::GatewayName;
use payment_service::{accounts_of_csv, accounts_of_pg_detail};

use super::{Office, Target, input, refused};
use crate::cli::AccountsImportArgs;
use crate::failure::Outcome;
use crate::terminal::say;

pub(super) async fn run(office: &Office, args: &AccountsImportArgs) -> Outcome<()> {
    let text = input::file(&args.file)?;
    let read = match &args.gateway {
        Some(gateway) => {
            let fields = office.fields(gateway)?;
            accounts_of_pg_detail(&text, &GatewayName::new(gateway), &fields)
        }
        None => accounts_of_csv(&text),
    };
    let (mut added, mut present) = (0, 0);
    for account in read.map_err(refused)? {
        let actor = office.actor(&args.actor, Some(Target::Tenant(&account.wish.tenant_id))).await?;
        match office.accounts.import(&actor, account).await.map_err(refused)? {
            Some(_) => added += 1,
            None => present += 1,
        }
    }
    say(&format!(
        "{added} accounts added, {present} were there already. Verify and activate each: pg-service accounts list"
    ))?;
    Ok(())
}
