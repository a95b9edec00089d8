//! Questions of jobs: checks, receipts, callbacks, events, runs, the forgetting of what is old; and of the embedded
//! DIGIT services.

use std::time::Duration;

use payment_digit::embedded::Registers;
use payment_digit::{PayerDetails, Payment};
use payment_domain::{BillId, EventKind, GatewayName, Personal, TenantId, Timestamp};
use payment_store::contract::sample::{self, at, bill_key, paise, txn_id};
use payment_store::{
    Callbacks, CheckNote, Checks, DeadLetter, DueChecks, EventQuery, EventState, Health, Idempotency,
    JobLedger, NextCheck, Outbox, Postponement, RawCallback, ReceiptTaskClaim, ReceiptTaskKind, ReceiptTasks,
    RunEnd, Tally, TickAnswer, TickRequest, Turn, UnsignedCallback,
};

use crate::question::{Question, planned, question};
use crate::{FAR, fence, pending, written};

pub(crate) fn all(round: i64) -> Vec<Question> {
    let mut all = checks(round);
    all.extend(receipts(round));
    all.extend(callbacks(round));
    all.extend(events(round));
    all.extend(lists_of_events());
    all.extend(runs(round));
    all.extend(embedded(round));
    all.extend(forgetting());
    all
}

fn checks(round: i64) -> Vec<Question> {
    let due = |turn| DueChecks { turn, gateway: None, after: None, limit: 5 };
    let turns = [
        ("first checks", due(Turn::First { created_by: FAR })),
        ("next checks", due(Turn::Next { due_by: FAR })),
        ("all checks", due(Turn::Every { created_before: FAR, not_checked_since: FAR, now: FAR })),
        (
            "checks of a gateway",
            DueChecks { gateway: Some(GatewayName::new("PAYTM")), ..due(Turn::First { created_by: FAR }) },
        ),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: DueChecks| async move {
            assert_eq!(store.due_checks(&query).await.unwrap().len(), 5, "{name}");
        })
    };
    let mut all: Vec<Question> = turns.into_iter().map(ask).collect();
    all.extend([
        question!("pending gateways", |store| assert!(store.pending_gateways().await.unwrap().len() >= 3)),
        question!("note check", |store| {
            let note = CheckNote {
                txn_id: pending(round, 2),
                at: FAR,
                next: NextCheck::At(FAR),
                history: None,
                events: Vec::new(),
                fence: Some(fence()),
            };
            store.note_check(note.clone()).await.unwrap();
            store.note_check(CheckNote { fence: None, ..note }).await.unwrap()
        }),
        question!("outbox backlog", |store| store.outbox_backlog().await.unwrap()),
        question!("backlog", |store| {
            let backlog = store.backlog(FAR).await.unwrap();
            assert!(backlog.receipts_due() > 0 && !backlog.pending.is_empty() && !backlog.cases.is_empty())
        }),
        question!("ping", |store| store.ping().await.unwrap()),
    ]);
    all
}

fn receipts(round: i64) -> Vec<Question> {
    let token = move || written("L", round);
    let claim = move |kind| ReceiptTaskClaim {
        kind,
        abandoned: (0..9).map(|nth| format!("token {nth}")).collect(),
        ..sample::task_claim(&token(), 5)
    };
    vec![
        question!("receipt task", |store| assert!(
            store.receipt_task(&txn_id("T1002")).await.unwrap().is_some()
        )),
        question!("cancellation", |store| assert!(
            store.cancellation(&txn_id("C1002")).await.unwrap().is_some()
        )),
        question!("lease and postpone tasks", |store| {
            let leased = store.claim_receipt_tasks(claim(ReceiptTaskKind::Issue)).await.unwrap();
            assert_eq!(leased.len(), 5);
            let given_back = sample::postponement(&leased[0].txn_id, &token(), 0, "no");
            assert!(store.postpone_receipt_task(given_back).await.unwrap());
            assert!(!store.receipt_leases(9).await.unwrap().is_empty());
            // They are there in the next round.
            for task in &leased[1..] {
                let given_back = sample::postponement(&task.txn_id, &token(), 0, "no");
                assert!(store.postpone_receipt_task(given_back).await.unwrap());
            }
        }),
        question!("lease and postpone cancellations", |store| {
            let kind = ReceiptTaskKind::Cancel;
            let leased = store.claim_receipt_tasks(claim(kind)).await.unwrap();
            assert_eq!(leased.len(), 5);
            for task in &leased {
                let given_back = sample::postponement(&task.txn_id, &token(), 0, "no");
                assert!(store.postpone_receipt_task(Postponement { kind, ..given_back }).await.unwrap());
            }
        }),
    ]
}

fn callbacks(round: i64) -> Vec<Question> {
    vec![
        question!("record and conclude a callback", |store| {
            let digest = [u8::try_from(round).unwrap(); 32];
            let callback = RawCallback {
                gateway: GatewayName::new("PAYTM"),
                digest,
                received_at: FAR,
                content: "c".to_owned(),
            };
            store.record_callback(callback.clone()).await.unwrap();
            store.conclude_callback(&digest, None, "done").await.unwrap();
            store.record_callback(callback).await.unwrap()
        }),
        question!("keep an unsigned callback", |store| {
            let callback = UnsignedCallback {
                txn_id: pending(round, 1),
                gateway: GatewayName::new("PAYTM"),
                received_at: Timestamp::from_millis(9),
                content: "c".to_owned(),
            };
            assert!(store.keep_unsigned_callback(callback.clone(), 2).await.unwrap());
            assert!(!store.keep_unsigned_callback(callback, 2).await.unwrap());
        }),
    ]
}

