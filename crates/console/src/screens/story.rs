//! Lines of histories, as they are read aloud.

use payment_domain::{ActorKind, HistoryEntry, RefundHistoryEntry, StatusName};
use payment_service::{PersonalData, mask_evidence};
use serde_json::Value;

use crate::context::Context;
use crate::format;
use crate::language::{Texts, fill};

pub(super) struct StoryLine {
    pub(super) at: String,
    pub(super) sentence: String,
    pub(super) by: String,
    /// In the words of the record.
    pub(super) why: String,
    pub(super) evidence: Option<String>,
}

pub(super) fn of_payment(
    context: &Context,
    line: HistoryEntry,
    personal: PersonalData,
    amount: &str,
) -> StoryLine {
    let t = context.language.texts();
    let sentence = match (line.from, line.to) {
        (None, _) => fill(t.begun, [amount]),
        (Some(StatusName::Pending), StatusName::Success) => fill(t.confirmed, [amount]),
        (Some(StatusName::Pending), StatusName::Failure) => t.not_paid.to_owned(),
        (Some(StatusName::Pending), StatusName::Pending) => t.still_undecided.to_owned(),
        (Some(StatusName::Success), _) => t.noted_of_paid.to_owned(),
        (Some(StatusName::Failure), _) => t.noted_of_failed.to_owned(),
    };
    StoryLine {
        at: format::moment(context, line.at),
        sentence,
        by: actor(t, line.actor.kind, &line.actor.id),
        why: line.why,
        evidence: evidence(line.evidence, personal),
    }
}

pub(super) fn of_refund(context: &Context, line: RefundHistoryEntry, personal: PersonalData) -> StoryLine {
    let t = context.language.texts();
    StoryLine {
        at: format::moment(context, line.at),
        sentence: format::refund_word(t, line.to).to_owned(),
        by: actor(t, line.actor.kind, &line.actor.id),
        why: line.why,
        evidence: evidence(line.evidence, personal),
    }
}

fn actor(t: &Texts, kind: ActorKind, id: &str) -> String {
    fill(
        match kind {
            ActorKind::User => t.by_user,
            ActorKind::Gateway => t.by_gateway,
            ActorKind::Job => t.by_job,
        },
        [id],
    )
}

/// As JSON for people; personal data starred unless it is revealed.
pub(super) fn evidence(mut evidence: Value, personal: PersonalData) -> Option<String> {
    let is_empty = match &evidence {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if personal == PersonalData::Masked {
        mask_evidence(&mut evidence);
    }
    (!is_empty).then(|| format!("{evidence:#}"))
}
