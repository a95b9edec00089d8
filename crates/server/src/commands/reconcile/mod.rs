//! `reconcile`: asks the gateways about pending payments now.

mod show;

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use payment_domain::{AuditAction, GatewayName};
use payment_service::{
    ByHand, Check, Checked, Progress, ReconciliationSummary, Selected, Selection, SelectionError,
};
use tokio_util::sync::CancellationToken;

use super::database::{self, unreadable};
use super::{by_hand, small_runtime};
use crate::cli::ReconcileArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, Assembled};
use crate::terminal::complain;

pub(super) fn run(config: Config, args: &ReconcileArgs) -> Outcome<ExitCode> {
    small_runtime()?.block_on(async {
        let (zone, limit) = (config.embedded.time_zone.clone(), config.serve_limits.shutdown_time);
        let older_than = args.older_than.unwrap_or(config.settings.early_interval);
        let shown = database::shown(&config);
        let txn_id = args.txn.as_deref().map(database::transaction_id).transpose()?;
        let assembled = service::assemble(config, &by_hand::node()).await?;
        let selection = match txn_id {
            Some(id) => Selection::One(id),
            None => {
                let gateway = known_gateway(&assembled, args).await?;
                let by_hand = ByHand { gateway, older_than };
                Selection::Pending { by_hand, after: None, most: usize::MAX }
            }
        };
        let selected = assembled.reconciliation.select(selection).await.map_err(|error| match error {
            SelectionError::NoTransaction(id) => database::no_such_transaction(&shown, &id),
            SelectionError::Store(error) => unreadable(&error),
        })?;
        if args.dry_run {
            let now = assembled.payments.ports.clock.now();
            return show::dry_run(&selected, args, older_than, now, &zone);
        }
        if selected.due.is_empty() {
            return show::nothing(&selected, args, older_than);
        }
        let outcome = check(&assembled, args, selected).await;
        by_hand::settle_down(&assembled.payments, limit).await;
        outcome
    })
}

async fn known_gateway(assembled: &Assembled, args: &ReconcileArgs) -> Outcome<Option<GatewayName>> {
    let Some(gateway) = args.gateway.as_deref().map(GatewayName::new) else { return Ok(None) };
    let known = assembled.reconciliation.gateways().await.map_err(|error| unreadable(&error))?;
    if known.contains(&gateway) {
        return Ok(Some(gateway));
    }
    let names: Vec<&str> = known.iter().map(GatewayName::as_str).collect();
    Err(Failure::new(format!("there is no gateway {gateway}, and nothing is pending at one"))
        .try_this(format!("the gateways are {}", names.join(", "))))
}

async fn check(assembled: &Assembled, args: &ReconcileArgs, selected: Selected) -> Outcome<ExitCode> {
    let operator = by_hand::any_operator(args.by.as_deref());
    let object = selected.named().map_or_else(String::new, ToString::to_string);
    let audit = &assembled.payments.audit;
    let actor = by_hand::actor(&operator);
    let recorded = audit.acts(actor, AuditAction::ReconciledByHand, "transaction", object).await;
    recorded.map_err(|error| unreadable(&error))?;
    let stop = CancellationToken::new();
    let mut watched = Watched::new(selected.due.len());
    let bar = watched.bar.clone();
    let work = assembled.reconciliation.check_selected(selected.clone(), &operator, &mut watched, &stop);
    let told = |text: &str| bar.suspend(|| complain(text));
    let ended = by_hand::until_signalled(work, &stop, told).await?;
    bar.finish_and_clear();
    let total = watched.summary.total();
    let finished = usize::try_from(total.checked()) == Ok(selected.due.len());
    show::summary(&selected, &watched.summary, finished, watched.last.as_ref(), args)?;
    ended.map_err(|error| unreadable(&error))?;
    Ok(if finished && total.not_asked == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Counts the checks, and shows a progress bar at a terminal.
struct Watched {
    bar: ProgressBar,
    summary: ReconciliationSummary,
    last: Option<Check>,
}

impl Watched {
    fn new(found: usize) -> Watched {
        let length = u64::try_from(found).unwrap_or(u64::MAX);
        // Nothing is drawn where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {eta} to go") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Watched { bar, summary: ReconciliationSummary::begin(), last: None }
    }
}

impl Progress for Watched {
    fn done(&mut self, checked: &Checked) {
        self.summary.done(checked);
        self.last = Some(checked.check.clone());
        let total = self.summary.total();
        self.bar.inc(1);
        self.bar.set_message(format!("{} paid, {} failed", total.paid, total.failed));
    }
}
