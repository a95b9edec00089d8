//! The commands, one file each.

mod accounts;
mod attention;
mod audit;
mod backup;
mod by_hand;
mod check_config;
mod console;
mod database;
mod events;
mod flyway;
mod gateways;
mod jobs;
mod migrate;
mod moving;
mod openapi;
mod reconcile;
mod refunds;
mod serve;
#[cfg(feature = "sandbox")]
mod simulate;
mod table;
mod tokens;
mod transaction;

use std::process::ExitCode;

use clap::Parser;
use payment_service::PersonalData;

use self::refunds::Decision;
use crate::cli::{
    AttentionCommand, AuditCommand, Cli, Command, ConsoleCommand, EventsCommand, JobsCommand, RefundCommand,
    SettingArgs, TokensCommand, TransactionCommand,
};
use crate::config::{self, Config, Loaded, Problem, Sources, reference};
use crate::failure::{Failure, Outcome};
use crate::terminal::{complain, say};

pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(code) => code,
        Err(failure) => {
            complain(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: &Cli) -> Outcome<ExitCode> {
    let settings = &cli.settings;
    match cli.command.as_ref().unwrap_or(&Command::Serve) {
        Command::Serve => serve::run(load(settings)?),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => crate::demo::run(args),
        #[cfg(feature = "sandbox")]
        Command::Simulate(args) => simulate::run(settings, args),
        #[cfg(not(feature = "sandbox"))]
        Command::Demo(_) | Command::Simulate(_) => {
            Err(Failure::new(config::WITHOUT_SANDBOX).try_this(config::WITH_SANDBOX))
        }
        Command::Migrate(args) => migrate::run(settings, args),
        Command::Backup(args) => backup::back_up(&configured(settings)?, args),
        Command::Restore(args) => backup::restore(&configured(settings)?, args),
        Command::Move(args) => moving::run(&configured(settings)?, args),
        Command::CheckConfig => check_config::run(&config::load(&settings.sources())),
        Command::Transaction(TransactionCommand::Show(args)) => {
            transaction::show(&configured(settings)?, args)
        }
        Command::Jobs(JobsCommand::List(args)) => jobs::list(configured(settings)?, args),
        Command::Jobs(JobsCommand::History(args)) => jobs::history(&configured(settings)?, args),
        Command::Jobs(JobsCommand::Run(args)) => jobs::run(configured(settings)?, args),
        Command::Attention(AttentionCommand::List(args)) => attention::list(&configured(settings)?, args),
        Command::Attention(AttentionCommand::Show(args)) => attention::show(&configured(settings)?, args),
        Command::Attention(AttentionCommand::Resolve(args)) => {
            attention::resolve(&configured(settings)?, args)
        }
        Command::Audit(AuditCommand::List(args)) => audit::list(&configured(settings)?, args),
        Command::Audit(AuditCommand::Show(args)) => audit::show(&configured(settings)?, args),
        Command::Audit(AuditCommand::Verify(args)) => audit::verify(|| configured(settings), args),
        Command::Audit(AuditCommand::Export(args)) => audit::export(&configured(settings)?, args),
        Command::Audit(AuditCommand::Checkpoint(args)) => audit::checkpoint(&configured(settings)?, args),
        Command::Audit(AuditCommand::Redact(args)) => audit::redact(&configured(settings)?, args),
        Command::Accounts(command) => accounts::run(configured(settings)?, command),
        Command::Keys(command) => accounts::keys(configured(settings)?, command),
        Command::Reconcile(args) => reconcile::run(configured(settings)?, args),
        Command::Refund(RefundCommand::List(args)) => refunds::list(&configured(settings)?, args),
        Command::Refund(RefundCommand::Show(args)) => refunds::show(&configured(settings)?, args),
        Command::Refund(RefundCommand::Request(args)) => refunds::request(configured(settings)?, args),
        Command::Refund(RefundCommand::Approve(args)) => {
            refunds::decide(configured(settings)?, args, Decision::Approve)
        }
        Command::Refund(RefundCommand::Reject(args)) => {
            refunds::decide(configured(settings)?, args, Decision::Reject)
        }
        Command::Refund(RefundCommand::Withdraw(args)) => {
            refunds::decide(configured(settings)?, args, Decision::Withdraw)
        }
        Command::Tokens(TokensCommand::Issue(args)) => tokens::issue(&configured(settings)?, args),
        Command::Tokens(TokensCommand::List(args)) => tokens::list(&configured(settings)?, args),
        Command::Tokens(TokensCommand::Revoke(args)) => tokens::revoke(&configured(settings)?, args),
        Command::Console(ConsoleCommand::Login(args)) => console::login(&configured(settings)?, args),
        Command::Gateways(args) => gateways::run(&load(settings)?, args),
        Command::Events(EventsCommand::Tail(args)) => events::tail(&configured(settings)?, args),
        Command::Events(EventsCommand::Revive(args)) => events::revive(&configured(settings)?, args),
        Command::Openapi(args) => openapi::run(&configured(settings)?, args),
        Command::ConfigReference => {
            say(reference::document().trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The configuration with its notices; fails when there is a problem.
fn load(settings: &SettingArgs) -> Outcome<Loaded> {
    load_from(&settings.sources())
}

fn load_from(sources: &Sources) -> Outcome<Loaded> {
    let loaded = config::load(sources);
    if loaded.problems.is_empty() { Ok(loaded) } else { Err(refused(&loaded.problems)) }
}

fn configured(settings: &SettingArgs) -> Outcome<Config> {
    load(settings)?.into_config().map_err(|problems| refused(&problems))
}

fn refused(problems: &[Problem]) -> Failure {
    let mut what = String::from("the configuration cannot be used:");
    for problem in problems {
        what.push_str(&format!("\n\n  {problem}"));
    }
    what.push('\n');
    Failure::new(what)
        .try_this("`pg-service check-config` shows the problems together with all settings in effect")
}

fn personal_data(shown: bool) -> PersonalData {
    if shown { PersonalData::Shown } else { PersonalData::Masked }
}

fn small_runtime() -> Outcome<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("no thread can be started").because(&error))
}
