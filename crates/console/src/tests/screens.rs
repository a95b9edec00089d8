//! The other screens, and hostile texts on every one.

use http::StatusCode;
use payment_domain::{Actor, AttentionKind, HistoryEntry, Personal, Role, StatusName, TenantId, TxnId};
use payment_store::contract::sample;
use payment_store::{Attention, NewCase};
use serde_json::json;

use super::{NOW, world};
use crate::language::Language;

pub(super) const HOSTILE: &str =
    "\"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='x {{7*7}} \u{202e}&lt;";

pub(super) fn case_of(id: &TxnId) -> NewCase {
    let kind = AttentionKind::PendingBeyondLife;
    NewCase {
        case: Attention {
            txn_id: id.clone(),
            kind,
            raised_at: NOW,
            evidence: json!({"answer": {"RESPMSG": HOSTILE, "mobile": "9876543210"}}),
        },
        history: HistoryEntry {
            txn_id: id.clone(),
            at: NOW,
            actor: Actor::job("early#1"),
            from: Some(StatusName::Pending),
            to: StatusName::Pending,
            why: format!("needs an operator {HOSTILE}"),
            evidence: json!({"answer": HOSTILE}),
        },
        events: Vec::new(),
        hold: Vec::new(),
        fence: None,
    }
}

pub(super) fn everything() -> Vec<(Role, &'static str)> {
    Role::ALL.into_iter().filter(|role| *role != Role::Admin).map(|role| (role, "pb")).collect()
}

#[tokio::test]
async fn a_hostile_text_is_a_text_on_every_page() {
    let world = world();
    let mut txn = sample::transaction(&format!("T{}", &HOSTILE[..30]), &["B1"]);
    txn.tenant_id = TenantId::new("pb.amritsar").unwrap();
    txn.bill_id = payment_domain::BillId::new(&HOSTILE[..60]).unwrap();
    txn.consumer_code = HOSTILE.to_owned();
    txn.product_info = HOSTILE.to_owned();
    txn.module = Some(HOSTILE.to_owned());
    txn.payer.name = Personal::new(HOSTILE);
    txn.payer.mobile_number = Personal::new(HOSTILE);
    txn.payer.email_id = Some(Personal::new(HOSTILE));
    txn.gateway = payment_domain::GatewayName::new(HOSTILE);
    txn.gateway_details.txn_id = Some(HOSTILE.to_owned());
    txn.gateway_details.status_message = Some(HOSTILE.to_owned());
    txn.audit.created_by = HOSTILE.to_owned();
    txn.audit.created_at = NOW;
    let id = txn.id.clone();
    world.store.create(sample::new(txn)).await.unwrap();
    assert!(world.store.raise_attention(case_of(&id)).await.unwrap());
    let browser = world.log_in(&HOSTILE.replace('\u{202e}', ""), &everything()).await;
    let payment = format!("/payments/{}", crate::links::segment(id.as_str()));
    let hostile = crate::links::segment(HOSTILE);
    let pages = [
        "/".to_owned(),
        "/payments".to_owned(),
        format!("/payments?q={hostile}x"),
        format!(
            "/payments?tenant={hostile}&status={hostile}&gateway={hostile}&service={hostile}&from={hostile}&amount_to={hostile}"
        ),
        payment.clone(),
        format!("{payment}/refund"),
        format!("/?period={hostile}&from={hostile}&to={hostile}&tenant={hostile}"),
        "/gateways".to_owned(),
        "/attention".to_owned(),
        "/attention/1".to_owned(),
        format!("/attention?tenant={hostile}"),
        "/refunds".to_owned(),
        "/accounts".to_owned(),
        "/events".to_owned(),
        "/jobs".to_owned(),
        "/jobs/early".to_owned(),
        "/audit".to_owned(),
        format!("/audit?actor={hostile}&object={hostile}&tenant={hostile}"),
        "/sessions".to_owned(),
        "/tokens".to_owned(),
        "/nothing".to_owned(),
        format!("/{hostile}"),
    ];
    for path in pages {
        for language in Language::ALL {
            let page = browser.get_in(language.code(), &path).await;
            assert!(!page.status.is_server_error(), "{path}: {}", page.text);
            page.check();
            let tree = page.tree();
            let count = |name: &str| tree.descendants().filter(|node| node.tag_name().name() == name).count();
            assert_eq!((count("script"), count("img")), (1, 0), "{path}");
            assert!(!page.text.contains("9876543210"), "{path}: evidence is starred");
        }
    }
    let revealed = browser.post(&format!("{payment}/reveal"), &[("reason", HOSTILE)]).await;
    assert_eq!(revealed.status, StatusCode::OK);
    revealed.check();
    assert!(revealed.words().contains("alert(1)"), "shown as it is, as text");
}

