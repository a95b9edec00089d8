//! The mapping for a stock egov-persister: a second database follows our events, in any order and number of
//! deliveries.

use std::time::Duration;

use crate::support::{World, declined, paid, refunds, world};
use payment_domain::{EventKind, RefundStatus, TxnId};
use payment_testing::collections::Fault;
use payment_testing::postgres::{FreshDatabase, connect};
use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Client;

const MAPPING: &str = include_str!("../../../../deploy/digit/pg-service-persister.yml");

/// The tables as the migrations of the original services leave them.
const TABLES: &str = "
    CREATE TABLE eg_pg_transactions (
        txn_id varchar(128) PRIMARY KEY, txn_amount numeric(15,2) NOT NULL, txn_status varchar(64) NOT NULL,
        txn_status_msg varchar(64), gateway varchar(64) NOT NULL, bill_id varchar(64) NOT NULL,
        module varchar(64), module_id varchar(64), product_info varchar(512) NOT NULL,
        user_uuid varchar(128) NOT NULL, user_name varchar(128) NOT NULL, name varchar(128) NOT NULL,
        mobile_number varchar(50), email_id varchar(128), user_tenant_id varchar(128) NOT NULL,
        tenant_id varchar(128) NOT NULL, gateway_txn_id varchar(128), gateway_payment_mode varchar(128),
        gateway_status_code varchar(128), gateway_status_msg varchar(128), receipt varchar(128),
        created_by varchar(64), created_time bigint, last_modified_by varchar(64), last_modified_time bigint,
        consumer_code varchar(128), additional_details jsonb);
    CREATE TABLE eg_pg_transactions_dump (
        txn_id varchar(128) PRIMARY KEY, txn_request varchar, txn_response jsonb,
        created_by varchar(64), created_time bigint, last_modified_by varchar(64), last_modified_time bigint);
    CREATE TABLE eg_pg_transaction_refund (
        id varchar(128) NOT NULL, tenant_id varchar(128) NOT NULL, refund_id varchar(128) PRIMARY KEY,
        original_txn_id varchar(128) NOT NULL, service_code varchar(64) NOT NULL,
        original_amount numeric(15,2) NOT NULL, refund_amount numeric(15,2) NOT NULL,
        gateway_txn_id varchar(128), gateway varchar(64) NOT NULL, status varchar(64) NOT NULL,
        additional_details varchar(1024), created_by varchar(64), created_time bigint,
        last_updated_by varchar(64), last_updated_time bigint);";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    service_maps: ServiceMaps,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceMaps {
    service_name: String,
    mappings: Vec<Mapping>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Mapping {
    version: String,
    name: String,
    description: String,
    from_topic: String,
    is_transaction: bool,
    query_maps: Vec<QueryMap>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QueryMap {
    query: String,
    base_path: String,
    json_maps: Vec<JsonMap>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonMap {
    json_path: String,
    r#type: Option<String>,
    db_type: Option<String>,
}

fn mappings() -> Vec<Mapping> {
    serde_saphyr::from_str::<Config>(MAPPING).unwrap().service_maps.mappings
}

/// `$.Transaction.user.name` in a body; a path that is not there fails the test.
fn at<'a>(body: &'a Value, path: &str) -> &'a Value {
    let pointer = path.strip_prefix('$').unwrap().replace('.', "/");
    body.pointer(&pointer).unwrap_or_else(|| panic!("{path} is not in the event"))
}

/// A value with the type as which the persister hands it to PostgreSQL.
fn literal(value: &Value, map: &JsonMap) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match (map.r#type.as_deref(), map.db_type.as_deref()) {
        (Some("JSON"), Some("JSONB")) => format!("{}::jsonb", quoted(&value.to_string())),
        (None, None) => match value {
            Value::Null => "NULL".to_owned(),
            Value::String(text) => format!("{}::varchar", quoted(text)),
            Value::Number(number) => format!("{number}::bigint"),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => panic!("{value} has no SQL type"),
        },
        other => panic!("{other:?}"),
    }
}

/// An event as the persister reads it.
#[derive(Clone)]
struct Received {
    topic: &'static str,
    body: Value,
}

