//! `refund`: refunds are listed, requested and decided.

use std::path::Path;
use std::process::ExitCode;

use payment_domain::{Personal, Refund, RefundId, RefundStatus, Role, TxnId};
use payment_service::{
    Denied, Identity, PersonalData, RefundDecisionRequest, RefundError, RefundRequest, RefundStory,
    RefundView,
};
use payment_store::{PageRequest, RefundKey, RefundQuery, RequestDigest, TenantScope};
use serde_json::Map;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::database::{self, moment, second, unreadable};
use super::table::{Column, Table, Tone, plain};
use super::{by_hand, personal_data, small_runtime, tokens};
use crate::cli::{RefundDecisionArgs, RefundListArgs, RefundRequestArgs, RefundShowArgs};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::service::{self, Assembled};
use crate::terminal::{Paint, complain, escaped, say, say_json};

pub(super) fn list(config: &Config, args: &RefundListArgs) -> Outcome<ExitCode> {
    let query = RefundQuery {
        txn_id: args.txn.as_deref().map(database::transaction_id).transpose()?,
        within: args.tenant.as_ref().map(|root| vec![TenantScope { root: root.clone() }]),
        statuses: args.status.as_deref().map(RefundStatus::of_digit_word).unwrap_or_default(),
        page: PageRequest { limit: args.limit, offset: 0 },
        ..RefundQuery::default()
    };
    let refunds = small_runtime()?.block_on(async {
        let store = service::open_store(config).await?;
        store.search_refunds(&query).await.map_err(|error| unreadable(&error))
    })?;
    if args.json {
        let views: Vec<RefundView<'_>> =
            refunds.iter().map(|refund| RefundView::of(refund, PersonalData::Masked)).collect();
        say_json(&views)?;
        return Ok(ExitCode::SUCCESS);
    }
    if refunds.is_empty() {
        say("There is no such refund.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let zone = &config.embedded.time_zone;
    let mut table = Table::new([
        Column::Text("refund"),
        Column::Text("requested"),
        Column::Number("amount"),
        Column::Text("payment"),
        Column::Text("maker"),
        Column::Number("version"),
        Column::Text("status"),
    ]);
    for refund in &refunds {
        table.row([
            plain(&refund.id),
            plain(second(refund.audit.created_at, zone)),
            plain(refund.amount.with_code()),
            plain(&refund.txn_id),
            plain(&refund.requested_by),
            plain(refund.version),
            status(refund.status),
        ]);
    }
    say(&table.render(Paint::detect()))?;
    Ok(ExitCode::SUCCESS)
}

fn status(status: RefundStatus) -> (String, Tone) {
    let tone = match status {
        RefundStatus::Succeeded => Tone::Good,
        RefundStatus::Failed => Tone::Bad,
        RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Sent => Tone::Waiting,
        RefundStatus::Rejected | RefundStatus::Withdrawn | RefundStatus::Expired => Tone::Quiet,
    };
    (status.as_str().to_owned(), tone)
}

pub(super) fn show(config: &Config, args: &RefundShowArgs) -> Outcome<ExitCode> {
    let (id, personal) = (RefundId::stored(args.id.as_str()), personal_data(args.show_personal_data));
    let (refund, history) = small_runtime()?.block_on(async {
        let store = service::open_store(config).await?;
        let refund = store.refund(&id, None).await.map_err(|error| unreadable(&error))?;
        let refund = refund.ok_or_else(|| no_such_refund(&id))?;
        let history = store.refund_history(&id).await.map_err(|error| unreadable(&error))?;
        Ok((refund, history))
    })?;
    if args.json {
        say_json(&RefundStory::of(&refund, history, personal))?;
        return Ok(ExitCode::SUCCESS);
    }
    let zone = &config.embedded.time_zone;
    let mut out = text(&refund, personal);
    for line in &history {
        let why = escaped(&line.why).into_owned();
        out.push_str(&format!(
            "\n  {}  {}  {}  {why}",
            moment(line.at, zone),
            line.to.as_str(),
            line.actor.id
        ));
    }
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn text(refund: &Refund, personal: PersonalData) -> String {
    let paint = Paint::detect();
    let mut out =
        format!("{}  {}\n\n", paint.title(&format!("Refund {}", refund.id)), refund.status.as_str());
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("  {name:11} {}\n", escaped(value)));
        }
    };
    line("version", &refund.version.to_string());
    line("payment", &format!("{}  {}", refund.txn_id, refund.capture.amount.with_code()));
    line("amount", &refund.amount.with_code());
    line("tenant", refund.tenant_id.as_str());
    line("gateway", refund.gateway.as_str());
    line("maker", &refund.requested_by);
    line("reason code", &refund.reason_code);
    if personal == PersonalData::Shown {
        line("reason", refund.reason.as_ref().map_or("", Personal::expose));
    }
    let checkers: Vec<&str> = refund.approvals.iter().map(|approval| approval.by.as_str()).collect();
    line("approved by", &checkers.join(", "));
    line("receipt", refund.receipt.as_str());
    out
}

