//! `POST /reconciliation/v1/_run`: asks the gateways about pending payments now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use payment_domain::{GatewayName, RequestInfo, TxnId};
use payment_service::{
    ByHand, Checked, Progress, Reconciliation, ReconciliationSummary, SettleError, parse_age,
};
use payment_store::{CheckCursor, DueCheck, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::fields::{self, Field};
use super::{Operator, Operators, patience};
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{TextRule, Violations};
use crate::{App, Shared};

/// How many transactions one request has checked at most.
const MOST: usize = 1000;
/// Who acts, when nobody says.
const SOMEBODY: &str = "operator";

/// What is reconciled.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReconciliationBody<'a> {
    /// Who asks.
    #[serde(rename = "RequestInfo")]
    #[schema(value_type = Option<RequestInfoSchema>)]
    info: Option<RequestInfo>,
    /// Only payments of this gateway.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = "SANDBOX")]
    gateway: Option<Scalar<'a>>,
    /// Only payments at least this old: 90s, 30m, 2h, 1h30m, 7d. The interval of the early job unless
    /// it is said.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 64, example = "30m")]
    older_than: Option<Scalar<'a>>,
    /// Only this payment, whatever its status and age; nothing else is said then.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    txn_id: Option<Scalar<'a>>,
    /// Go on behind this payment: `next` of the answer before.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    after: Option<Scalar<'a>>,
    /// Only tell what would be checked.
    #[serde(default, borrow)]
    #[schema(value_type = Option<bool>, example = true)]
    dry_run: Option<Scalar<'a>>,
    /// Who acts, for the history; `userInfo.uuid` of the RequestInfo unless it is said.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128, example = "clerk-7")]
    by: Option<Scalar<'a>>,
}

/// The answer to a request to reconcile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReconciliationResponse {
    response_info: ResponseInfo,
    reconciliation: ReconciliationView,
}

/// What was reconciled so far.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reconciliation)]
pub(crate) struct ReconciliationView {
    /// Whether nothing was asked or changed.
    dry_run: bool,
    /// Whether it has ended; otherwise it goes on.
    finished: bool,
    /// How many payments this request has checked, or would have: the oldest 1000 that are meant.
    #[schema(example = 1000)]
    taken: usize,
    /// What to send as `after` to have those that are left checked; null when none are.
    #[schema(required, example = "PB_PG_2026_11_22_000072_14")]
    next: Option<String>,
    /// What came of it, by gateway.
    gateways: Vec<GatewayView>,
    /// The payments whose gateway could not be asked. They stay pending, and keep their turn.
    not_asked: Vec<NotAskedView>,
    /// What would be checked, oldest first; only of a dry run.
    due: Vec<DueView>,
}

/// What came of one gateway's payments.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReconciledGateway)]
pub(crate) struct GatewayView {
    /// The gateway.
    #[schema(example = "SANDBOX")]
    gateway: String,
    /// How many payments were checked so far.
    checked: u32,
    /// How many of them are a SUCCESS.
    paid: u32,
    /// How many of them are a FAILURE.
    failed: u32,
    /// How many the gateway knows nothing definite about.
    still_pending: u32,
    /// How many it could not be asked about.
    not_asked: u32,
    /// Milliseconds from the beginning to its last check.
    took_ms: u64,
}

/// A payment whose gateway could not be asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotAsked)]
pub(crate) struct NotAskedView {
    /// The transaction.
    txn_id: String,
    /// Its gateway.
    gateway: String,
    /// Why.
    reason: String,
}

/// A payment that would be checked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DuePayment)]
pub(crate) struct DueView {
    /// The transaction.
    txn_id: String,
    /// Its gateway.
    gateway: String,
    /// When it was created, in epoch milliseconds.
    created_time: i64,
    /// How often it was checked before.
    checks: u32,
}