/// A persister with its database.
struct Persister {
    database: Client,
    mappings: Vec<Mapping>,
    _fresh: FreshDatabase,
}

impl Persister {
    async fn new() -> Persister {
        let fresh = FreshDatabase::create().await;
        let database = connect(fresh.url()).await.unwrap();
        database.batch_execute(TABLES).await.unwrap();
        Persister { database, mappings: mappings(), _fresh: fresh }
    }

    async fn take(&self, event: &Received) {
        for mapping in self.mappings.iter().filter(|mapping| mapping.from_topic == event.topic) {
            for map in &mapping.query_maps {
                let mut values =
                    map.json_maps.iter().map(|field| literal(at(&event.body, &field.json_path), field));
                let mut query = String::new();
                for (place, part) in map.query.split('?').enumerate() {
                    if place > 0 {
                        query += &values.next().unwrap();
                    }
                    query += part;
                }
                self.database
                    .batch_execute(&query)
                    .await
                    .unwrap_or_else(|error| panic!("{error:?}: {query}"));
            }
        }
    }

    /// The row of a table, by its columns.
    async fn row(&self, table: &str) -> Value {
        let query = format!("SELECT to_jsonb(t)::text FROM {table} t");
        let rows = self.database.query(&query, &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "{table}");
        serde_json::from_str(rows[0].get(0)).unwrap()
    }

    async fn clear(&self) {
        const CLEAR: &str = "DELETE FROM eg_pg_transactions; DELETE FROM eg_pg_transactions_dump;
            DELETE FROM eg_pg_transaction_refund";
        self.database.batch_execute(CLEAR).await.unwrap();
    }
}

async fn received(world: &World, id: &TxnId) -> Vec<Received> {
    let events = world.store.events_of(id).await.unwrap();
    let received = |stored: payment_store::StoredEvent| Received {
        topic: stored.event.kind.as_str(),
        body: serde_json::from_str(&stored.event.body).unwrap(),
    };
    events.into_iter().map(received).collect()
}

/// A payment from its creation to its receipt; every change at its own moment, or all at one.
async fn receipted(moments: Duration) -> Vec<Received> {
    let world = world();
    let id = world.pending("B1", "100").await;
    world.clock.advance(moments);
    world.gateway.answers(paid("100"));
    world.collections.has(Fault::Unreachable);
    world.settle(&id).await;
    world.collections.has(None);
    world.clock.advance(Duration::from_secs(3600));
    world.payments.receipts.tick().await.unwrap();
    let mut events = received(&world, &id).await;
    assert_eq!(events.len(), 5);
    if moments.is_zero() {
        for event in &mut events {
            let root =
                if event.body.get("Transaction").is_some() { "Transaction" } else { "TransactionDump" };
            let audit = &mut event.body[root]["auditDetails"];
            if audit["lastModifiedTime"].is_i64() {
                audit["lastModifiedTime"] = audit["createdTime"].clone();
            }
        }
    }
    events
}

/// The events of a refund from its request to its end; every change at its own moment, or all at one.
async fn refunded(moments: Duration) -> Vec<Received> {
    let world = world();
    let id = refunds::receipted(&world, "B1").await;
    let refund = refunds::requested(&world, &id, Some("40")).await;
    world.clock.advance(moments);
    refunds::approved(&world, &refund).await;
    refunds::reaches(&world, &refund.id, RefundStatus::Succeeded).await;
    let mut events = received(&world, &id).await;
    events.retain(|event| event.body.get("Refund").is_some());
    assert_eq!(events.len(), 4, "requested, approved, sent, done");
    events
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let places = |order: &Vec<usize>| {
        (0..count)
            .map(|at| {
                let mut order = order.clone();
                order.insert(at, count - 1);
                order
            })
            .collect::<Vec<_>>()
    };
    orders(count - 1).iter().flat_map(places).collect()
}

