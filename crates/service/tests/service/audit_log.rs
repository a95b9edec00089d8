//! The audit log against an administrator of the database: every change is named.

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AuditAction, AuditActor, Clock, ManualClock, Personal, TenantId, Timestamp};
use payment_service::audit::{
    AuditTrail, CheckpointError, CheckpointSettings, Checkpointed, CountedActs, KnownCheckpoints, Place,
    PublicKey, SigningKey, Verification, act, verify_export,
};
use payment_store::audit::chain::entry_hash;
use payment_store::contract::sample;
use payment_store::{AuditQuery, Fence, Store};
use payment_testing::database::Database;
use secrecy::SecretString;

use super::support::named;

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
const OTHER_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n";

struct Desk {
    database: Database,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
    audit: AuditTrail,
    fence: Fence,
}

impl Desk {
    /// A log of decisions and seals, with checkpoints over 6 and over 9 of its 11 entries.
    async fn in_use(open: fn(&Arc<ManualClock>) -> Database) -> Desk {
        let desk = Desk::empty(open).await;
        for nth in 1..=4 {
            desk.decide(nth).await;
        }
        desk.pay("T1").await;
        desk.seal().await;
        desk.pay("T2").await;
        desk.seal().await;
        assert!(matches!(desk.audit.checkpoint().await.unwrap(), Checkpointed::New(_)));
        for nth in 7..=9 {
            desk.decide(nth).await;
        }
        assert!(matches!(desk.audit.checkpoint().await.unwrap(), Checkpointed::New(_)));
        assert!(matches!(desk.audit.checkpoint().await.unwrap(), Checkpointed::Unchanged(Some(_))));
        desk.decide(10).await;
        desk.decide(11).await;
        desk
    }

    async fn empty(open: fn(&Arc<ManualClock>) -> Database) -> Desk {
        let clock = Arc::new(ManualClock::at(sample::at(0)));
        let database = open(&clock);
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_pem(&SecretString::from(PRIVATE)).unwrap();
        let settings = CheckpointSettings { key: Some(key), file: Some(folder.path().join("checkpoints")) };
        let audit = AuditTrail::new(database.store.clone(), clock.clone(), Arc::new(settings));
        let run = sample::begun(&database.store, sample::tick("audit-seal", 0)).await;
        Desk { database, clock, folder, audit, fence: run.fence }
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.database.store
    }

    async fn decide(&self, nth: i64) {
        let mut entry =
            act(self.clock.now(), named("clerk-7"), AuditAction::CaseResolved, "case", nth.to_string());
        entry.tenant = Some(TenantId::new("pb.amritsar").unwrap());
        entry.reason = Some(Personal::new("Asha Rani was paid back"));
        self.store().record(vec![entry]).await.unwrap();
        self.clock.advance(Duration::from_secs(60));
    }

    async fn pay(&self, id: &str) {
        let txn = sample::stored(self.store(), sample::new_transaction(id, id)).await;
        sample::applied(self.store(), sample::success(&txn)).await;
    }

    async fn seal(&self) {
        let sealed = self.store().seal_history(self.clock.now(), 100, &self.fence).await.unwrap();
        assert!(sealed.is_some_and(|sealed| sealed > 0), "{sealed:?}");
    }

    fn checkpoints(&self, key: &str) -> KnownCheckpoints {
        let file = std::fs::File::open(self.folder.path().join("checkpoints")).unwrap();
        KnownCheckpoints::of_file(std::io::BufReader::new(file), &PublicKey::from_pem(key).unwrap()).unwrap()
    }

    async fn verified(&self) -> Verification {
        self.audit.verify(self.checkpoints(PUBLIC)).await.unwrap()
    }

    async fn exported(&self) -> Vec<String> {
        let mut exporting = self.audit.export(named("auditor")).await.unwrap();
        let mut text = String::new();
        while let Some(lines) = exporting.next().await.unwrap() {
            text.push_str(&lines);
        }
        text.lines().map(str::to_owned).collect()
    }

    fn verified_offline(&self, lines: &[String]) -> Verification {
        verify_export(lines.join("\n").as_bytes(), self.checkpoints(PUBLIC)).unwrap()
    }
}

fn broken(verification: &Verification) -> (Place, String) {
    let broken = verification.broken.clone().unwrap_or_else(|| panic!("it seems whole: {verification:#?}"));
    (broken.place, broken.why)
}

