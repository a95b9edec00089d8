//! Every error there is, as clients read it.

use std::time::Duration;

use axum::response::IntoResponse;
use http::{StatusCode, header};
use http_body_util::BodyExt;
use payment_digit::DigitError;
use payment_domain::{
    Currency, GatewayName, InvalidAmount, Money, Outcome, RefundStatus, Role, TenantId, Timestamp, TxnId,
};
use payment_gateway::GatewayError;
use payment_service::{
    AccountError, AccountObstacle, AccountProblem, CallbackError, CaseError, CreateError, Denied,
    NotCancellable, NotPaid, NotSupported, PaymentPageError, RefundError, Refusal, SearchError, SettleError,
    TokenError, TokenFlaw, Unverified, VaultError,
};
use payment_store::{Resolution, Revocation, StoreError};

use super::{ApiError, Content};
use crate::log_context::LogContext;

/// A cause that no client may read.
const SECRET: &str = "SELECT * FROM eg_pg_transactions at /var/lib/payments.db";

fn store() -> [StoreError; 2] {
    [StoreError::Unavailable(SECRET.into()), StoreError::Failed(SECRET.into())]
}

fn gateway() -> Vec<GatewayError> {
    vec![
        GatewayError::NotSent(SECRET.into()),
        GatewayError::LocalFault(SECRET.into()),
        GatewayError::Unanswered(SECRET.into()),
        GatewayError::Unreadable(SECRET.to_owned()),
        GatewayError::Refused { code: "U16\r\n<b>".to_owned() },
        GatewayError::Unavailable { retry_after: Duration::from_millis(1500) },
        GatewayError::BadSignature,
        GatewayError::WrongTransaction,
    ]
}

fn digit() -> Vec<DigitError> {
    vec![
        DigitError::NotSent { service: "egov-idgen", source: SECRET.into() },
        DigitError::Unanswered { service: "egov-user", source: SECRET.into() },
        DigitError::Refused {
            service: "collection-services",
            body: r#"{"Errors":[{"code":"X"}]}"#.to_owned(),
        },
        DigitError::Refused { service: "collection-services", body: SECRET.to_owned() },
        DigitError::Incomplete { code: "BANK_ACCOUNT_FETCH_ERROR", message: "no account".to_owned() },
    ]
}

fn settling(error: SettleError) -> ApiError {
    ApiError::Settle(TxnId::new("PB_PG_1").unwrap(), error)
}

