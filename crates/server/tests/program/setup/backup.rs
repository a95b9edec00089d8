//! Backups under load, and a service that goes on with one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use payment_simulator::sandbox::Choice;
use tokio::task::JoinSet;

use crate::support::payer::Payer;
use crate::support::{Service, free_port, pg_service, run, stderr, stdout};

/// Pays one bill after the other until it is stopped; returns its payments, in their order.
async fn pay_on(payer: Payer, bills: Arc<AtomicU32>, over: Arc<AtomicBool>) -> Vec<String> {
    let mut paid = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let bill = bills.fetch_add(1, Ordering::SeqCst);
        let (id, page) = payer.create(&format!("LOAD-{bill}")).await;
        payer.choose(&page, Choice::Pay).await;
        assert_eq!(payer.update(&id).await["txnStatus"], "SUCCESS");
        paid.push(id);
    }
    paid
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_under_load_is_gone_on_with() {
    const PAYERS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let port = free_port();
    let mut service = Service::start(pg_service(folder), port, &folder.join("log")).await;
    let payer = Payer::of(service.url());
    let (paid, page) = payer.create("PAID").await;
    payer.choose(&page, Choice::Pay).await;
    let receipt = payer.update(&paid).await["receipt"].clone();
    assert!(receipt.is_string());
    // Paid, and the tab was closed: only the sandbox's books know.
    let (closed, page) = payer.create("CLOSED").await;
    payer.choose(&page, Choice::SayNothing).await;

    let (bills, over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let mut load = JoinSet::new();
    for _ in 0..PAYERS {
        load.spawn(pay_on(payer.clone(), bills.clone(), over.clone()));
    }
    let under_load = async || {
        let before = bills.load(Ordering::SeqCst);
        while bills.load(Ordering::SeqCst) < before + 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    under_load().await;
    for name in ["first.db", "second.db"] {
        let made = run(folder, &["backup", name]);
        assert!(made.status.success(), "{}", stderr(&made));
        let told = stdout(&made);
        assert!(told.contains("Backed up and checked.") && told.contains("orders of the sandbox"), "{told}");
        under_load().await;
    }
    over.store(true, Ordering::SeqCst);
    let mut all = Vec::new();
    while let Some(paid) = load.join_next().await {
        all.extend(paid.unwrap());
    }
    let again = run(folder, &["backup", "first.db"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));

    // Neither over a database, nor beside a service.
    let over_it = run(folder, &["restore", "first.db"]);
    assert!(
        !over_it.status.success() && stderr(&over_it).contains("another service uses"),
        "{}",
        stderr(&over_it)
    );
    service.kill();
    let over_it = run(folder, &["restore", "first.db"]);
    assert!(
        !over_it.status.success() && stderr(&over_it).contains("is there already"),
        "{}",
        stderr(&over_it)
    );

    // The machine is lost, and another begins with the backup.
    std::fs::rename(folder.join("data"), folder.join("lost")).unwrap();
    let back = run(folder, &["restore", "second.db"]);
    assert!(back.status.success(), "{}", stderr(&back));
    assert!(stdout(&back).contains("Put back and checked."), "{}", stdout(&back));
    let service = Service::start(pg_service(folder), port, &folder.join("log")).await;
    let payer = Payer::of(service.url());
    assert_eq!(payer.search(&paid).await["receipt"], receipt);
    let settled = payer.update(&closed).await;
    assert!(settled["txnStatus"] == "SUCCESS" && settled["receipt"].is_string(), "{settled}");
    let mut forgotten = 0;
    for id in &all {
        let found = payer.search(id).await;
        if found.is_null() {
            forgotten += 1;
        } else {
            assert!(found["txnStatus"] == "SUCCESS" || found["txnStatus"] == "PENDING", "{found}");
        }
    }
    assert!(forgotten > 0 && forgotten < all.len(), "{forgotten} of {}", all.len());
    // No id, and no number of a receipt, is used again.
    let (fresh, page) = payer.create("FRESH").await;
    payer.choose(&page, Choice::Pay).await;
    let new_receipt = payer.update(&fresh).await["receipt"].as_str().unwrap().to_owned();
    let number = |text: &str| text.rsplit('/').next().unwrap().parse::<u64>().unwrap();
    assert!(number(&new_receipt) > number(receipt.as_str().unwrap()) + 100_000, "{new_receipt}");
    assert!(!all.contains(&fresh));
    assert!(run(folder, &["transaction", "show", &closed]).status.success());
}

#[test]
fn a_file_that_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |arguments: &[&str], told: &str| {
        let output = run(folder, arguments);
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
    };
    refused(&["backup", "x.db"], "no database");
    refused(&["restore", "x.db"], "x.db is no backup of this service");
    std::fs::write(
        folder.join("text.db"),
        "not a database, though it is long enough to be looked at".repeat(99),
    )
    .unwrap();
    refused(&["restore", "text.db"], "text.db is no backup of this service");
    rusqlite::Connection::open(folder.join("other.db")).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    refused(&["restore", "other.db"], "other.db is no backup of this service");
    assert!(run(folder, &["migrate"]).status.success());
    assert!(run(folder, &["backup", "good.db"]).status.success());
    damage(&folder.join("good.db"));
    std::fs::remove_dir_all(folder.join("data")).unwrap();
    refused(&["restore", "good.db"], "good.db cannot be copied");
    assert!(!folder.join("data/payments.db").exists());
    // Remains of a database would be mixed into the restored one.
    std::fs::write(folder.join("data/payments.db-wal"), "left").unwrap();
    refused(&["restore", "good.db"], "payments.db-wal is there already");
    let elsewhere =
        run(folder, &["--set", "spring.datasource.url=postgres://db.example/x", "backup", "y.db"]);
    assert!(stderr(&elsewhere).contains("PostgreSQL"), "{}", stderr(&elsewhere));
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".pg-service")), "{left:?}");
}

/// Overwrites an inner page.
fn damage(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let page = 4096;
    assert!(bytes.len() > 4 * page);
    bytes[2 * page..3 * page].fill(0xA5);
    std::fs::write(file, bytes).unwrap();
}