fn sizes(verification: &Verification) -> (Option<u64>, Option<(i64, i64)>) {
    (verification.checkpoints.last.map(|last| last.size), verification.checkpoints.unprotected)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_log_is_whole_and_names_the_part_without_a_checkpoint() {
    let desk = Desk::in_use(Database::open).await;
    desk.pay("T3").await;
    let whole = desk.verified().await;
    assert_eq!(whole.broken, None);
    assert_eq!((whole.entries, whole.history_lines, whole.unsealed_lines), (11, Some(4), Some(2)));
    assert_eq!((whole.checkpoints.compared, sizes(&whole)), (2, (Some(9), Some((10, 11)))));
    let own = desk.audit.own_checkpoints(None).await.unwrap();
    assert_eq!(sizes(&desk.audit.verify(own).await.unwrap()), (Some(9), Some((10, 11))));
    let lines = desk.exported().await;
    let offline = desk.verified_offline(&lines);
    assert_eq!((offline.broken, offline.entries, offline.history_lines), (None, 11, None));
    assert!(lines.iter().all(|line| !line.contains("Asha") && !line.contains("clerk-7")), "{lines:#?}");
    assert_eq!(desk.verified().await.entries, 12, "the export is on record");
}

/// Statements of an administrator, and the number of the entry that is named.
const TAMPERED: [(&str, &str, i64); 9] = [
    (
        "a byte flipped",
        "UPDATE eg_pg_audit SET entry = replace(entry, '\"id\":\"3\"', '\"id\":\"2\"') WHERE entry_number = 3",
        3,
    ),
    (
        "two rows swapped",
        "UPDATE eg_pg_audit SET entry_number = 1000 WHERE entry_number = 3;
         UPDATE eg_pg_audit SET entry_number = 3 WHERE entry_number = 4;
         UPDATE eg_pg_audit SET entry_number = 4 WHERE entry_number = 1000",
        3,
    ),
    (
        "one inserted",
        "UPDATE eg_pg_audit SET entry_number = entry_number + 1000 WHERE entry_number >= 3;
         UPDATE eg_pg_audit SET entry_number = entry_number - 999 WHERE entry_number >= 1000;
         INSERT INTO eg_pg_audit (entry_number, entry, entry_hash)
             SELECT 3, entry, entry_hash FROM eg_pg_audit WHERE entry_number = 2",
        3,
    ),
    (
        "one appended past the head",
        "INSERT INTO eg_pg_audit (entry_number, entry, entry_hash)
             SELECT 12, entry, entry_hash FROM eg_pg_audit WHERE entry_number = 11",
        12,
    ),
    ("one removed", "DELETE FROM eg_pg_audit WHERE entry_number = 3", 3),
    (
        "one removed and the rest moved up",
        "DELETE FROM eg_pg_audit WHERE entry_number = 3;
         UPDATE eg_pg_audit SET entry_number = entry_number + 1000 WHERE entry_number > 3;
         UPDATE eg_pg_audit SET entry_number = entry_number - 1001 WHERE entry_number > 1000;
         UPDATE eg_pg_audit_head SET last_number = 10",
        3,
    ),
    ("the tail dropped", "DELETE FROM eg_pg_audit WHERE entry_number > 10", 11),
    (
        "a personal value exchanged",
        "UPDATE eg_pg_audit_personal SET value = 'x' WHERE entry_number = 2 AND field = 'name'",
        2,
    ),
    (
        "personal values removed",
        "UPDATE eg_pg_audit_personal SET value = NULL, salt = NULL WHERE entry_number = 4",
        4,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_log_that_another_hand_has_touched_is_named() {
    for (what, sql, number) in TAMPERED {
        let desk = Desk::in_use(Database::open).await;
        desk.database.tamper(sql).await;
        let verified = desk.verified().await;
        let (place, why) = broken(&verified);
        assert_eq!(place, Place::Entry { number }, "{what}: {why}");
        let held = match number {
            1..=6 => None,
            7..=9 => Some(6),
            _ => Some(9),
        };
        // Removed personal values are found only at the end.
        if what != "personal values removed" {
            assert_eq!(sizes(&verified).0, held, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_log_is_not_signed() {
    let desk = Desk::in_use(Database::open).await;
    desk.database
        .tamper("UPDATE eg_pg_audit SET entry = replace(entry, '\"10\"', '\"19\"') WHERE entry_number = 10")
        .await;
    assert!(matches!(desk.audit.checkpoint().await, Err(CheckpointError::Broken(10))));
    assert_eq!(desk.store().last_checkpoint().await.unwrap().unwrap().size, 9);
}

/// A restored backup: the log ends earlier, and everything in the database agrees with that.
const ROLLED_BACK: &str = "
    DELETE FROM eg_pg_audit WHERE entry_number > 7;
    DELETE FROM eg_pg_audit_personal WHERE entry_number > 7;
    DELETE FROM eg_pg_audit_checkpoints WHERE size > 7;
    UPDATE eg_pg_audit_head SET last_number = 7,
        last_hash = (SELECT entry_hash FROM eg_pg_audit WHERE entry_number = 7)";

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_tail_is_named_with_the_last_checkpoint_that_holds() {
    let desk = Desk::in_use(Database::open).await;
    desk.database.tamper(ROLLED_BACK).await;
    let own = desk.audit.own_checkpoints(None).await.unwrap();
    let within = desk.audit.verify(own).await.unwrap();
    assert_eq!((within.broken, within.entries), (None, 7), "the database alone cannot know");
    let verified = desk.verified().await;
    let (place, why) = broken(&verified);
    assert!(matches!(place, Place::Checkpoint { size: 9, .. }), "{place:?}");
    assert!(why.contains("the log ends at entry 7"), "{why}");
    assert_eq!(sizes(&verified), (Some(6), Some((7, 7))));

    // It has gone on since: other entries in the places of those that are gone.
    for nth in 0..5 {
        desk.decide(nth).await;
    }
    let verified = desk.verified().await;
    let (place, why) = broken(&verified);
    assert!(matches!(place, Place::Checkpoint { size: 9, .. }), "{place:?}");
    assert!(why.contains("others than when it was signed"), "{why}");
    assert_eq!(sizes(&verified).0, Some(6));
    let offline = desk.verified_offline(&desk.exported().await);
    assert!(matches!(broken(&offline).0, Place::Checkpoint { size: 9, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_was_computed_anew_agrees_with_no_checkpoint() {
    let desk = Desk::in_use(Database::open).await;
    let all = AuditQuery { limit: 100, ..AuditQuery::default() };
    let mut previous = [0; 32];
    let mut sql = String::new();
    for stored in desk.store().audit_entries(&all).await.unwrap() {
        let text = stored.entry.replace("case.resolved", "case.Resolved");
        previous = entry_hash(text.as_bytes(), &previous);
        let hash = hex::encode(previous);
        let hash = if desk.database.is_postgres() { format!("'\\x{hash}'") } else { format!("x'{hash}'") };
        let text = text.replace('\'', "''");
        let number = stored.number;
        sql.push_str(&format!(
            "UPDATE eg_pg_audit SET entry = '{text}', entry_hash = {hash} WHERE entry_number = {number};
             UPDATE eg_pg_audit_head SET last_hash = {hash};"
        ));
    }
    desk.database.tamper(&sql).await;
    let without = desk.audit.verify(KnownCheckpoints::default()).await.unwrap();
    assert_eq!(without.broken, None, "every hash is right");
    let verified = desk.verified().await;
    assert!(matches!(broken(&verified).0, Place::Checkpoint { size: 6, .. }));
    assert_eq!(sizes(&verified).0, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_of_another_key_or_of_another_database_do_not_count() {
    let (one, other) = (Desk::in_use(Database::open).await, Desk::in_use(Database::open).await);
    let forged = one.audit.verify(one.checkpoints(OTHER_PUBLIC)).await.unwrap();
    assert!(broken(&forged).1.contains("not signed by this key"));
    let foreign = one.audit.verify(other.checkpoints(PUBLIC)).await.unwrap();
    assert!(broken(&foreign).1.contains("of another database"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_appends_missing_checkpoints_to_the_file() {
    let desk = Desk::in_use(Database::in_sqlite).await;
    let file = desk.folder.path().join("checkpoints");
    let whole = std::fs::read_to_string(&file).unwrap();
    assert_eq!(whole.lines().count(), 2);
    // A crash has cut the last line off.
    std::fs::write(&file, &whole[..whole.len() - 40]).unwrap();
    assert!(matches!(desk.audit.checkpoint().await.unwrap(), Checkpointed::New(_)));
    let verified = desk.verified().await;
    assert_eq!((verified.broken, verified.checkpoints.compared), (None, 3));
    assert_eq!(verified.checkpoints.unreadable_lines, 1);
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(desk.audit.checkpoint().await.unwrap(), Checkpointed::Unchanged(_)));
    assert_eq!(desk.verified().await.checkpoints.compared, 3);
}

/// Statements about the history, and words of their findings.
const HISTORY: [(&str, &str); 4] = [
    ("UPDATE eg_pg_transaction_history SET why = 'forged' WHERE txn_id = 'T2' AND entry_number = 1", "not as it was sealed"),
    ("UPDATE eg_pg_transaction_history SET evidence = '{\"paid\":1}' WHERE txn_id = 'T2' AND entry_number = 2", "not as it was sealed"),
    ("DELETE FROM eg_pg_transaction_history WHERE txn_id = 'T1' AND entry_number = 2", "missing"),
    (
        "INSERT INTO eg_pg_transaction_history (txn_id, entry_number, at_time, actor_kind, actor_id, to_status, why, evidence)
             VALUES ('T1', 9, 0, 'user', 'u', 'SUCCESS', 'inserted', '{}')",
        "in no seal",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_history_that_another_hand_has_touched_is_named() {
    for (sql, words) in HISTORY {
        let desk = Desk::in_use(Database::open).await;
        // In PostgreSQL an insert gets a position by the default, as every line: one in a sealed place.
        let sql = match desk.database.is_postgres() && words == "in no seal" {
            true => sql.replace("(txn_id,", "(position, txn_id,").replace("VALUES (", "VALUES (NULL, "),
            false => sql.to_owned(),
        };
        desk.database.tamper(&sql).await;
        let (place, why) = broken(&desk.verified().await);
        assert!(matches!(place, Place::HistoryLine { .. }), "{sql}: {place:?} {why}");
        assert!(why.contains(words), "{sql}: {why}");
        if let Place::HistoryLine { txn_id: Some(txn_id), .. } = place {
            assert!(sql.contains(&txn_id), "{sql}: {txn_id}");
        }
    }
}

const LATE_LINE: &str = "
    INSERT INTO eg_pg_transaction_history (txn_id, entry_number, at_time, actor_kind, actor_id, to_status, why, evidence)
    VALUES ('T1', 9, 0, 'user', 'u', 'SUCCESS', 'committed late', '{}')";

/// Commits that overtake one another, and rows of earlier versions: PostgreSQL alone has them.
mod postgres {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_line_that_is_committed_behind_later_ones_is_sealed_once() {
        let desk = Desk::in_use(Database::in_postgres).await;
        let slow = payment_testing::postgres::connect(desk.database.url()).await.unwrap();
        let gone = payment_testing::postgres::connect(desk.database.url()).await.unwrap();
        slow.batch_execute(&format!("BEGIN; {LATE_LINE}")).await.unwrap();
        gone.batch_execute(&format!("BEGIN; {}", LATE_LINE.replace("'T1', 9", "'T1', 8"))).await.unwrap();
        desk.pay("T3").await;
        desk.seal().await;
        let meanwhile = desk.verified().await;
        assert_eq!(
            (meanwhile.broken, meanwhile.history_lines, meanwhile.unsealed_lines),
            (None, Some(6), Some(0))
        );
        slow.batch_execute("COMMIT").await.unwrap();
        gone.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(desk.verified().await.unsealed_lines, Some(1));
        desk.seal().await;
        let whole = desk.verified().await;
        assert_eq!((whole.broken, whole.history_lines, whole.unsealed_lines), (None, Some(7), Some(0)));
        let nothing = desk.store().seal_history(desk.clock.now(), 100, &desk.fence).await.unwrap();
        assert_eq!(nothing, Some(0));

        // In the place of the one that was rolled back, after a day: another hand.
        desk.clock.advance(payment_store::audit::sealing::GAP_WATCHED + Duration::from_secs(1));
        desk.pay("T4").await;
        desk.seal().await;
        let gap = "(SELECT min(position) + 1 FROM eg_pg_transaction_history AS line WHERE txn_id = 'T1' AND why = 'committed late')";
        let forged = LATE_LINE
            .replace("(txn_id,", "(position, txn_id,")
            .replace("VALUES ('T1', 9", &format!("VALUES ({gap}, 'T1', 8"));
        desk.database.tamper(&forged).await;
        let (place, why) = broken(&desk.verified().await);
        assert!(why.contains("in no seal"), "{place:?} {why}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn lines_from_before_positions_are_sealed_too() {
        let desk = Desk::empty(Database::in_postgres).await;
        desk.database
            .execute("ALTER TABLE eg_pg_transaction_history ALTER COLUMN position DROP DEFAULT")
            .await;
        for nth in 0..5 {
            desk.pay(&format!("OLD-{nth}")).await;
        }
        desk.database
            .execute(
                "ALTER TABLE eg_pg_transaction_history
                 ALTER COLUMN position SET DEFAULT nextval('eg_pg_history_positions');
             UPDATE eg_pg_history_seal SET earlier_is_done = false",
            )
            .await;
        desk.pay("NEW").await;
        let none = || desk.audit.verify(KnownCheckpoints::default());
        assert_eq!(none().await.unwrap().unsealed_lines, Some(12));
        let mut sealed = Vec::new();
        for _ in 0..5 {
            sealed.push(desk.store().seal_history(desk.clock.now(), 4, &desk.fence).await.unwrap());
        }
        assert_eq!(sealed, [Some(6), Some(4), Some(2), Some(0), Some(0)]);
        let whole = none().await.unwrap();
        assert_eq!((whole.broken, whole.history_lines, whole.unsealed_lines), (None, Some(12), Some(0)));
        desk.database
        .tamper(
            "UPDATE eg_pg_transaction_history SET why = 'forged' WHERE txn_id = 'OLD-3' AND entry_number = 2",
        )
        .await;
        assert!(broken(&none().await.unwrap()).1.contains("not as it was sealed"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_second_line_at_a_sealed_position_is_named() {
        let desk = Desk::in_use(Database::in_postgres).await;
        desk.database
            .tamper(
                "INSERT INTO eg_pg_transaction_history (position, txn_id, entry_number, at_time, actor_kind,
                 actor_id, to_status, why, evidence)
             SELECT max(position), 'T1', 9, 0, 'user', 'u', 'SUCCESS', 'inserted', '{}'
             FROM eg_pg_transaction_history",
            )
            .await;
        assert!(broken(&desk.verified().await).1.contains("two lines"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_removes_the_value_and_breaks_nothing() {
    let desk = Desk::in_use(Database::open).await;
    desk.audit.redact(named("officer"), 2, "asked for by the person").await.unwrap();
    let shown = desk.audit.show(2, AuditQuery::default()).await.unwrap().unwrap();
    assert!(shown.personal.iter().all(|personal| personal.value.is_none()));
    let verified = desk.verified().await;
    assert_eq!((verified.broken, verified.redacted), (None, Some(1)));
    assert!(desk.audit.redact(named("officer"), 2, "again").await.is_err());
    assert!(desk.audit.redact(named("officer"), 3, " ").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_are_one_entry_for_a_user_a_tenant_and_a_minute() {
    let desk = Desk::empty(Database::open).await;
    desk.clock.set(Timestamp::from_millis(1_790_000_040_000));
    let counted = CountedActs::new(desk.store().clone(), desk.clock.clone());
    let tenant = |tenant: &str| TenantId::new(tenant).ok();
    for _ in 0..3 {
        counted.searched("u-1", tenant("pb"));
    }
    counted.searched("u-1", tenant("pb.amritsar"));
    counted.searched("u-2", tenant("pb"));
    counted.record(false).await;
    assert_eq!(desk.store().audit_head().await.unwrap().end.number, 0, "the minute is not over");
    desk.clock.advance(Duration::from_secs(60));
    counted.searched("u-1", tenant("pb"));
    counted.record(false).await;
    assert_eq!(desk.store().audit_head().await.unwrap().end.number, 3);
    counted.record(true).await;
    counted.record(true).await;
    let all = AuditQuery { actor: Some("u-1".to_owned()), limit: 9, ..AuditQuery::default() };
    let entries = desk.store().audit_entries(&all).await.unwrap();
    let mut counts: Vec<i64> = entries
        .iter()
        .map(|entry| {
            let entry: serde_json::Value = serde_json::from_str(&entry.entry).unwrap();
            assert_eq!(entry["action"], "searched-unmasked");
            entry["details"]["count"].as_i64().unwrap()
        })
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 3]);
    assert!(matches!(named("x"), AuditActor::Operator { .. }));
}
