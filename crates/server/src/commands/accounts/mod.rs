//! `accounts` and `keys`: merchant accounts, their credentials and the keys of those.

mod import;
mod input;
mod show;

use std::process::ExitCode;

use payment_domain::{AccountId, GatewayName, RequestInfo, Role, TenantId};
use payment_service::{AccountActor, AccountError, AccountField, AccountWish, Accounts, PersonalTokens};
use payment_store::{StoredAccount, TenantScope};

use super::{by_hand, database, small_runtime};
use crate::cli::{
    AccountArgs, AccountsAddArgs, AccountsCommand, AccountsEnterArgs, AccountsListArgs, AccountsRetireArgs,
    AccountsVerifyArgs, ActorArgs, KeysCommand,
};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, Assembled};
use crate::terminal::{Paint, say, say_json};

pub(super) fn run(config: Config, command: &AccountsCommand) -> Outcome<ExitCode> {
    small_runtime()?.block_on(async {
        let office = Office::open(config).await?;
        match command {
            AccountsCommand::List(args) => office.list(args).await,
            AccountsCommand::Add(args) => office.add(args).await,
            AccountsCommand::Enter(args) => office.enter(args).await,
            AccountsCommand::Fields(args) => {
                say(&show::fields(&office.fields(&args.gateway)?, Paint::detect()))?;
                Ok(())
            }
            AccountsCommand::Verify(args) => office.verify(args).await,
            AccountsCommand::Activate(args) => office.activate(args).await,
            AccountsCommand::Retire(args) => office.retire(args).await,
            AccountsCommand::Import(args) => import::run(&office, args).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn keys(config: Config, command: &KeysCommand) -> Outcome<ExitCode> {
    let KeysCommand::Rotate(args) = command;
    let count = small_runtime()?.block_on(async {
        let office = Office::open(config).await?;
        let actor = office.actor(args, None).await?;
        office.accounts.rotate_keys(&actor).await.map_err(refused)
    })?;
    say(&match count {
        0 => "All credentials are wrapped by the current key.".to_owned(),
        count => format!(
            "The credentials of {count} accounts are wrapped by the current key now. keys.previous can be dropped when \
             every replica has the current one; keep the old key with the backups from before."
        ),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The services used by the commands.
struct Office {
    accounts: Accounts,
    tokens: PersonalTokens,
}

impl Office {
    async fn open(config: Config) -> Outcome<Office> {
        let Assembled { accounts, .. } = service::assemble(config, &by_hand::node()).await?;
        let tokens = PersonalTokens::new(accounts.store.clone(), accounts.clock.clone());
        Ok(Office { accounts, tokens })
    }

    /// The holder of the token as an admin of that account or tenant; without a token the command line.
    async fn actor(&self, args: &ActorArgs, of: Option<Target<'_>>) -> Outcome<AccountActor> {
        let Some(file) = &args.token_file else {
            let user = by_hand::operator(None).unwrap_or_else(|| "unknown".to_owned());
            return Ok(AccountActor::CommandLine { user: payment_domain::Personal::new(user) });
        };
        let token = input::secret_file(file)?;
        let identity = self.tokens.identify(&token, &RequestInfo::system("")).await;
        let identity = identity.map_err(|error| database::unreadable(&error))?;
        let identity = identity.ok_or_else(|| {
            Failure::new("the token is unknown, expired or revoked").try_this("have a new one issued")
        })?;
        match of {
            Some(Target::Account(id)) => self.accounts.actor(&identity, None, id).await.map_err(refused),
            Some(Target::Tenant(tenant)) => {
                let admin = identity.principal(&[Role::Admin], tenant, None);
                admin.map(AccountActor::Principal).map_err(|denied| refused(denied.into()))
            }
            None => {
                let admin = identity.principal_of_installation(&[Role::Admin], None);
                admin.map(AccountActor::Principal).map_err(|denied| refused(denied.into()))
            }
        }
    }

    /// The account and the actor of a command.
    async fn of(&self, args: &AccountArgs) -> Outcome<(AccountId, AccountActor)> {
        let id = AccountId::new(args.account.as_str())
            .map_err(|error| Failure::new("this is no account's id").because(&error))?;
        let actor = self.actor(&args.actor, Some(Target::Account(&id))).await?;
        Ok((id, actor))
    }

    fn fields(&self, gateway: &str) -> Outcome<Vec<AccountField>> {
        let gateway = GatewayName::new(gateway);
        let fields = self.accounts.adapters.fields(&gateway);
        fields.ok_or_else(|| Failure::new(AccountError::no_accounts_of(&gateway).to_string()))
    }

    async fn list(&self, args: &AccountsListArgs) -> Outcome<()> {
        let scope = args.tenant.clone().map(|root| TenantScope { root });
        let accounts = self.accounts.list(scope.as_ref()).await.map_err(refused)?;
        let troubles = self.accounts.directory.troubles();
        if args.json {
            say_json(&show::json(&accounts, &troubles))?;
        } else {
            say(&show::list(&accounts, &troubles, Paint::detect()))?;
        }
        Ok(())
    }

    async fn add(&self, args: &AccountsAddArgs) -> Outcome<()> {
        let tenant = tenant(&args.tenant)?;
        let actor = self.actor(&args.actor, Some(Target::Tenant(&tenant))).await?;
        let wish = AccountWish {
            tenant_id: tenant,
            business_service: args.service.clone(),
            gateway: GatewayName::new(&args.gateway),
            label: args.label.clone(),
            priority: args.priority,
            bank_account_ref: args.bank_account.clone(),
            key: None,
        };
        let added = self.accounts.add(&actor, wish).await.map_err(refused)?;
        say(&format!("{}\n\nNext: pg-service accounts enter {0}", added.account.id))?;
        Ok(())
    }

    async fn enter(&self, args: &AccountsEnterArgs) -> Outcome<()> {
        let (id, actor) = self.of(&args.account).await?;
        let fields = input::fields(args.from.as_deref())?;
        self.done(self.accounts.enter(&actor, &id, fields).await)
    }

    async fn verify(&self, args: &AccountsVerifyArgs) -> Outcome<()> {
        let (id, actor) = self.of(&args.account).await?;
        let payment = args.payment.as_deref().map(database::transaction_id).transpose()?;
        self.done(self.accounts.verify(&actor, &id, payment.as_ref()).await)
    }

    async fn activate(&self, args: &AccountArgs) -> Outcome<()> {
        let (id, actor) = self.of(args).await?;
        self.done(self.accounts.activate(&actor, &id).await)
    }

    async fn retire(&self, args: &AccountsRetireArgs) -> Outcome<()> {
        let (id, actor) = self.of(&args.account).await?;
        self.done(self.accounts.retire(&actor, &id, args.version, args.wipe).await)
    }

    fn done(&self, changed: Result<StoredAccount, AccountError>) -> Outcome<()> {
        let account = changed.map_err(refused)?;
        say(&show::list(&[account], &self.accounts.directory.troubles(), Paint::detect()))?;
        Ok(())
    }
}

/// The tenant or account of which an actor must be an admin.
enum Target<'a> {
    Account(&'a AccountId),
    Tenant(&'a TenantId),
}

fn tenant(text: &str) -> Outcome<TenantId> {
    TenantId::new(text).map_err(|error| Failure::new("this is no tenant").because(&error))
}

fn refused(error: AccountError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        AccountError::NotFound => failure.try_this("`pg-service accounts list` shows the accounts"),
        AccountError::Nameless => failure.try_this("--token-file FILE"),
        AccountError::Stale
        | AccountError::KeyReused
        | AccountError::SamePerson
        | AccountError::State(_)
        | AccountError::Invalid(_)
        | AccountError::OtherMerchant
        | AccountError::NotVerified(_)
        | AccountError::Denied(_)
        | AccountError::Vault(_)
        | AccountError::Store(_) => failure,
    }
}