#[tokio::test]
async fn a_case_is_resolved_with_a_reason_once() {
    let world = world();
    let id = world.pending("T1", "pb.amritsar").await;
    assert!(world.store.raise_attention(case_of(&id)).await.unwrap());
    let browser = world.log_in("asha", &[(Role::Operator, "pb.amritsar")]).await;
    let list = browser.get("/attention").await;
    list.check();
    assert!(list.words().contains("Pending for too long") && list.words().contains("Status: Open"));
    assert_eq!(browser.post("/attention/1/resolve", &[]).await.status, StatusCode::BAD_REQUEST);
    let resolved = browser.post("/attention/1/resolve", &[("reason", "seen to"), ("version", "1")]).await;
    assert_eq!(resolved.location(), "/pg-service/console/attention/1?said=resolved");
    let again = browser.post("/attention/1/resolve", &[("reason", "again"), ("version", "2")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let page = browser.get("/attention/1").await;
    page.check();
    assert!(page.words().contains("u-asha · seen to"), "{}", page.words());
    assert!(browser.get("/attention").await.words().contains("Nothing matches"));
}

/// A run of a job on another node.
pub(super) struct Run(payment_store::BegunRun);

impl Run {
    pub(super) async fn of_another_node(world: &super::World, job: &str) -> Run {
        let request = payment_store::TickRequest {
            job: job.to_owned(),
            scheduled_at: NOW.minus(std::time::Duration::from_secs(1)),
            missed: 0,
            node: "node-2".to_owned(),
            lease: std::time::Duration::from_secs(15),
            not_renewed: None,
            newest_known: None,
        };
        let answer = world.store.begin_run(request).await.unwrap();
        let payment_store::TickAnswer::Begun(begun) = answer else { panic!("{answer:?}") };
        Run(begun)
    }

    pub(super) async fn end(self, world: &super::World) {
        let end = payment_store::RunEnd::Finished;
        let tally = payment_store::Tally::default();
        assert!(world.store.end_run(&self.0.fence, NOW, tally, end).await.unwrap());
    }
}

#[tokio::test]
async fn a_job_is_run_by_hand_and_its_page_tells_how_it_ended() {
    let world = world();
    let browser = world.log_in("asha", &[(Role::Operator, "pb")]).await;
    let jobs = browser.get("/jobs").await;
    jobs.check();
    assert!(jobs.words().contains("early") && jobs.words().contains("SANDBOX: available"));
    let rival = Run::of_another_node(&world, "early").await;
    let under_way = browser.get("/jobs/early").await;
    under_way.check();
    assert!(under_way.text.contains("http-equiv=\"refresh\" content=\"5\""), "without JavaScript");
    assert!(under_way.text.contains("data-refresh=\"5\"") && under_way.words().contains("0 examined"));
    assert_eq!(browser.post("/jobs/early/run", &[]).await.status, StatusCode::CONFLICT, "it is at work");
    rival.end(&world).await;
    let begun = browser.post("/jobs/early/run", &[]).await;
    assert_eq!(begun.location(), "/pg-service/console/jobs/early");
    world.payments.ports.tasks.close();
    world.payments.ports.tasks.wait().await;
    let page = browser.get("/jobs/early").await;
    page.check();
    assert!(page.words().contains("Finished") && page.words().contains("node-1"), "{}", page.words());
    assert_eq!(browser.post("/jobs/unknown/run", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn events_and_the_audit_log_are_listed_and_verified() {
    let world = world();
    world.pending("T1", "pb.amritsar").await;
    let browser = world.log_in("asha", &everything()).await;
    let events = browser.get("/events").await;
    events.check();
    assert!(events.words().contains("2 events wait to be published"), "{}", events.words());
    assert_eq!(
        browser.post("/events/1/publish", &[]).await.status,
        StatusCode::NOT_FOUND,
        "it is no dead letter"
    );
    let relay = Run::of_another_node(&world, "outbox").await;
    let letter = payment_store::DeadLetter { at: NOW, reason: "RecordTooLarge".to_owned() };
    assert!(world.store.mark_dead(1, letter, &relay.0.fence).await.unwrap());
    let payment = browser.get("/payments/T1").await;
    payment.check();
    assert!(payment.words().contains("RecordTooLarge") && payment.words().contains("Publish again"));
    let city = world.log_in("clerk", &[(Role::Operator, "pb.amritsar"), (Role::Viewer, "pb.amritsar")]).await;
    assert!(
        !city.get("/payments/T1").await.words().contains("Publish again"),
        "it concerns the installation"
    );
    assert_eq!(browser.post("/events/1/publish", &[]).await.location(), "/pg-service/console/events");
    assert!(!browser.get("/payments/T1").await.words().contains("Publish again"));
    let log = browser.get("/audit?action=logged-in").await;
    log.check();
    assert!(log.words().contains("logged-in") && log.words().contains("u-asha"), "{}", log.words());
    assert_eq!(browser.get("/audit/verification").await.status, StatusCode::NOT_FOUND, "never yet");
    let begun = browser.post("/audit/verify", &[]).await;
    assert_eq!(begun.location(), "/pg-service/console/audit/verification");
    world.payments.ports.tasks.close();
    world.payments.ports.tasks.wait().await;
    let verified = browser.get("/audit/verification").await;
    verified.check();
    let words = verified.words();
    assert!(words.contains("entries are as they were written") && words.contains("Finished"), "{words}");
    assert!(browser.get("/audit").await.words().contains("entries are as they were written, verified 22-11"));
}

#[tokio::test]
async fn the_start_counts_what_waits_and_each_number_leads_to_its_list() {
    let world = world();
    let id = world.pending("T1", "pb.amritsar").await;
    world.store.raise_attention(case_of(&id)).await.unwrap();
    let browser = world.log_in("asha", &everything()).await;
    let page = browser.get("/").await;
    page.check();
    let words = page.words();
    for said in [
        "1 payments are pending",
        "1 cases need an operator",
        "0 refunds are yours to decide",
        "T1",
        "Sandbox.",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let addresses = page.addresses();
    for list in ["/payments?status=PENDING", "/attention", "/refunds?view=decide"] {
        assert!(addresses.iter().any(|address| *address == format!("{}{list}", super::BASE)), "{list}");
    }
}

#[tokio::test]
async fn a_session_is_ended_from_the_list() {
    let world = world();
    let admin = world.log_in("admin", &[(Role::Admin, "pb")]).await;
    // The newest is listed first.
    world.clock.advance(std::time::Duration::from_secs(1));
    let viewer = world.log_in("vera", &[(Role::Viewer, "pb")]).await;
    let page = admin.get("/sessions").await;
    page.check();
    let end = page.addresses().into_iter().find(|address| address.ends_with("/end")).unwrap();
    let path = end.strip_prefix(super::BASE).unwrap().to_owned();
    assert_eq!(admin.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(viewer.get("/").await.location(), "/pg-service/console/login");
    assert!(admin.get("/").await.words().contains("As of 22-11-2026"));
}