fn all() -> Vec<ApiError> {
    let mut all = vec![
        ApiError::MissingBody,
        ApiError::BrokenJson { line: 3, column: 14 },
        ApiError::WrongJsonType,
        ApiError::UnsupportedMediaType("text/plain".to_owned()),
        ApiError::InvalidIdempotencyKey,
        ApiError::MissingTxnId,
        ApiError::NoCallbackUrl,
        ApiError::BodyTooLarge(262_144),
        ApiError::UrlTooLong(8192),
        ApiError::TooManyParameters(200),
        ApiError::BodyTooSlow,
        ApiError::TooManyBytes,
        ApiError::TooSlow(None),
        ApiError::Interrupted(TxnId::new("PB_PG_1").ok()),
        ApiError::NoSuchEndpoint,
        ApiError::MethodNotAllowed,
        ApiError::Internal("what happened is ours to know"),
        ApiError::OperatorsOff,
        ApiError::NotAnOperator,
        ApiError::UnknownJob(vec!["early", "daily"]),
        ApiError::JobAtWork,
        ApiError::JobsSuspended,
        ApiError::NoSuchCase,
        ApiError::NoSuchEntry,
        ApiError::NoSigningKey,
        ApiError::AuditBroken(17),
        ApiError::ReconciliationAtWork,
    ];
    let refusal = Refusal { code: "INVALID_PAYMENT_GATEWAY", message: "Invalid".to_owned() };
    all.extend(
        [
            CreateError::Refused(vec![refusal]),
            CreateError::KeyReused,
            CreateError::StillRunning,
            CreateError::IdTaken(TxnId::new("PB_PG_1").unwrap()),
            CreateError::Interrupted,
        ]
        .map(ApiError::from),
    );
    all.extend(gateway().into_iter().map(|error| CreateError::from(error).into()));
    all.extend(digit().into_iter().map(|error| CreateError::from(error).into()));
    all.extend(store().map(|error| CreateError::from(error).into()));
    all.extend(
        [
            SettleError::NotFound,
            SettleError::BadSignature,
            SettleError::WrongTransaction,
            SettleError::Interrupted,
        ]
        .map(settling),
    );
    all.extend(store().map(|error| settling(error.into())));
    all.extend([SearchError::ScopeRequired.into(), SearchError::Unverifiable.into()]);
    all.push(SearchError::UnknownPlace.into());
    all.extend(store().map(|error| SearchError::from(error).into()));
    all.extend(
        [
            CallbackError::UnknownGateway,
            CallbackError::UnknownTransaction,
            CallbackError::Refused,
            CallbackError::TryAgain,
        ]
        .map(ApiError::from),
    );
    all.extend(store().map(|error| CallbackError::from(error).into()));
    all.push(PaymentPageError::NotFound.into());
    all.extend(store().map(|error| PaymentPageError::from(error).into()));
    let resolution =
        Resolution { at: Timestamp::from_millis(0), by: "clerk-7".to_owned(), reason: "refunded".to_owned() };
    all.extend(
        [CaseError::NotFound, CaseError::Stale, CaseError::Before(resolution), CaseError::NoText]
            .map(ApiError::from),
    );
    all.extend(store().map(|error| CaseError::from(error).into()));
    let (tenant, roles) = (TenantId::new("pb").unwrap(), vec![Role::Viewer, Role::Operator]);
    all.extend(
        [
            Denied::Unnamed,
            Denied::Unverifiable,
            Denied::Role { roles: roles.clone(), tenant: tenant.clone() },
            Denied::Nowhere(roles.clone()),
            Denied::Installation(roles),
            Denied::Admin { tenant: tenant.clone() },
        ]
        .map(ApiError::from),
    );
    let revocation = Revocation { at: Timestamp::from_millis(0), by: "admin-1".to_owned() };
    all.extend(
        [
            TokenError::Denied(Denied::Unnamed),
            TokenError::Invalid(TokenFlaw::Life),
            TokenError::OwnRefunds,
            TokenError::AdminWithRefunds { tenant },
            TokenError::ProgramChecks,
            TokenError::UuidTaken,
            TokenError::NameTaken,
            TokenError::NotFound,
            TokenError::Before(revocation),
            TokenError::NoRandomness,
        ]
        .map(ApiError::from),
    );
    all.extend(store().map(|error| TokenError::from(error).into()));
    all.extend(
        [
            AccountError::NotFound,
            AccountError::Stale,
            AccountError::KeyReused,
            AccountError::Nameless,
            AccountError::SamePerson,
            AccountError::State(AccountObstacle::NotVerified),
            AccountError::Invalid(vec![AccountProblem::UnknownField {
                name: "paytm.x".to_owned(),
                gateway: GatewayName::new("PAYTM"),
            }]),
            AccountError::OtherMerchant,
            AccountError::NotVerified(Unverified::Unanswered),
            AccountError::Denied(Denied::Unnamed),
            AccountError::Vault(VaultError::NoKey),
            AccountError::Vault(VaultError::NoRandomness),
        ]
        .map(ApiError::from),
    );
    all.extend(store().map(|error| AccountError::from(error).into()));
    let available = Money::from_minor(1_050, Currency::INR).unwrap();
    let wait = Some(Duration::from_millis(2_001));
    all.extend(
        [
            RefundError::NoPayment,
            RefundError::NotPaid(NotPaid::Reported(Outcome::NotFound)),
            RefundError::AlreadyPaid,
            RefundError::AlreadyInitiated,
            RefundError::Exceeds { available },
            RefundError::AvailableDiffers { available },
            RefundError::InvalidAmount { member: "refundAmount", reason: InvalidAmount::Negative },
            RefundError::ReasonRequired,
            RefundError::NotSupported(NotSupported::WholeOnly),
            RefundError::WindowOver { days: 180 },
            RefundError::ReceiptNotCancellable(NotCancellable::LaterPayment),
            RefundError::NotFound,
            RefundError::SameUser,
            RefundError::NotTheMaker,
            RefundError::State { status: RefundStatus::Sent, version: 3 },
            RefundError::KeyReused,
            RefundError::GatewayUnavailable { cause: None, retry_after: wait },
            RefundError::GatewayUnavailable { cause: None, retry_after: None },
            RefundError::Interrupted,
        ]
        .map(ApiError::from),
    );
    all.extend(store().map(|error| RefundError::from(error).into()));
    all.extend(store().map(ApiError::from));
    all
}

#[tokio::test]
async fn every_error_has_its_status_its_code_and_its_sentence() {
    let mut listed = Vec::new();
    for error in all() {
        let variant = format!("{error:?}").replace(SECRET, "…");
        let response = error.into_response();
        let status = response.status();
        let retry_after =
            response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let cause = response.extensions().get::<LogContext>().unwrap().cause.clone();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(!text.contains("SELECT"), "{variant}: {text}");
        assert_eq!(cause.is_some(), status.is_server_error(), "{variant}");
        let body: serde_json::Value = serde_json::from_str(text).unwrap();
        let entry = &body["Errors"][0];
        listed.push(format!(
            "{variant}\n    {} {} {}{}",
            status.as_u16(),
            entry["code"].as_str().unwrap(),
            entry["message"],
            retry_after.map(|seconds| format!(" (retry after {seconds} s)")).unwrap_or_default()
        ));
    }
    insta::assert_snapshot!(listed.join("\n"));
}

#[test]
fn every_code_stands_in_the_guide_for_applications_or_in_that_for_operators() {
    let guides =
        [include_str!("../../../../docs/integrating.md"), include_str!("../../../../docs/operating.md")];
    for error in all() {
        match error.to_response().content {
            Content::Entries(entries) => {
                for entry in entries {
                    let code = format!("`{}`", entry.code);
                    assert!(guides.iter().any(|guide| guide.contains(&code)), "{code} is not explained");
                }
            }
            // The words of another service.
            Content::PassedOn(_) => {}
        }
    }
}

#[test]
fn the_log_names_the_cause() {
    let error = ApiError::from(CreateError::from(StoreError::Unavailable("disk I/O error".into())));
    assert_eq!(error.with_causes(), "the database is not available: disk I/O error");
    let response = settling(SettleError::NotFound).into_response();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let context = response.extensions().get::<LogContext>().unwrap();
    assert_eq!((context.code.as_deref(), &context.txn_id), (Some("TXN_UPDATE_NOT_FOUND"), &None));
    let response = settling(SettleError::BadSignature).into_response();
    assert!(
        response.extensions().get::<LogContext>().unwrap().txn_id.is_some(),
        "who was forged is worth knowing"
    );
}
