//! A refund with its history.

use payment_domain::{Refund, RefundHistoryEntry, RefundStatus, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::story::ActorView;
use super::{PersonalData, RefundView};

/// A line of a refund's history.
#[derive(Debug, Clone, Serialize)]
pub struct RefundHistoryView {
    pub time: Timestamp,
    pub by: ActorView,
    pub from: Option<&'static str>,
    pub to: &'static str,
    pub why: String,
    pub evidence: Value,
}

impl RefundHistoryView {
    pub fn of(line: RefundHistoryEntry, personal: PersonalData) -> RefundHistoryView {
        RefundHistoryView {
            time: line.at,
            by: ActorView { kind: line.actor.kind.as_str(), id: line.actor.id },
            from: line.from.map(RefundStatus::as_str),
            to: line.to.as_str(),
            why: line.why,
            evidence: personal.show(json!({ "evidence": line.evidence }))["evidence"].take(),
        }
    }
}

/// A refund with its history, in the story of its payment.
#[derive(Debug, Clone, Serialize)]
pub struct RefundStory {
    pub refund: Value,
    pub history: Vec<RefundHistoryView>,
}

impl RefundStory {
    pub fn of(refund: &Refund, history: Vec<RefundHistoryEntry>, personal: PersonalData) -> RefundStory {
        RefundStory {
            refund: personal.show(json!(RefundView::of(refund, personal))),
            history: history.into_iter().map(|line| RefundHistoryView::of(line, personal)).collect(),
        }
    }
}
