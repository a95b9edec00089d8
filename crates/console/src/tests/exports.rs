//! Downloads: who may have which, the rows of the view and no others, hostile texts, the audit log, and every way in
//! which a download ends early.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use payment_domain::{AuditAction, AuditActor, AuditEntry, GatewayName, Personal, Role, TenantId};
use payment_service::audit::act;
use payment_store::contract::sample;
use payment_store::{AuditQuery, LONGEST_READING};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::screens::{HOSTILE, case_of, everything};
use super::walk::opens;
use super::{BASE, Browser, NOW, World, request, world, world_with};
use crate::routes::{Access, ROUTES, Route};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

/// The routes of exports, out of the router's own list.
fn exports() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.path.starts_with("/export/"))
}

fn filled(route: &Route) -> String {
    route.path.replace("{name}", "early")
}

impl Browser<'_> {
    fn export(&self, token: &str, path: &str, format: &str, reason: &str) -> Request<Body> {
        let fields = [("form_token", token), ("format", format), ("reason", reason)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        request(Method::POST, path, &[("cookie", &self.cookie), SAME], &body)
    }

    /// A file that must come whole, as text.
    async fn file(&self, path: &str, format: &str, reason: &str) -> String {
        let token = self.token().await;
        let page = self.world.send(self.export(&token, path, format, reason)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        page.text
    }

    /// The cells of a CSV, with the apostrophes before what would be formulas.
    async fn cells(&self, path: &str) -> Vec<Vec<String>> {
        cells(&self.file(path, "csv", "").await)
    }
}

fn cells(file: &str) -> Vec<Vec<String>> {
    let text = file.strip_prefix('\u{feff}').expect("a file without a byte order mark");
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let mut rows = vec![reader.headers().unwrap().iter().map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()));
    rows
}

/// The first column, without its heading.
fn first_column(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter().skip(1).map(|row| row[0].clone()).collect()
}

/// Thousands of rows at once: entries of the audit log.
async fn fill(world: &World, entries: i64) {
    let entry = |nth: i64| AuditEntry {
        reason: Some(Personal::new("Asha Rani calls")),
        ..act(NOW, AuditActor::Job("test"), AuditAction::JobRunByHand, "job", format!("{nth:0>200}"))
    };
    world.store.record((0..entries).map(entry).collect()).await.unwrap();
}

/// The entries about exports, oldest first.
async fn entries(world: &World) -> Vec<Value> {
    let query = AuditQuery { object_kind: Some("export".to_owned()), limit: 500, ..AuditQuery::default() };
    let found = world.store.audit_entries(&query).await.unwrap();
    found.iter().map(|entry| serde_json::from_str(&entry.entry).unwrap()).collect()
}

#[tokio::test]
async fn every_export_is_open_to_its_roles_and_has_nothing_of_a_foreign_tenant() {
    let world = world();
    for (id, tenant) in [("OURS-1", "pb.amritsar"), ("THEIRS-1", "pb.nabha")] {
        let id = world.pending(id, tenant).await;
        world.store.raise_attention(case_of(&id)).await.unwrap();
    }
    let mut open = 0;
    for role in Role::ALL {
        for tenant in ["pb", "pb.amritsar"] {
            let browser = world.log_in("asha", &[(role, tenant)]).await;
            let token = browser.token().await;
            for route in exports() {
                for query in ["", "?tenant=pb.nabha", "?tenant=pb", "?q=THEIRS-1", "?q=BILL-THEIRS-1"] {
                    let path = format!("{}{query}", filled(route));
                    let page = world.send(browser.export(&token, &path, "jsonl", "")).await;
                    if !opens(route.access, role, tenant) {
                        assert_eq!(page.status, StatusCode::FORBIDDEN, "{} {tenant} {path}", role.code());
                        page.check();
                        continue;
                    }
                    assert_eq!(page.status, StatusCode::OK, "{} {tenant} {path}: {}", role.code(), page.text);
                    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
                    let is_city = tenant == "pb.amritsar";
                    assert!(!(is_city && page.text.contains("THEIRS")), "{path}: {}", page.text);
                    open += 1;
                }
            }
        }
    }
    assert_eq!(exports().count(), 7);
    assert!(open > 100, "{open}");
    let whole = world.log_in("asha", &[(Role::Viewer, "pb")]).await;
    let found = first_column(&whole.cells("/export/payments").await);
    assert_eq!(found, ["THEIRS-1", "OURS-1"], "newest first, of one moment by id");
}