/// Reconcile now.
///
/// Asks the gateways about pending payments, as the jobs do when it is their turn: at most 1000 in
/// one request, the oldest first. It goes on when the caller goes away. When it takes longer than
/// half of the time a request may take, the answer is 202 with what was done so far; the history of
/// each transaction tells what came of it. Repeating it is safe.
#[utoipa::path(
    post,
    path = "/reconciliation/v1/_run",
    operation_id = "runReconciliation",
    tag = super::TAG,
    security(("operatorToken" = [])),
    request_body(content = ReconciliationBody, description = "Which payments; may be missing."),
    responses(
        (status = 200, description = "It has ended.", body = ReconciliationResponse),
        (status = 202, description = "It goes on.", body = ReconciliationResponse),
        failures::OperatingOnce,
    ),
)]
pub(crate) async fn run(
    State(app): Shared,
    Operator(operators): Operator,
    body: RequestBody,
) -> Result<Reply, ApiError> {
    let mut body: ReconciliationBody<'_> = body.optional_json()?.unwrap_or_default();
    let info = body.info.take().unwrap_or_default();
    request_info::check(&info)?;
    let wish = read_wish(&app, body, &info).await?;
    let response_info = ResponseInfo::answering(&info);
    if wish.dry_run {
        let reconciliation = choose(&app, &operators.reconciliation, &wish).await?.view(None, true);
        return Reply::of(&ReconciliationResponse { response_info, reconciliation });
    }
    let place =
        operators.reconciling.clone().try_acquire_owned().map_err(|_| ApiError::ReconciliationAtWork)?;
    let chosen = choose(&app, &operators.reconciliation, &wish).await?;
    let summary = Shown::default();
    let work = Work { place, due: chosen.due.clone(), summary: summary.clone() };
    let ended = carry_out(&app, &operators, &wish, work).await?;
    let reconciliation = chosen.view(Some(&summary.so_far()), ended);
    let reply = Reply::of(&ReconciliationResponse { response_info, reconciliation })?;
    Ok(if ended { reply } else { reply.accepted() })
}

/// What an operator wants.
struct Wish {
    what: What,
    dry_run: bool,
    by: String,
}

enum What {
    One(TxnId),
    Pending { by_hand: ByHand, after: Option<TxnId> },
}

async fn read_wish(app: &App, body: ReconciliationBody<'_>, info: &RequestInfo) -> Result<Wish, ApiError> {
    const WORD: TextRule = TextRule::line(1, 64);
    let mut found = Violations::default();
    let field = |name| Field("reconciliation", name);
    let alone = body.gateway.is_none() && body.older_than.is_none() && body.after.is_none();
    let gateway = found.optional(field("gateway"), body.gateway, WORD).map(|name| GatewayName::new(&name));
    if let Some(gateway) = &gateway
        && !is_known(app, gateway).await?
    {
        found.add("Pattern", field("gateway"), "must be an active gateway, or one with pending payments");
    }
    let age = found.optional(field("olderThan"), body.older_than, WORD).map(|text| parse_age(&text));
    let older_than = age.unwrap_or(Ok(app.payments.ports.settings.early_interval)).unwrap_or_else(|_| {
        found.add("Pattern", field("olderThan"), "must be a number with a unit: 90s, 30m, 2h, 1h30m, 7d");
        Duration::ZERO
    });
    let txn_id = fields::txn_id(&mut found, field("txnId"), body.txn_id)?;
    let after = fields::txn_id(&mut found, field("after"), body.after)?;
    if txn_id.is_some() && !alone {
        found.add(
            "Exclusive",
            field("txnId"),
            "must not be given together with gateway, olderThan and after",
        );
    }
    let dry_run = match body.dry_run.as_ref().map(|Scalar(text)| text.as_ref()) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            found.add("Pattern", field("dryRun"), "must be true or false");
            true
        }
    };
    let by = fields::by(&mut found, field("by"), body.by, info).unwrap_or_else(|| SOMEBODY.to_owned());
    if !found.is_empty() {
        return Err(found.into_error());
    }
    let what = match txn_id {
        Some(id) => What::One(id),
        None => What::Pending { by_hand: ByHand { gateway, older_than }, after },
    };
    Ok(Wish { what, dry_run, by })
}

async fn is_known(app: &App, gateway: &GatewayName) -> Result<bool, StoreError> {
    let ports = &app.payments.ports;
    Ok(ports.gateways.names().contains(gateway) || ports.store.pending_gateways().await?.contains(gateway))
}

/// What a request is about.
struct Chosen {
    /// Those of this request.
    due: Vec<DueCheck>,
    /// Whether there are more.
    more: bool,
}

