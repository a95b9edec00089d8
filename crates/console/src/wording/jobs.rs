use payment_service::Timing;

use crate::language::{Texts, fill};

/// The purpose of a job by its name; `None` for one that has no text here.
pub(crate) fn purpose(t: &Texts, job: &str) -> Option<&'static str> {
    let t = &t.jobs;
    Some(match job {
        "reconcile-early" => t.reconcile_early,
        "reconcile-follow-up" => t.reconcile_follow_up,
        "reconcile-daily" => t.reconcile_daily,
        "receipts" => t.receipts,
        "refunds" => t.refunds,
        "housekeeping" => t.housekeeping,
        "audit-seal" => t.audit_seal,
        "audit-checkpoint" => t.audit_checkpoint,
        "audit-verify" => t.audit_verify,
        "accounts" => t.accounts,
        "figures" => t.figures,
        "figures-verify" => t.figures_verify,
        "outbox" => t.outbox,
        _ => return None,
    })
}

/// A cron expression stays as it is.
pub(crate) fn timing(t: &Texts, timing: &Timing) -> String {
    let t = &t.jobs;
    match timing {
        Timing::ByHand => t.by_hand.to_owned(),
        Timing::Cron(text) => text.clone(),
        Timing::Every(interval) => match interval.as_secs() {
            seconds if seconds > 0 && seconds % 3_600 == 0 => {
                fill(t.every_hours, [&(seconds / 3_600).to_string()])
            }
            seconds if seconds > 0 && seconds % 60 == 0 => {
                fill(t.every_minutes, [&(seconds / 60).to_string()])
            }
            seconds => fill(t.every_seconds, [&seconds.to_string()]),
        },
    }
}