#[tokio::test]
async fn an_export_has_the_rows_of_every_page_of_its_view() {
    let world = world();
    for nth in 0..120_usize {
        let mut txn = sample::transaction(&format!("T{nth:03}"), &[&format!("B{nth}")]);
        txn.tenant_id = TenantId::new(["pb.amritsar", "pb.nabha"][nth % 2]).unwrap();
        txn.gateway = GatewayName::new(["SANDBOX", "OTHER"][nth / 2 % 2]);
        txn.module = [Some("PT"), None][nth % 2].map(str::to_owned);
        txn.amount = sample::paise(i64::try_from(nth).unwrap() * 100);
        txn.audit.created_at = NOW.minus(std::time::Duration::from_secs(3600 * nth as u64));
        let id = txn.id.clone();
        world.store.create(sample::new(txn)).await.unwrap();
        if nth % 2 == 0 {
            world.store.raise_attention(case_of(&id)).await.unwrap();
        }
    }
    let browser = world.log_in("asha", &everything()).await;
    browser.post("/attention/3/resolve", &[("reason", "seen to"), ("version", "1")]).await;
    for (list, views) in [
        (
            "payments",
            &[
                "",
                "?tenant=pb.nabha",
                "?status=PENDING&gateway=SANDBOX",
                "?status=SUCCESS",
                "?service=PT&from=2026-11-20&to=2026-11-21",
                "?amount_from=10&amount_to=99.99",
                "?q=PT-1001",
                "?tenant=mh",
            ][..],
        ),
        ("attention", &["", "?state=all", "?state=resolved", "?kind=pending-beyond-life&tenant=pb.nabha"]),
        ("refunds", &["", "?view=decide", "?view=mine&tenant=pb.amritsar", "?view=mine&maker=another"]),
        ("accounts", &["", "?service=PT"]),
        ("events", &["", "?state=all", "?state=all&topic=save-pg-txns", "?state=dead"]),
        ("audit", &["", "?action=logged-in", "?actor=u-asha", "?tenant=pb"]),
    ] {
        for view in views {
            // Before the export, which is an entry of the log itself.
            let listed = listed(&browser, &format!("/{list}{view}")).await;
            let exported = first_column(&browser.cells(&format!("/export/{list}{view}")).await);
            let itself = usize::from(list == "audit" && matches!(*view, "" | "?actor=u-asha"));
            assert_eq!(exported[itself..], listed, "{list}{view}");
        }
    }
    for wrong in
        ["payments?status=PAID", "payments?from=x", "refunds?view=x", "attention?kind=x", "audit?action=x"]
    {
        let page = browser.post(&format!("/export/{wrong}"), &[("format", "csv")]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}: no more than was asked for");
        page.check();
    }
    for (path, fields) in
        [("payments", &[][..]), ("payments", &[("format", "pdf")]), ("jobs/none", &[("format", "csv")])]
    {
        let page = browser.post(&format!("/export/{path}"), fields).await;
        assert!(page.status.is_client_error(), "{path} {fields:?}");
        page.check();
    }
}

/// The first cells of a list's rows, page by page.
async fn listed(browser: &Browser<'_>, path: &str) -> Vec<String> {
    let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next.take() {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.check();
        let tree = page.tree();
        for node in tree.descendants() {
            let text = || node.descendants().filter_map(|inner| inner.text()).next().unwrap().to_owned();
            if node.tag_name().name() == "th" && node.attribute("scope") == Some("row") {
                rows.push(text());
            }
            if node.attribute("rel") == Some("next") {
                next = node.attribute("href").map(|href| href.strip_prefix(BASE).unwrap().to_owned());
            }
        }
    }
    rows
}

