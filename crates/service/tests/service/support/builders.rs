//! Requests, callers, outcomes and ports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use payment_digit::PayerDetails;
use payment_domain::{
    Actor, BillId, Currency, GatewayName, ManualClock, Money, Outcome, Personal, RequestInfo, TenantId,
};
use payment_service::{
    AllowedCallbackHosts, BillRequest, Caller, CreateError, CreateRequest, Gateways, IdempotentRequest,
    Identity, Pace, PaceSettings, Ports, QuestionSettings, Redirects, RefundSettings, Settings, Subject,
};
use payment_store::Store;
use payment_testing::collections::{FakeCollections, Fault};
use serde_json::{Map, json};
use tokio_util::task::TaskTracker;

use super::fakes::Plain;

pub(crate) const LEASE: Duration = Duration::from_secs(120);
pub(crate) const COLLECTION_CALL: Duration = Duration::from_secs(50);
/// The collection service's refusal of a bill that was paid before.
pub(crate) const ALREADY_PAID: Fault = Fault::Refuses(r#"{"Errors":[{"code":"PAID"}]}"#);

pub(crate) fn rupees(text: &str) -> Money {
    Money::parse(text, Currency::INR).unwrap()
}

pub(crate) fn paid(text: &str) -> Outcome {
    Outcome::Paid { amount: Some(rupees(text)) }
}

pub(crate) fn declined() -> Outcome {
    Outcome::Declined { reason: "no funds".to_owned() }
}

pub(crate) fn info() -> RequestInfo {
    serde_json::from_value(json!({"apiId": "test", "authToken": "secret-token", "userInfo": {
        "uuid": "user-1", "name": "Asha Rani", "userName": "asha", "mobileNumber": "9876543210",
        "tenantId": "pb", "type": "CITIZEN"}}))
    .unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity::vouched(info())
}

pub(crate) fn caller() -> Caller {
    Caller::new(Actor::user("user-1"), identity())
}

pub(crate) fn request(bills: &[(&str, &str)]) -> CreateRequest {
    let total: i64 = bills.iter().map(|(_, amount)| rupees(amount).minor()).sum();
    CreateRequest {
        identity: identity(),
        tenant_id: TenantId::new("pb.amritsar").unwrap(),
        amount: format!("{}.{:02}", total / 100, total % 100),
        currency: Currency::INR,
        bill_id: BillId::new(bills[0].0).unwrap(),
        module: Some("PT".to_owned()),
        service: Some("PT".to_owned()),
        consumer_code: "PT-1".to_owned(),
        bills: bills
            .iter()
            .map(|(bill, amount)| BillRequest {
                tax_amount: None,
                amount_paid: (*amount).to_owned(),
                bill_id: BillId::new(*bill).unwrap(),
            })
            .collect(),
        product_info: "Property tax".to_owned(),
        gateway: GatewayName::new("fake"),
        callback_url: url::Url::parse("https://city.example.org/done?x=1").unwrap(),
        callback_text: "https://city.example.org/done?x=1".to_owned(),
        payer: PayerDetails {
            name: Personal::new("Asha Rani"),
            mobile_number: Personal::new("9876543210"),
            email_id: None,
            user_name: None,
            uuid: None,
            tenant_id: TenantId::new("pb.amritsar").unwrap(),
        },
        additional_details: Map::new(),
        idempotent: None,
        subject: Subject::default(),
    }
}

/// A request for one bill in a currency.
pub(crate) fn request_in(code: &str, bill: &str, amount: &str) -> CreateRequest {
    let mut request = CreateRequest {
        currency: Currency::from_code(code).unwrap(),
        amount: amount.to_owned(),
        ..request(&[(bill, "1")])
    };
    request.bills[0].amount_paid = amount.to_owned();
    request
}

/// The same request for another payer, who is not sent to a begun payment.
pub(crate) fn by_another(mut request: CreateRequest) -> CreateRequest {
    request.payer.mobile_number = Personal::new("9876543211");
    request
}

pub(crate) fn with_key(request: CreateRequest, key: &str, digest: u8) -> CreateRequest {
    CreateRequest {
        idempotent: Some(IdempotentRequest { key: key.to_owned(), digest: [digest; 32] }),
        ..request
    }
}

/// The codes of a refused create.
pub(crate) fn codes(result: Result<impl std::fmt::Debug, CreateError>) -> Vec<&'static str> {
    match result {
        Err(CreateError::Refused(refusals)) => refusals.iter().map(|refusal| refusal.code).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Ports without a gateway.
pub(super) fn ports(
    store: &Arc<dyn Store>,
    collections: &Arc<FakeCollections>,
    clock: &Arc<ManualClock>,
) -> Ports {
    let plain = Arc::new(Plain::default());
    Ports {
        store: store.clone(),
        gateways: Gateways::default(),
        ids: plain.clone(),
        collections: collections.clone(),
        payers: plain.clone(),
        bank_accounts: plain,
        clock: clock.clone(),
        settings: Settings {
            redirects: Redirects::Service {
                public_url: "https://pay.example.org/pg-service".to_owned(),
                upyog_form: false,
            },
            early_interval: Duration::from_secs(15 * 60),
            order_life: Some(Duration::from_secs(24 * 3600)),
            order_life_of: BTreeMap::new(),
            ask_after: Some(Duration::from_secs(60)),
            reuse_after: Some(Duration::from_secs(5)),
            time_zone: TimeZone::get("Asia/Kolkata").unwrap(),
            receipt_wait: Duration::from_secs(20),
            receipt_lease: LEASE,
            collection_call: COLLECTION_CALL,
            largest_clock_offset: None,
            gateway_wait: Duration::from_secs(20),
            questions: QuestionSettings { burst: 1000, every: Duration::from_secs(10) },
            refunds: RefundSettings::default(),
            pace: PaceSettings { of_others: Pace { at_once: 16, per_second: None }, own: BTreeMap::new() },
            search_scope: true,
            system_user_uuid: "system-1".to_owned(),
            allowed_callback_hosts: AllowedCallbackHosts::of_all(
                ["city.example", "city.example.org", "localhost"].map(str::to_owned).to_vec(),
            ),
            unsigned_callbacks_per_day: 20,
            checkpoints: std::sync::Arc::default(),
        },
        tasks: TaskTracker::new(),
    }
}