#[test]
fn there_is_a_mapping_for_every_stream_and_a_path_for_every_value() {
    let config: Config = serde_saphyr::from_str(MAPPING).unwrap();
    assert_eq!(config.service_maps.service_name, "pg-service");
    let mappings = config.service_maps.mappings;
    let topics: Vec<&str> = mappings.iter().map(|mapping| mapping.from_topic.as_str()).collect();
    let streams = [
        EventKind::SaveTransaction,
        EventKind::UpdateTransaction,
        EventKind::SaveDump,
        EventKind::UpdateDump,
        EventKind::SaveRefund,
        EventKind::UpdateRefund,
    ];
    assert_eq!(topics, streams.map(EventKind::as_str));
    for mapping in &mappings {
        assert!(mapping.is_transaction && !mapping.name.is_empty() && !mapping.description.is_empty());
        assert_eq!(mapping.version, ">=0.0.0", "clients send any version");
        for map in &mapping.query_maps {
            assert_eq!(map.query.matches('?').count(), map.json_maps.len(), "{}", mapping.name);
            assert!(
                map.json_maps
                    .iter()
                    .all(|field| field.json_path.starts_with(&format!("$.{}.", map.base_path)))
            );
        }
    }
}

#[tokio::test]
async fn a_second_database_follows_a_payment() {
    let persister = Persister::new().await;
    let events = receipted(Duration::from_secs(60)).await;
    for event in &events {
        persister.take(event).await;
    }
    let last = &events.iter().rfind(|event| event.topic == "update-pg-txns").unwrap().body["Transaction"];
    let row = persister.row("eg_pg_transactions").await;
    for (column, path) in [
        ("txn_id", "txnId"),
        ("txn_status", "txnStatus"),
        ("txn_status_msg", "txnStatusMsg"),
        ("gateway", "gateway"),
        ("module", "module"),
        ("consumer_code", "consumerCode"),
        ("bill_id", "billId"),
        ("product_info", "productInfo"),
        ("user_uuid", "user.uuid"),
        ("user_name", "user.userName"),
        ("mobile_number", "user.mobileNumber"),
        ("email_id", "user.emailId"),
        ("name", "user.name"),
        ("user_tenant_id", "user.tenantId"),
        ("tenant_id", "tenantId"),
        ("gateway_txn_id", "gatewayTxnId"),
        ("gateway_payment_mode", "gatewayPaymentMode"),
        ("gateway_status_code", "gatewayStatusCode"),
        ("gateway_status_msg", "gatewayStatusMsg"),
        ("receipt", "receipt"),
        ("additional_details", "additionalDetails"),
        ("created_by", "auditDetails.createdBy"),
        ("created_time", "auditDetails.createdTime"),
        ("last_modified_by", "auditDetails.lastModifiedBy"),
        ("last_modified_time", "auditDetails.lastModifiedTime"),
    ] {
        assert_eq!(row[column], *at(last, &format!("$.{path}")), "{column}");
    }
    assert_eq!(row["txn_amount"].as_f64(), Some(100.0));
    assert_eq!((row["txn_status"].as_str(), row["receipt"].as_str()), (Some("SUCCESS"), Some("R-T0001-B1")));
    let dump = persister.row("eg_pg_transactions_dump").await;
    let told =
        |topic: &str| &events.iter().find(|event| event.topic == topic).unwrap().body["TransactionDump"];
    assert_eq!(dump["txn_request"], told("save-pg-txns-dump")["txnRequest"]);
    assert!(dump["txn_request"].is_string());
    assert_eq!(dump["txn_response"], told("update-pg-txns-dump")["txnResponse"]);
    assert!(dump["txn_response"].is_object());
}