fn events(round: i64) -> Vec<Question> {
    vec![
        question!("events after", |store| assert_eq!(store.events_after(7, 5).await.unwrap().len(), 5)),
        question!("events of", |store| assert_eq!(store.events_of(&txn_id("T777")).await.unwrap().len(), 1)),
        question!("trace of", |store| {
            assert!(store.trace_of(&txn_id("T778")).await.unwrap().is_some());
            assert!(store.trace_of(&txn_id("T777")).await.unwrap().is_none());
        }),
        question!("unpublished", |store| assert_eq!(store.unpublished(0, 5).await.unwrap().len(), 5)),
        question!("mark published", |store| {
            let waiting = store.unpublished(0, 1).await.unwrap();
            let sequences: Vec<i64> = waiting.iter().map(|event| event.sequence).collect();
            assert!(store.mark_published(&sequences, FAR, &fence()).await.unwrap());
        }),
        question!("mark dead and revive", |store| {
            let sequence = store.unpublished(0, 1).await.unwrap()[0].sequence;
            let letter = DeadLetter { at: FAR, reason: "no".to_owned() };
            assert!(store.mark_dead(sequence, letter, &fence()).await.unwrap());
            assert!(store.revive(sequence, crate::entries()).await.unwrap());
        }),
        question!("store an event once", |store| {
            let event = sample::event(&sample::transaction("T778", &["B778"]), EventKind::Sms);
            store.store_event_once("sms-777", event.clone(), FAR).await.unwrap();
            store.store_event_once(&written("sms", round), event, FAR).await.unwrap()
        }),
    ]
}

fn lists_of_events() -> Vec<Question> {
    let newest = |state| EventQuery { newest_first: true, ..EventQuery::of(state, 5) };
    let queries = [
        ("waiting events", newest(EventState::Waiting)),
        ("published events", newest(EventState::Published)),
        ("all events", newest(EventState::All)),
        ("dead letters", newest(EventState::Dead)),
        ("events of a kind", EventQuery { kind: Some(EventKind::Sms), ..newest(EventState::All) }),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: EventQuery| async move {
            let horizon = store.events_horizon(&query, 30).await.unwrap();
            let bounded = EventQuery { after: horizon.unwrap_or(query.after), ..query };
            let found = store.list_events(&bounded).await.unwrap();
            assert!(found.len() == 5 || query.kind.is_some() || query.state == EventState::Dead, "{name}");
        })
    };
    queries.into_iter().map(ask).collect()
}

fn runs(round: i64) -> Vec<Question> {
    let tick = move || TickRequest {
        job: written("job", round),
        scheduled_at: at(1),
        missed: 0,
        node: "n".to_owned(),
        lease: Duration::from_millis(1),
        not_renewed: None,
        newest_known: Some(0),
    };
    vec![
        question!("runs", |store| assert_eq!(store.runs(None, 5).await.unwrap().len(), 5)),
        question!("runs of a job", |store| assert_eq!(store.runs(Some("old"), 5).await.unwrap().len(), 5)),
        question!("last tick", |store| store.last_tick("old", FAR).await.unwrap()),
        question!("begin, renew and end a run", |store| {
            let TickAnswer::Begun(run) = store.begin_run(tick()).await.unwrap() else { panic!("busy") };
            assert!(store.renew_run(&run.fence, Duration::from_secs(1), Tally::default()).await.unwrap());
            assert!(store.end_run(&run.fence, FAR, Tally::default(), RunEnd::Finished).await.unwrap());
            store.begin_run(tick()).await.unwrap()
        }),
    ]
}

fn embedded(round: i64) -> Vec<Question> {
    let details = || PayerDetails {
        name: Personal::new("n"),
        mobile_number: Personal::new("777"),
        email_id: None,
        user_name: None,
        uuid: None,
        tenant_id: TenantId::new("pb").unwrap(),
    };
    let number = move || txn_id(&written("REGISTERED", round));
    vec![
        question!("take numbers", |store| store.take_numbers("ids", 5).await.unwrap()),
        question!("paid bills", |store| store.paid_bills(&[bill_key("B777")]).await.unwrap()),
        question!("receipts", |store| assert!(store.receipts(&txn_id("T777")).await.unwrap().is_some())),
        question!("register and cancel", |store| {
            let payment = Payment {
                tenant_id: TenantId::new("pb.1").unwrap(),
                transaction_number: Some(number()),
                total: paise(100),
                bills: vec![(BillId::new(number().as_str()).unwrap(), paise(100))],
                payer_name: Personal::new("n"),
                payer_mobile: Personal::new("777"),
                paid_at: FAR,
                additional_details: serde_json::Map::new(),
            };
            store.register_payment(&payment, &number(), FAR, |nth, _| format!("N{nth}")).await.unwrap();
            assert!(store.cancel_receipts(&number(), "no", FAR).await.unwrap());
        }),
        question!("payer", |store| store.payer("pb", &details(), "new", FAR).await.unwrap()),
        question!("new payer", |store| {
            let uuid = written("new", round);
            let new = PayerDetails { mobile_number: Personal::new(uuid.as_str()), ..details() };
            store.payer("pb", &new, &uuid, FAR).await.unwrap()
        }),
    ]
}

fn forgetting() -> Vec<Question> {
    vec![
        planned!("forget keys", |store| assert_eq!(store.forget_idempotency_keys(FAR, 5).await.unwrap(), 5)),
        planned!("forget callbacks", |store| assert_eq!(store.forget_callbacks(FAR, 5).await.unwrap(), 5)),
        planned!("forget events", |store| assert_eq!(store.forget_published(FAR, 5).await.unwrap(), 5)),
        planned!("forget runs", |store| assert_eq!(store.forget_runs(FAR, 5).await.unwrap(), 5)),
    ]
}
