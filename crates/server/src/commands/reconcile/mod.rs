//! `reconcile`: asks the gateways about pending payments now, for whoever cannot wait for the jobs.

mod show;

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use payment_domain::{GatewayName, TxnId};
use payment_service::{ByHand, Check, Checked, Progress, ReconciliationSummary};
use payment_store::{CheckCursor, DueCheck, StoreError};
use tokio_util::sync::CancellationToken;

use super::database::{self, unreadable};
use super::{by_hand, small_runtime};
use crate::cli::ReconcileArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, Assembled};
use crate::terminal::complain;

/// Who acts, when nobody says.
const SOMEBODY: &str = "operator";

pub(super) fn run(config: Config, args: &ReconcileArgs) -> Outcome<ExitCode> {
    small_runtime()?.block_on(async {
        let (zone, limit) = (config.embedded.time_zone.clone(), config.serve_limits.shutdown_time);
        let older_than = args.older_than.unwrap_or(config.payments.early_interval);
        let txn_id = args.txn.as_deref().map(database::transaction_id).transpose()?;
        let shown = database::shown(&config);
        let assembled = service::assemble(config, &by_hand::node()).await?;
        let due = match &txn_id {
            Some(id) => vec![one(&assembled, id, &shown).await?],
            None => pending(&assembled, args, older_than).await?,
        };
        if due.is_empty() {
            return show::nothing(args, older_than);
        }
        if args.dry_run {
            let now = assembled.payments.ports.clock.now();
            return show::due(&due, args, now, &zone);
        }
        let outcome = check(&assembled, args, due, txn_id.as_ref()).await;
        by_hand::settle_down(&assembled.payments, limit).await;
        outcome
    })
}

async fn one(assembled: &Assembled, id: &TxnId, shown: &str) -> Outcome<DueCheck> {
    let txn = assembled.payments.ports.store.transaction(id).await.map_err(|error| unreadable(&error))?;
    let txn = txn.ok_or_else(|| database::no_such_transaction(shown, id))?;
    let at = txn.audit.created_at;
    let place = CheckCursor { at, txn_id: id.clone() };
    Ok(DueCheck { txn_id: id.clone(), gateway: txn.gateway, created_at: at, checks: 0, place })
}

async fn pending(
    assembled: &Assembled,
    args: &ReconcileArgs,
    older_than: Duration,
) -> Outcome<Vec<DueCheck>> {
    let ports = &assembled.payments.ports;
    let gateway = args.gateway.as_deref().map(GatewayName::new);
    if let Some(gateway) = &gateway {
        let mut known = ports.gateways.names();
        known.extend(ports.store.pending_gateways().await.map_err(|error| unreadable(&error))?);
        known.sort();
        known.dedup();
        if !known.contains(gateway) {
            let names: Vec<&str> = known.iter().map(GatewayName::as_str).collect();
            return Err(Failure::new(format!(
                "there is no gateway {gateway}, and nothing is pending at one"
            ))
            .try_this(format!("the gateways are {}", names.join(", "))));
        }
    }
    let by_hand = ByHand { gateway, older_than };
    assembled.reconciliation.find(&by_hand, None, usize::MAX).await.map_err(|error| unreadable(&error))
}

async fn check(
    assembled: &Assembled,
    args: &ReconcileArgs,
    due: Vec<DueCheck>,
    only: Option<&TxnId>,
) -> Outcome<ExitCode> {
    let operator = by_hand::operator(args.by.as_deref()).unwrap_or_else(|| SOMEBODY.to_owned());
    let (found, stop) = (due.len(), CancellationToken::new());
    let mut watched = Watched::new(found);
    let bar = watched.bar.clone();
    let reconciliation = &assembled.reconciliation;
    let work = async {
        match only {
            Some(id) => {
                if let Some(checked) = reconciliation.check_one(id, &operator).await? {
                    watched.done(&checked);
                }
            }
            None => reconciliation.check_until(due, &operator, &mut watched, &stop).await?,
        }
        Ok::<(), StoreError>(())
    };
    let told = |text: &str| bar.suspend(|| complain(text));
    let ended = by_hand::until_signalled(work, &stop, told).await?;
    bar.finish_and_clear();
    show::summary(&watched.summary, found, watched.last.as_ref(), args)?;
    ended.map_err(|error| unreadable(&error))?;
    let total = watched.summary.total();
    let all_checked = usize::try_from(total.checked()) == Ok(found);
    Ok(if all_checked && total.not_asked == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Counts what is checked, and shows it to whoever sits at a terminal.
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