#[tokio::test]
async fn a_second_database_follows_a_refund() {
    let persister = Persister::new().await;
    let events = refunded(Duration::from_secs(60)).await;
    for event in &events {
        persister.take(event).await;
    }
    let last = &events.last().unwrap().body["Refund"];
    let row = persister.row("eg_pg_transaction_refund").await;
    for (column, path) in [
        ("id", "refundId"),
        ("refund_id", "refundId"),
        ("tenant_id", "tenantId"),
        ("original_txn_id", "originalTxnId"),
        ("service_code", "serviceCode"),
        ("gateway_txn_id", "gatewayTxnId"),
        ("gateway", "gateway"),
        ("status", "refundTxnStatus"),
        ("created_by", "auditDetails.createdBy"),
        ("created_time", "auditDetails.createdTime"),
        ("last_updated_by", "auditDetails.lastModifiedBy"),
        ("last_updated_time", "auditDetails.lastModifiedTime"),
    ] {
        assert_eq!(row[column], *at(last, &format!("$.{path}")), "{column}");
    }
    let amounts = [row["original_amount"].as_f64(), row["refund_amount"].as_f64()];
    assert_eq!((row["status"].as_str(), amounts), (Some("SUCCESS"), [Some(100.0), Some(40.0)]));
    let details: Value = serde_json::from_str(row["additional_details"].as_str().unwrap()).unwrap();
    assert_eq!(details, last["additionalDetails"]);
    for status in ["INITIATED", "PENDING", "FAILURE"] {
        let mut forged = events.last().unwrap().clone();
        forged.body["Refund"]["status"] = status.into();
        persister.take(&forged).await;
        assert_eq!(persister.row("eg_pg_transaction_refund").await, row, "{status}");
    }
}

#[tokio::test]
async fn no_order_and_no_repetition_leads_elsewhere() {
    let persister = Persister::new().await;
    for moments in [Duration::from_secs(60), Duration::ZERO] {
        let (dumps, changes): (Vec<Received>, Vec<Received>) =
            receipted(moments).await.into_iter().partition(|event| event.topic.ends_with("-dump"));
        let of_refund = refunded(moments).await;
        for (table, events) in [
            ("eg_pg_transactions", changes),
            ("eg_pg_transactions_dump", dumps),
            ("eg_pg_transaction_refund", of_refund),
        ] {
            persister.clear().await;
            for event in &events {
                persister.take(event).await;
            }
            let expected = persister.row(table).await;
            for order in orders(events.len()) {
                persister.clear().await;
                for &place in order.iter().chain(order.iter().rev()) {
                    persister.take(&events[place]).await;
                }
                assert_eq!(persister.row(table).await, expected, "{order:?}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_leads_out_of_success_or_failure() {
    let persister = Persister::new().await;
    let world = world();
    let id = world.pending("B1", "100").await;
    world.clock.advance(Duration::from_secs(60));
    world.gateway.answers(declined());
    world.settle(&id).await;
    let events = received(&world, &id).await;
    let update = events.iter().find(|event| event.topic == "update-pg-txns").unwrap();
    for event in &events {
        persister.take(event).await;
    }
    for status in ["PENDING", "SUCCESS"] {
        let mut forged = update.clone();
        forged.body["Transaction"]["txnStatus"] = Value::from(status);
        let later = forged.body["Transaction"]["auditDetails"]["lastModifiedTime"].as_i64().unwrap() + 1;
        forged.body["Transaction"]["auditDetails"]["lastModifiedTime"] = Value::from(later);
        persister.take(&forged).await;
        assert_eq!(persister.row("eg_pg_transactions").await["txn_status"], "FAILURE");
    }
}

#[tokio::test]
async fn a_text_that_is_too_long_is_cut_and_never_lost_with_its_update() {
    let persister = Persister::new().await;
    let mut event = receipted(Duration::from_secs(60)).await.remove(0);
    let txn = &mut event.body["Transaction"];
    let long = "ਲ".repeat(2000);
    for field in ["txnStatusMsg", "module", "consumerCode", "productInfo", "gatewayStatusMsg", "receipt"] {
        txn[field] = Value::from(long.clone());
    }
    for field in ["uuid", "userName", "name", "mobileNumber", "emailId", "tenantId"] {
        txn["user"][field] = Value::from(long.clone());
    }
    for topic in ["save-pg-txns", "update-pg-txns"] {
        persister.clear().await;
        persister.take(&Received { topic, body: event.body.clone() }).await;
        let row = persister.row("eg_pg_transactions").await;
        assert_eq!(row["name"].as_str().unwrap().chars().count(), 128);
        assert_eq!(row["mobile_number"].as_str().unwrap().chars().count(), 50);
    }
}
