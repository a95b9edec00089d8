//! Lines of histories, as they are read aloud.

use payment_domain::{
    ActorKind, HistoryEntry, Personal, Refund, RefundHistoryEntry, StatusName, Timestamp, Transaction,
};
use payment_service::{PersonalData, mask_evidence};
use payment_store::{CaseAct, CaseLine};
use serde_json::Value;

use crate::context::Context;
use crate::failure::Failure;
use crate::format;
use crate::language::{Texts, fill};
use crate::wording;

pub(super) struct StoryLine {
    pub(super) at: String,
    pub(super) sentence: String,
    pub(super) by: String,
    /// The reason of the record, or an operator's words.
    pub(super) why: String,
    pub(super) evidence: Option<String>,
}

fn of_payment(context: &Context, line: HistoryEntry, personal: PersonalData, amount: &str) -> StoryLine {
    let t = context.language.texts();
    let receipt = line.evidence["receipts"][0].as_str();
    let sentence = match (line.from, line.to) {
        (Some(_), StatusName::Success) if receipt.is_some() => {
            fill(t.payment.receipt_issued, [receipt.unwrap_or_default()])
        }
        (Some(_), _) if line.evidence["refundId"].is_string() && line.evidence["receipt"].is_string() => {
            fill(t.payment.receipt_of_refund, [line.evidence["receipt"].as_str().unwrap_or_default()])
        }
        (Some(_), _) if line.evidence["case"].is_i64() => {
            fill(t.payment.case_decided, [&line.evidence["case"].to_string()])
        }
        (None, _) => fill(t.payment.begun, [amount]),
        (Some(StatusName::Pending), StatusName::Success) => fill(t.payment.confirmed, [amount]),
        (Some(StatusName::Pending), StatusName::Failure) => t.payment.not_paid.to_owned(),
        (Some(StatusName::Pending), StatusName::Pending) => t.payment.still_undecided.to_owned(),
        (Some(StatusName::Success), _) => t.payment.noted_of_paid.to_owned(),
        (Some(StatusName::Failure), _) => t.payment.noted_of_failed.to_owned(),
    };
    StoryLine {
        at: format::moment(context, line.at),
        sentence,
        by: actor(t, line.actor.kind, &line.actor.id),
        why: wording::reason(t, &line.why),
        evidence: evidence(line.evidence, personal),
    }
}

pub(super) fn of_refund(context: &Context, line: RefundHistoryEntry, personal: PersonalData) -> StoryLine {
    let t = context.language.texts();
    StoryLine {
        at: format::moment(context, line.at),
        sentence: format::refund_word(t, line.to).to_owned(),
        by: actor(t, line.actor.kind, &line.actor.id),
        why: wording::reason(t, &line.why),
        evidence: evidence(line.evidence, personal),
    }
}

/// A line of a review case; notes, which may name people, are starred for those who may not reveal personal data.
pub(super) fn of_case(context: &Context, line: CaseLine, personal: PersonalData) -> StoryLine {
    let t = context.language.texts();
    let sentence = match line.act {
        CaseAct::Taken => t.cases.case_taken,
        CaseAct::Released => t.cases.case_released,
        CaseAct::Noted => t.cases.case_noted,
        CaseAct::Resolved => t.cases.resolved,
    };
    let shown = |note: &Personal| match personal {
        PersonalData::Shown => note.expose().to_owned(),
        PersonalData::Masked => note.masked(),
    };
    StoryLine {
        at: format::moment(context, line.at),
        sentence: sentence.to_owned(),
        by: actor(t, ActorKind::User, &line.by),
        why: line.note.as_ref().map(shown).unwrap_or_default(),
        evidence: None,
    }
}

/// The story of a payment with those of its refunds, in the order of their moments.
pub(super) async fn whole(
    context: &Context,
    txn: &Transaction,
    refunds: &[Refund],
    personal: PersonalData,
) -> Result<Vec<StoryLine>, Failure> {
    let t = context.language.texts();
    let store = &context.payments().ports.store;
    let amount = format::amount(txn);
    let history = store.history(&txn.id).await?.into_iter();
    let mut lines: Vec<(Timestamp, StoryLine)> =
        history.map(|line| (line.at, of_payment(context, line, personal, &amount))).collect();
    for refund in refunds {
        for line in store.refund_history(&refund.id).await? {
            let (at, word) = (line.at, format::refund_word(t, line.to));
            let sentence =
                fill(t.payment.refund_told, [refund.id.as_str(), &format::money(refund.amount), word]);
            lines.push((at, StoryLine { sentence, ..of_refund(context, line, personal) }));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn actor(t: &Texts, kind: ActorKind, id: &str) -> String {
    fill(
        match kind {
            ActorKind::User => t.payment.by_user,
            ActorKind::Gateway => t.payment.by_gateway,
            ActorKind::Job => t.payment.by_job,
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