#[tokio::test]
async fn no_hostile_text_is_a_formula_or_leaves_its_cell() {
    let world = world();
    let texts = ["=1+1", "+91,\"x\"", "-2\r\n=3", "@SUM(A1)", "\t=1", "\r=1", HOSTILE, "ਪਾਠ; \u{202e}"];
    for (nth, text) in texts.iter().enumerate() {
        let mut txn = sample::transaction(&format!("=T{nth}"), &[&format!("=B{nth}")]);
        txn.tenant_id = TenantId::new("pb.amritsar").unwrap();
        txn.consumer_code = (*text).to_owned();
        txn.module = Some((*text).to_owned());
        txn.payer.name = Personal::new(*text);
        txn.payer.mobile_number = Personal::new(*text);
        txn.payer.email_id = Some(Personal::new(*text));
        txn.gateway = GatewayName::new(text);
        txn.gateway_details.txn_id = Some((*text).to_owned());
        txn.gateway_details.bank_txn_no = Some((*text).to_owned());
        txn.gateway_details.payment_mode = Some((*text).to_owned());
        txn.audit.created_at = NOW;
        let id = txn.id.clone();
        world.store.create(sample::new(txn)).await.unwrap();
        world.store.raise_attention(case_of(&id)).await.unwrap();
    }
    let browser = world.log_in(&HOSTILE.replace('\u{202e}', ""), &everything()).await;
    let token = browser.token().await;
    for route in exports() {
        for reason in ["", HOSTILE] {
            let path = format!("{}?q=&actor=&x={}", filled(route), crate::links::segment(HOSTILE));
            let page = world.send(browser.export(&token, &path, "csv", reason)).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            let rows = cells(&page.text);
            for row in &rows {
                assert_eq!(row.len(), rows[0].len(), "{path}: {row:?}");
                let is_formula = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                assert!(!row.iter().any(is_formula), "{path}: {row:?}");
            }
            let page = world.send(browser.export(&token, &path, "jsonl", reason)).await;
            for line in page.text.lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                assert_eq!(row.as_object().unwrap().len(), rows[0].len(), "{path}");
            }
        }
    }
    let file = browser.file("/export/payments", "jsonl", "the whole of it").await;
    let exported: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (nth, text) in texts.iter().enumerate() {
        let id = format!("=T{nth}");
        let row = exported.iter().find(|row| row["txnId"] == id.as_str()).unwrap();
        for member in
            ["consumerCode", "payerName", "mobileNumber", "emailId", "gatewayTxnId", "bankTransactionNo"]
        {
            assert_eq!(row[member], *text, "{member}");
        }
        assert_eq!(row["createdTime"], "2026-11-22T16:00:00.000+05:30");
        assert_eq!((row["txnAmount"].to_string().as_str(), &row["currency"]), ("100.00", &"INR".into()));
    }
}