pub(super) fn request(config: Config, args: &RefundRequestArgs) -> Outcome<ExitCode> {
    let txn_id = database::transaction_id(&args.txn)?;
    let (amount, amount_available) =
        (decimal(args.amount.as_deref())?, decimal(args.amount_available.as_deref())?);
    let (key, digest) = key_of(args);
    act(config, &args.token_file, args.json, async |assembled, identity| {
        let roles = [Role::RefundMaker];
        let scopes = identity.scopes(&roles).map_err(|denied| refused(&denied))?;
        let tenant = assembled.payments.search.tenant_of(&txn_id, Some(&scopes)).await;
        let tenant = tenant.map_err(|error| unreadable(&error))?.ok_or_else(|| no_payment(&txn_id))?;
        let maker = identity.principal(&roles, &tenant, None).map_err(|denied| refused(&denied))?;
        let request = RefundRequest {
            txn_id: txn_id.clone(),
            amount,
            amount_available,
            reason_code: args.reason_code.clone(),
            reason: Some(Personal::new(args.reason.clone())),
            case: args.case,
            additional_details: Map::new(),
            key: Some((RefundKey { scope: format!("{txn_id}/{}", maker.uuid), key: key.clone() }, digest)),
            trusted: false,
        };
        let begun_at = assembled.payments.ports.clock.now();
        let requested = assembled.payments.refunds.request(request, &maker, identity).await;
        let refund = requested.map_err(|error| not_requested(&error, &key))?;
        if refund.audit.created_at < begun_at {
            complain(&format!(
                "This request was made before, under its key {key}: this is its refund. Another one of the payment needs \
                 another --key."
            ));
        }
        Ok(refund)
    })
}

/// The key of a request, and the digest that distinguishes it. Without a key of its own a request that is
/// repeated after a lost answer has the same.
fn key_of(args: &RefundRequestArgs) -> (String, RequestDigest) {
    let RefundRequestArgs { txn, amount, amount_available, reason_code, reason, case, .. } = args;
    let asked = serde_json::json!([txn, amount, amount_available, reason_code, reason, case]);
    let digest: RequestDigest = Sha256::digest(asked.to_string()).into();
    let derived = || digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    (args.key.clone().unwrap_or_else(derived), digest)
}

