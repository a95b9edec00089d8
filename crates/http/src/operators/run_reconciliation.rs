//! `POST /reconciliation/v1/_run`: asks the gateways about pending payments now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use payment_domain::{AuditAction, GatewayName, RequestInfo};
use payment_service::{
    ByHand, Checked, Progress, ReconciliationSummary, ReconciliationView, Selected, Selection,
    SelectionError, SettleError, parse_age,
};
use payment_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::fields;
use super::{ACTS, patience};
use crate::app::{App, Operators, Shared};
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::Scalar;
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{self, ResponseInfo};
use crate::validation::{Field, TextRule, Violations};

/// Transactions that one request has checked at most.
const MOST: usize = 1000;
/// The actor in the history where the request names none.
pub(super) const ANONYMOUS_OPERATOR: &str = "operator";

/// The payments to reconcile.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReconciliationBody<'a> {
    /// The caller.
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
    /// Only this payment, of any status and age; excludes the other conditions.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    txn_id: Option<Scalar<'a>>,
    /// Go on behind this payment: `next` of the answer before.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 128, example = json!(null))]
    after: Option<Scalar<'a>>,
    /// Only list the payments to check.
    #[serde(default, borrow)]
    #[schema(value_type = Option<bool>, example = true)]
    dry_run: Option<Scalar<'a>>,
    /// The person who acts, for the history; `userInfo.uuid` of the RequestInfo by default.
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

/// Reconcile now.
///
/// Asks the gateways about pending payments, as the scheduled jobs do: at most 1000 in one request, the
/// oldest first. It continues when the caller disconnects. When it takes longer than half of the time limit
/// of requests, the answer is 202 with the progress so far; the history of each transaction shows the
/// outcome. Repeating it is safe.
#[utoipa::path(
    post,
    path = "/reconciliation/v1/_run",
    operation_id = "runReconciliation",
    tag = super::TAG,
    security(("operatorToken" = []), ("apiToken" = []), ()),
    request_body(content = ReconciliationBody, description = "Which payments; may be missing."),
    responses(
        (status = 200, description = "It has ended.", body = ReconciliationResponse),
        (status = 202, description = "It goes on.", body = ReconciliationResponse),
        failures::OperatingOnce,
    ),
)]
pub(crate) async fn run(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    let within = caller.scopes(&app, ACTS).await?;
    let mut body: ReconciliationBody<'_> = body.optional_json()?.unwrap_or_default();
    let info = body.info.take().unwrap_or_default();
    request_info::check(&info)?;
    let operators = app.operators.clone();
    let Request { selection, dry_run, by } = read_request(&app, &operators, body, &info).await?;
    let by = caller.name(by).unwrap_or_else(|| ANONYMOUS_OPERATOR.to_owned());
    match &selection {
        Selection::One(id) => {
            let tenant = app.payments.search.tenant_of(id, within.as_deref()).await?;
            tenant.ok_or_else(|| ApiError::Settle(id.clone(), SettleError::NotFound))?;
        }
        Selection::Pending { .. } => {
            caller.of_installation(&app, ACTS).await?;
        }
    }
    let response_info = ResponseInfo::answering(&info);
    if dry_run {
        let selected = operators.reconciliation.select(selection).await?;
        let reconciliation = ReconciliationView::dry_run(&selected);
        return Reply::of(&ReconciliationResponse { response_info, reconciliation });
    }
    let permit =
        operators.reconciling.clone().try_acquire_owned().map_err(|_| ApiError::ReconciliationAtWork)?;
    let selected = operators.reconciliation.select(selection).await?;
    let object = selected.named().map_or_else(String::new, |id| id.to_string());
    app.payments
        .audit
        .acts(caller.actor(ACTS, &by), AuditAction::ReconciledByHand, "transaction", object)
        .await?;
    let summary = SharedSummary::default();
    let ended = carry_out(&app, operators, permit, selected.clone(), by, summary.clone()).await?;
    let reconciliation = ReconciliationView::of(&selected, &summary.so_far(), ended);
    let reply = Reply::of(&ReconciliationResponse { response_info, reconciliation })?;
    Ok(if ended { reply } else { reply.accepted() })
}

struct Request {
    selection: Selection,
    dry_run: bool,
    by: Option<String>,
}

async fn read_request(
    app: &App,
    operators: &Operators,
    body: ReconciliationBody<'_>,
    info: &RequestInfo,
) -> Result<Request, ApiError> {
    const WORD: TextRule = TextRule::line(1, 64);
    let mut found = Violations::default();
    let field = |name| Field("reconciliation", name);
    let alone = body.gateway.is_none() && body.older_than.is_none() && body.after.is_none();
    let gateway = found.optional(field("gateway"), body.gateway, WORD).map(|name| GatewayName::new(&name));
    if let Some(gateway) = &gateway
        && !operators.reconciliation.gateways().await?.contains(gateway)
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
        let message = "must not be given together with gateway, olderThan and after";
        found.add("Exclusive", field("txnId"), message);
    }
    let dry_run = match body.dry_run.as_ref().map(|Scalar(text)| text.as_ref()) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            found.add("Pattern", field("dryRun"), "must be true or false");
            true
        }
    };
    let by = fields::by(&mut found, field("by"), body.by, info);
    if !found.is_empty() {
        return Err(found.into_error());
    }
    let selection = match txn_id {
        Some(id) => Selection::One(id),
        None => Selection::Pending { by_hand: ByHand { gateway, older_than }, after, most: MOST },
    };
    Ok(Request { selection, dry_run, by })
}

impl From<SelectionError> for ApiError {
    fn from(error: SelectionError) -> ApiError {
        match error {
            SelectionError::NoTransaction(id) => ApiError::Settle(id, SettleError::NotFound),
            SelectionError::Store(error) => error.into(),
        }
    }
}

/// A summary that the work writes and the answer reads.
#[derive(Clone)]
struct SharedSummary(Arc<Mutex<ReconciliationSummary>>);

impl Default for SharedSummary {
    fn default() -> SharedSummary {
        SharedSummary(Arc::new(Mutex::new(ReconciliationSummary::begin())))
    }
}

impl SharedSummary {
    fn so_far(&self) -> ReconciliationSummary {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for SharedSummary {
    fn done(&mut self, checked: &Checked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).done(checked);
    }
}

/// Checks the payments; `false` when the checks go on behind the answer. They hold the permit until they end.
async fn carry_out(
    app: &App,
    operators: Operators,
    permit: OwnedSemaphorePermit,
    selected: Selected,
    by: String,
    mut summary: SharedSummary,
) -> Result<bool, ApiError> {
    tracing::info!(transactions = selected.due.len(), "an operator reconciles");
    let work = app.payments.ports.tasks.spawn(async move {
        let _permit = permit;
        let Operators { reconciliation, stop, .. } = operators;
        reconciliation.check_selected(selected, &by, &mut summary, &stop).await
    });
    match tokio::time::timeout(patience(&app.limits), work).await {
        Ok(Ok(ended)) => ended.map(|()| true).map_err(|error: StoreError| error.into()),
        Ok(Err(_)) => Err(ApiError::Internal("reconciling by hand broke off")),
        Err(_elapsed) => Ok(false),
    }
}