#[tokio::test]
async fn personal_data_is_starred_unless_role_and_reason_show_it() {
    let world = world();
    for (id, tenant) in [("T1", "pb.amritsar"), ("T2", "pb.nabha")] {
        world.pending(id, tenant).await;
    }
    let personal = ["Asha Rani", "9876543210", "asha@example.org"];
    let half = world.log_in("half", &[(Role::Viewer, "pb"), (Role::Operator, "pb.nabha")]).await;
    for (format, reason, shown) in [("csv", "", 0), ("jsonl", "  ", 0), ("jsonl", "an appeal", 1)] {
        let file = half.file("/export/payments", format, reason).await;
        for text in personal {
            assert_eq!(file.matches(text).count(), shown, "{text}: where the role is held alone: {file}");
        }
        assert_eq!(file.matches("98******10").count(), 2 - shown);
    }
    let log = entries(&world).await;
    let revealed: Vec<&Value> = log.iter().filter(|entry| entry["action"] == "revealed").collect();
    let [revealed] = revealed.as_slice() else { panic!("{log:?}") };
    assert_eq!(revealed["details"]["personal"], "shown");
    assert!(revealed["reason"].is_string() && !revealed.to_string().contains("an appeal"), "salted");
    let viewer = world.log_in("vera", &[(Role::Viewer, "pb"), (Role::Auditor, "pb")]).await;
    let page = viewer.post("/export/payments", &[("format", "csv"), ("reason", "curious")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let elsewhere =
        half.post("/export/payments?tenant=pb.amritsar", &[("format", "csv"), ("reason", "x")]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    let log = viewer.file("/export/audit", "csv", "no role shows it").await;
    assert!(!log.contains("an appeal") && log.contains("revealed"));
    half.file("/export/payments?q=9876543210", "csv", "").await;
    assert!(entries(&world).await.iter().all(|entry| !entry.to_string().contains("9876543210")));
}

#[tokio::test]
async fn the_audit_log_has_rows_and_digest_of_every_file() {
    let world = world();
    for nth in 0..7 {
        world.pending(&format!("T{nth}"), "pb.amritsar").await;
    }
    let browser = world.log_in("asha", &everything()).await;
    let token = browser.token().await;
    for format in ["csv", "jsonl", "xlsx"] {
        let sent = browser.export(&token, "/export/payments?tenant=pb.amritsar&status=PENDING", format, "");
        let response = world.router.clone().oneshot(sent).await.unwrap();
        let disposition = response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
        assert_eq!(disposition, format!("attachment; filename=\"payments-20261122-160000.{format}\""));
        let file = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(file.starts_with(b"PK"), format == "xlsx");
        let log = entries(&world).await;
        let [begun, ended] = log.last_chunk().unwrap();
        assert_eq!(begun["object"]["id"], ended["object"]["id"]);
        assert_eq!(
            (&begun["details"]["state"], &ended["details"]["state"]),
            (&"begun".into(), &"whole".into())
        );
        assert_eq!(begun["details"]["view"]["status"], "PENDING");
        assert_eq!((&begun["tenant"], &begun["details"]["format"]), (&"pb.amritsar".into(), &format.into()));
        assert_eq!(ended["details"]["rows"], 7);
        assert_eq!(ended["details"]["bytes"], file.len());
        assert_eq!(ended["after"], hex::encode(Sha256::digest(&file)));
    }
}

/// The bytes of a response's first piece, with the rest of it.
async fn begun(world: &World, request: Request<Body>) -> (usize, Body) {
    let response = world.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    (first.len(), body)
}

async fn last_entry(world: &World) -> (String, i64, i64) {
    world.rest().await;
    let ended = entries(world).await.pop().unwrap();
    let details = &ended["details"];
    let number = |name: &str| details[name].as_i64().unwrap();
    (details["state"].as_str().unwrap().to_owned(), number("rows"), number("bytes"))
}

#[tokio::test]
async fn a_reader_who_hangs_up_is_in_the_audit_log_with_the_rows_that_left() {
    const ROWS: i64 = 4_000;
    let world = world();
    fill(&world, ROWS).await;
    let browser = world.log_in("asha", &everything()).await;
    let token = browser.token().await;
    let (bytes, body) = begun(&world, browser.export(&token, "/export/audit", "csv", "")).await;
    drop(body);
    let (state, rows, left) = last_entry(&world).await;
    assert_eq!(state, "reader-gone");
    assert!(rows > 0 && rows < ROWS && left >= i64::try_from(bytes).unwrap(), "{rows} {left} {bytes}");
}

#[tokio::test]
async fn a_database_that_fails_midway_cuts_the_file_off() {
    let world = world();
    fill(&world, 3_000).await;
    let browser = world.log_in("asha", &everything()).await;
    let token = browser.token().await;
    let hash = |number: &str| {
        format!(
            "PRAGMA ignore_check_constraints = ON;
             UPDATE eg_pg_audit SET entry_hash = x'00' WHERE entry_number = {number}"
        )
    };
    world._database.tamper(&hash("20")).await;
    for format in ["csv", "jsonl"] {
        let (_, body) = begun(&world, browser.export(&token, "/export/audit", format, "")).await;
        assert!(body.collect().await.is_err(), "{format}: it must not look complete");
        let (state, rows, _) = last_entry(&world).await;
        assert!(state == "failed" && rows > 0 && rows < 3_000, "{state} {rows}");
    }
    let page = world.send(browser.export(&token, "/export/audit", "xlsx", "")).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR, "nothing has left");
    page.check();
    world._database.tamper(&hash("(SELECT max(entry_number) FROM eg_pg_audit)")).await;
    let page = world.send(browser.export(&token, "/export/audit?actor=u-asha", "csv", "")).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    page.check();
}

#[tokio::test]
async fn exports_are_bounded_in_number_and_time_and_end_with_the_service() {
    let stop = Arc::new(std::sync::Mutex::new(None));
    let world = world_with(|console| *stop.lock().unwrap() = Some(console.stop.clone()));
    fill(&world, 4_000).await;
    let browser = world.log_in("asha", &everything()).await;
    let token = browser.token().await;
    let export = || browser.export(&token, "/export/audit", "csv", "");
    let (_, first) = begun(&world, export()).await;
    let (_, second) = begun(&world, export()).await;
    let refused = world.send(export()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    refused.check();
    assert!(refused.words().contains("Other downloads are under way. Try again in a minute."));

    tokio::time::pause();
    tokio::time::advance(LONGEST_READING).await;
    tokio::time::resume();
    assert_eq!(last_entry(&world).await.0, "too-slow");
    for body in [first, second] {
        assert!(body.collect().await.is_err(), "what is cut off never looks complete");
    }
    let (_, third) = begun(&world, export()).await;
    stop.lock().unwrap().take().unwrap().cancel();
    assert_eq!(last_entry(&world).await.0, "stopped");
    assert!(third.collect().await.is_err());
}

#[tokio::test]
async fn every_list_offers_its_view_as_files() {
    let world = world();
    world.pending("T1", "pb.amritsar").await;
    let browser = world.log_in("asha", &everything()).await;
    for (path, action) in [
        ("/payments?status=PENDING&after=T1", "/export/payments?status=PENDING"),
        ("/payments?q=PT-1001&tenant=pb", "/payments/T1"),
        ("/refunds?view=mine&before=9", "/export/refunds?view=mine"),
        ("/attention?state=all", "/export/attention?state=all"),
        ("/events", "/export/events"),
        ("/jobs/early", "/export/jobs/early"),
        ("/audit?action=logged-in&before=900", "/export/audit?action=logged-in"),
        ("/accounts", "/export/accounts"),
    ] {
        let page = browser.get(path).await;
        page.check();
        let offers = page.status == StatusCode::SEE_OTHER && page.location().ends_with(action)
            || page.addresses().contains(&format!("{BASE}{action}"));
        assert!(offers, "{path}: {:?}", page.text);
    }
    assert!(exports().all(|route| route.access != Access::Open && route.access != Access::Anyone));
}