/// Names the key where a refund may have been requested all the same.
fn not_requested(error: &RefundError, key: &str) -> Failure {
    let failure = not_done(error);
    match error {
        RefundError::Store(_) | RefundError::Interrupted => failure.try_this(format!(
            "it may have been requested all the same: repeat the command as it was, its key {key} makes it one refund"
        )),
        RefundError::KeyReused => failure.try_this("give another --key, or the options as they were"),
        RefundError::NoPayment
        | RefundError::NotPaid(_)
        | RefundError::AlreadyPaid
        | RefundError::AlreadyInitiated
        | RefundError::Exceeds { .. }
        | RefundError::AvailableDiffers { .. }
        | RefundError::InvalidAmount { .. }
        | RefundError::ReasonRequired
        | RefundError::NotSupported(_)
        | RefundError::WindowOver { .. }
        | RefundError::ReceiptNotCancellable(_)
        | RefundError::NotFound
        | RefundError::SameUser
        | RefundError::NotTheMaker
        | RefundError::State { .. }
        | RefundError::GatewayUnavailable { .. } => failure,
    }
}

/// The decision that a checker or the maker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Approve,
    Reject,
    Withdraw,
}

pub(super) fn decide(config: Config, args: &RefundDecisionArgs, decision: Decision) -> Outcome<ExitCode> {
    let id = RefundId::stored(args.id.as_str());
    let role = match decision {
        Decision::Approve | Decision::Reject => Role::RefundChecker,
        Decision::Withdraw => Role::RefundMaker,
    };
    act(config, &args.token_file, args.json, async |assembled, identity| {
        let refunds = &assembled.payments.refunds;
        let scopes = identity.scopes(&[role]).map_err(|denied| refused(&denied))?;
        let stored = refunds.find(&id, Some(&scopes)).await.map_err(|error| unreadable(&error))?;
        let stored = stored.ok_or_else(|| no_such_refund(&id))?;
        let person =
            identity.principal(&[role], &stored.tenant_id, None).map_err(|denied| refused(&denied))?;
        let comment = args.comment.clone().map(Personal::new);
        let request = RefundDecisionRequest { id: id.clone(), version: args.version, comment };
        let decided = match decision {
            Decision::Approve => refunds.approve(request, &person, identity).await,
            Decision::Reject => refunds.reject(request, &person, identity).await,
            Decision::Withdraw => refunds.withdraw(request, &person, identity).await,
        };
        decided.map_err(|error| not_done(&error))
    })
}

/// Acts in the name of the token's holder, and waits for the work it has begun.
fn act(
    config: Config,
    token_file: &Path,
    as_json: bool,
    work: impl AsyncFnOnce(&Assembled, &Identity) -> Outcome<Refund>,
) -> Outcome<ExitCode> {
    let limit = config.serve_limits.shutdown_time;
    small_runtime()?.block_on(async {
        let assembled = service::assemble(config, &by_hand::node()).await?;
        let identity = tokens::caller(&assembled.payments.tokens, token_file).await?;
        let done = work(&assembled, &identity).await;
        by_hand::settle_down(&assembled.payments, limit).await;
        let id = done?.id;
        let refund = assembled.payments.refunds.find(&id, None).await.map_err(|error| unreadable(&error))?;
        let refund = refund.ok_or_else(|| no_such_refund(&id))?;
        if as_json {
            say_json(&RefundView::of(&refund, PersonalData::Shown))?;
        } else {
            say(&text(&refund, PersonalData::Shown))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// An amount as JSON has it.
fn decimal(text: Option<&str>) -> Outcome<Option<Box<RawValue>>> {
    let Some(text) = text else { return Ok(None) };
    let raw = serde_json::value::to_raw_value(text)
        .map_err(|error| Failure::new(format!("`{text}` is no amount")).because(&error))?;
    Ok(Some(raw))
}

fn no_such_refund(id: &RefundId) -> Failure {
    Failure::new(format!("there is no refund {id}")).try_this("`pg-service refund list` shows all there are")
}

fn no_payment(id: &TxnId) -> Failure {
    Failure::new(format!("there is no payment {id} at the tenants of the token's roles"))
}

fn refused(denied: &Denied) -> Failure {
    Failure::new(denied.to_string()).try_this("`pg-service tokens issue` makes a token with the role")
}

fn not_done(error: &RefundError) -> Failure {
    if let RefundError::Store(error) = error {
        return unreadable(error);
    }
    Failure::new(error.to_string())
}