async fn choose(app: &App, reconciliation: &Reconciliation, wish: &Wish) -> Result<Chosen, ApiError> {
    let created_at = async |id: &TxnId| {
        let txn = app.payments.ports.store.transaction(id).await?;
        let txn = txn.ok_or_else(|| ApiError::Settle(id.clone(), SettleError::NotFound))?;
        Ok::<_, ApiError>((txn.audit.created_at, txn.gateway))
    };
    match &wish.what {
        What::One(id) => {
            let (at, gateway) = created_at(id).await?;
            let place = CheckCursor { at, txn_id: id.clone() };
            let due = DueCheck { txn_id: id.clone(), gateway, created_at: at, checks: 0, place };
            Ok(Chosen { due: vec![due], more: false })
        }
        What::Pending { by_hand, after } => {
            let after = match after {
                Some(id) => Some(CheckCursor { at: created_at(id).await?.0, txn_id: id.clone() }),
                None => None,
            };
            let mut due = reconciliation.find(by_hand, after, MOST + 1).await?;
            let more = due.len() > MOST;
            due.truncate(MOST);
            Ok(Chosen { due, more })
        }
    }
}

impl Chosen {
    fn view(self, summary: Option<&ReconciliationSummary>, finished: bool) -> ReconciliationView {
        let Chosen { due, more } = self;
        let next = due.last().filter(|_| more).map(|last| last.txn_id.to_string());
        let gateways = summary.into_iter().flat_map(ReconciliationSummary::gateways);
        let not_asked = summary.into_iter().flat_map(ReconciliationSummary::not_asked);
        ReconciliationView {
            dry_run: summary.is_none(),
            finished,
            taken: due.len(),
            next,
            gateways: gateways
                .map(|(gateway, sum)| GatewayView {
                    gateway: gateway.to_string(),
                    checked: sum.checked(),
                    paid: sum.paid,
                    failed: sum.failed,
                    still_pending: sum.still_pending,
                    not_asked: sum.not_asked,
                    took_ms: u64::try_from(sum.took.as_millis()).unwrap_or(u64::MAX),
                })
                .collect(),
            not_asked: not_asked
                .map(|one| NotAskedView {
                    txn_id: one.txn_id.to_string(),
                    gateway: one.gateway.to_string(),
                    reason: one.reason.clone(),
                })
                .collect(),
            due: match summary {
                Some(_) => Vec::new(),
                None => due.into_iter().map(DueView::from).collect(),
            },
        }
    }
}

impl From<DueCheck> for DueView {
    fn from(due: DueCheck) -> DueView {
        DueView {
            txn_id: due.txn_id.into(),
            gateway: due.gateway.to_string(),
            created_time: due.created_at.as_millis(),
            checks: due.checks,
        }
    }
}

/// The summary while it grows: the work writes it, the answer reads it.
#[derive(Clone)]
struct Shown(Arc<Mutex<ReconciliationSummary>>);

impl Default for Shown {
    fn default() -> Shown {
        Shown(Arc::new(Mutex::new(ReconciliationSummary::begin())))
    }
}

impl Shown {
    fn so_far(&self) -> ReconciliationSummary {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for Shown {
    fn done(&mut self, checked: &Checked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).done(checked);
    }
}

/// What is to be done.
struct Work {
    /// Held while it goes on: one request at a time.
    place: OwnedSemaphorePermit,
    due: Vec<DueCheck>,
    summary: Shown,
}

/// Has everything checked; says whether that has ended within the time the request may wait.
async fn carry_out(app: &App, operators: &Operators, wish: &Wish, work: Work) -> Result<bool, ApiError> {
    let Work { place, due, mut summary } = work;
    tracing::info!(transactions = due.len(), "an operator reconciles");
    let (operators, by) = (operators.clone(), wish.by.clone());
    let one = match &wish.what {
        What::One(id) => Some(id.clone()),
        What::Pending { .. } => None,
    };
    let work = app.payments.ports.tasks.spawn(async move {
        let _place = place;
        let reconciliation = &operators.reconciliation;
        match one {
            Some(id) => {
                if let Some(checked) = reconciliation.check_one(&id, &by).await? {
                    summary.done(&checked);
                }
                Ok(())
            }
            None => reconciliation.check_until(due, &by, &mut summary, &operators.stop).await,
        }
    });
    match tokio::time::timeout(patience(&app.limits), work).await {
        Ok(Ok(ended)) => ended.map(|()| true).map_err(|error: StoreError| error.into()),
        Ok(Err(_)) => Err(ApiError::Internal("reconciling by hand broke off")),
        Err(_elapsed) => Ok(false),
    }
}
