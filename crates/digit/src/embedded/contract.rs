//! The promises of [`Registers`], as checks that every implementation must pass: numbers never given
//! twice, bills never receipted twice, payers never doubled.
//!
//! [`promises`] lists them. Each is checked in a database of its own that holds nothing, so an
//! implementation's tests make one for each and show each as a test:
//!
//! ```ignore
//! for promise in payment_digit::embedded::contract::promises() {
//!     let database: Arc<dyn Database> = fresh_database().await;
//!     promise.check(database).await;
//! }
//! ```
//!
//! A check panics when the promise is broken. It starts no tasks and keeps no time: concurrency means many
//! calls under way at the same time on one task.

#![allow(clippy::unwrap_used, clippy::panic, reason = "checks for tests: a broken promise panics")]

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use payment_domain::{BillId, BillKey, Currency, Money, Personal, TenantId, Timestamp, TxnId};

use super::{IssuedReceipts, Registers, Registration};
use crate::{PayerDetails, Payment, Receipts};

type Check = Box<dyn Fn(Books) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A database that keeps registers while they are closed.
#[async_trait]
pub trait Database: Send + Sync {
    /// Opens its registers, once for each replica that works on them; at least once. Registers opened before
    /// are closed by then.
    ///
    /// # Panics
    /// When they cannot be opened.
    async fn open(&self) -> Vec<Arc<dyn Registers>>;
}

/// One promise of registers, with the check that tries to break it.
pub struct Promise {
    /// The promise in words, usable as the name of a test.
    pub name: &'static str,
    check: Check,
}

impl Promise {
    /// The promise checked by a function, under the function's name.
    fn of<C, F>(check: C) -> Promise
    where
        C: Fn(Books) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let path = std::any::type_name::<C>();
        Promise {
            name: path.rsplit("::").next().unwrap_or(path),
            check: Box::new(move |books| Box::pin(check(books))),
        }
    }

    /// Checks it in a database that holds nothing.
    ///
    /// # Panics
    /// When the promise is broken.
    pub async fn check(&self, database: Arc<dyn Database>) {
        (self.check)(Books::open(database).await).await;
    }
}

pub fn promises() -> Vec<Promise> {
    vec![
        Promise::of(numbers_are_given_once_and_grow_after_a_restart),
        Promise::of(a_payment_gets_a_receipt_for_each_of_its_bills_and_keeps_them),
        Promise::of(a_payment_in_any_currency_gets_its_receipts),
        Promise::of(a_bill_that_was_paid_is_refused_whole_and_takes_no_number),
        Promise::of(of_registrations_at_once_one_pays_the_bill),
        Promise::of(cancelled_receipts_stay_known_and_free_their_bills),
        Promise::of(of_cancellations_at_once_one_counts),
        Promise::of(several_parts_of_one_bill_get_one_receipt),
        Promise::of(a_payer_is_found_again_by_name_and_number),
        Promise::of(a_payer_requested_concurrently_gets_one_id),
    ]
}

/// The registers of one database. Its replicas answer calls in turn.
struct Books {
    replicas: Vec<Arc<dyn Registers>>,
    asked: AtomicUsize,
    database: Arc<dyn Database>,
}

impl Books {
    async fn open(database: Arc<dyn Database>) -> Books {
        Books { replicas: database.open().await, asked: AtomicUsize::new(0), database }
    }

    async fn reopen(&mut self) {
        self.replicas.clear();
        self.replicas = self.database.open().await;
    }

    fn registers(&self) -> &dyn Registers {
        &*self.replicas[self.asked.fetch_add(1, Ordering::Relaxed) % self.replicas.len()]
    }

    async fn register(&self, number: &TxnId, bills: &[(&str, i64)]) -> Registration {
        self.registers().register_payment(&payment(bills), number, at(5), receipt_number).await.unwrap()
    }
}

/// The tenant of all bills that name no other.
const TENANT: &str = "pb.amritsar";

/// So many milliseconds after the moment at which the checks begin.
fn at(offset_ms: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + offset_ms)
}

fn txn_id(id: &str) -> TxnId {
    TxnId::new(id).unwrap()
}

fn bill_key(bill: &str) -> BillKey {
    BillKey { tenant: TenantId::new(TENANT).unwrap(), bill: BillId::new(bill).unwrap() }
}

fn receipt_number(number: u64, now: Timestamp) -> String {
    format!("R/{}/{number}", now.as_millis() - at(0).as_millis())
}

fn payment(bills: &[(&str, i64)]) -> Payment {
    payment_in(Currency::INR, bills)
}

/// So many minor units of a currency towards each of these bills.
fn payment_in(currency: Currency, bills: &[(&str, i64)]) -> Payment {
    let amount = |minor| Money::from_minor(minor, currency).unwrap();
    Payment {
        tenant_id: TenantId::new(TENANT).unwrap(),
        transaction_number: None,
        total: amount(bills.iter().map(|(_, minor)| minor).sum()),
        bills: bills.iter().map(|(bill, minor)| (BillId::new(*bill).unwrap(), amount(*minor))).collect(),
        payer_name: Personal::new("Asha Rani"),
        payer_mobile: Personal::new("9876543210"),
        paid_at: at(1),
        additional_details: serde_json::Map::new(),
    }
}

fn receipts(numbers: &[&str]) -> Receipts {
    Receipts(numbers.iter().map(|number| (*number).to_owned()).collect())
}

fn valid(numbers: &[&str]) -> IssuedReceipts {
    IssuedReceipts { receipts: receipts(numbers), cancelled: false }
}

fn details(name: &str, mobile: &str) -> PayerDetails {
    PayerDetails {
        name: Personal::new(name),
        mobile_number: Personal::new(mobile),
        email_id: None,
        user_name: None,
        uuid: None,
        tenant_id: TenantId::new(TENANT).unwrap(),
    }
}

async fn numbers_are_given_once_and_grow_after_a_restart(mut books: Books) {
    let calls = (1..=60_u32).map(|nth| {
        let count = nth % 4 + 1;
        let taken = books.registers().take_numbers("ids", count);
        async move { (taken.await.unwrap(), u64::from(count)) }
    });
    let mut given = BTreeSet::new();
    let mut total = 0;
    for (first, count) in join_all(calls).await {
        total += count;
        assert!((first..first + count).all(|number| given.insert(number)), "a number was given twice");
    }
    assert_eq!((given.first(), given.last()), (Some(&1), Some(&total)), "from 1, without a gap");
    books.reopen().await;
    assert_eq!(books.registers().take_numbers("ids", 10).await.unwrap(), total + 1);
    assert_eq!(books.registers().take_numbers("ids", 1).await.unwrap(), total + 11);
    assert_eq!(books.registers().take_numbers("others", 1).await.unwrap(), 1, "sequences are apart");
    assert!(books.registers().take_numbers("ids", 0).await.is_err());
}

async fn a_payment_gets_a_receipt_for_each_of_its_bills_and_keeps_them(mut books: Books) {
    let (first, second) = (txn_id("T1"), txn_id("T2"));
    assert_eq!(books.registers().receipts(&first).await.unwrap(), None);
    let registered = books.register(&first, &[("B2", 100), ("B1", 200)]).await;
    assert_eq!(registered, Registration::Registered(receipts(&["R/5/1", "R/5/2"])));
    let registered = books.register(&second, &[("B3", 1)]).await;
    assert_eq!(registered, Registration::Registered(receipts(&["R/5/3"])));
    books.reopen().await;
    assert_eq!(books.registers().receipts(&first).await.unwrap(), Some(valid(&["R/5/1", "R/5/2"])));
    assert_eq!(books.registers().receipts(&second).await.unwrap(), Some(valid(&["R/5/3"])));
    let asked = ["B4", "B3", "B1"].map(bill_key);
    assert_eq!(books.registers().paid_bills(&asked).await.unwrap(), ["B3", "B1"].map(bill_key));
    let elsewhere = BillKey { tenant: TenantId::new("pb").unwrap(), ..bill_key("B1") };
    assert_eq!(books.registers().paid_bills(&[elsewhere]).await.unwrap(), []);
}

async fn a_payment_in_any_currency_gets_its_receipts(books: Books) {
    for (id, bill, expected) in [("USD", "B1", "R/5/1"), ("JPY", "B2", "R/5/2"), ("INR", "B3", "R/5/3")] {
        let payment = payment_in(Currency::from_code(id).unwrap(), &[(bill, 100), (bill, 50)]);
        let registered =
            books.registers().register_payment(&payment, &txn_id(id), at(5), receipt_number).await.unwrap();
        assert_eq!(registered, Registration::Registered(receipts(&[expected])));
    }
    // A bill is paid once, in any currency.
    let again = payment_in(Currency::INR, &[("B1", 100)]);
    let refused =
        books.registers().register_payment(&again, &txn_id("T4"), at(5), receipt_number).await.unwrap();
    assert_eq!(refused, Registration::AlreadyPaid(bill_key("B1")));
}

async fn a_bill_that_was_paid_is_refused_whole_and_takes_no_number(books: Books) {
    books.register(&txn_id("T1"), &[("B1", 100)]).await;
    for number in ["T1", "T2"] {
        let refused = books.register(&txn_id(number), &[("B1", 100)]).await;
        assert_eq!(refused, Registration::AlreadyPaid(bill_key("B1")), "a repetition is not recognised");
    }
    let refused = books.register(&txn_id("T2"), &[("B0", 1), ("B1", 100)]).await;
    assert_eq!(refused, Registration::AlreadyPaid(bill_key("B1")));
    assert_eq!(books.registers().receipts(&txn_id("T2")).await.unwrap(), None);
    assert_eq!(books.registers().paid_bills(&[bill_key("B0")]).await.unwrap(), []);
    let next = books.register(&txn_id("T3"), &[("B0", 1)]).await;
    assert_eq!(next, Registration::Registered(receipts(&["R/5/2"])));
}

async fn of_registrations_at_once_one_pays_the_bill(books: Books) {
    let numbers: Vec<TxnId> = (0..100).map(|nth| txn_id(&format!("T{nth}"))).collect();
    let outcomes = join_all(numbers.iter().map(|number| books.register(number, &[("B1", 100)]))).await;
    let registered = outcomes.iter().filter(|outcome| matches!(outcome, Registration::Registered(_))).count();
    assert_eq!(registered, 1);
    let mut receipts = 0;
    for number in &numbers {
        receipts += usize::from(books.registers().receipts(number).await.unwrap().is_some());
    }
    assert_eq!(receipts, 1);
}

async fn cancelled_receipts_stay_known_and_free_their_bills(mut books: Books) {
    let (first, second) = (txn_id("T1"), txn_id("T2"));
    assert!(!books.registers().cancel_receipts(&first, "refund", at(6)).await.unwrap(), "there are none");
    books.register(&first, &[("B2", 100), ("B1", 200)]).await;
    books.register(&second, &[("B3", 1)]).await;
    assert!(books.registers().cancel_receipts(&first, "refund ਵਾਪਸੀ", at(6)).await.unwrap());
    assert!(!books.registers().cancel_receipts(&first, "again", at(7)).await.unwrap());
    books.reopen().await;
    let cancelled = |numbers| IssuedReceipts { cancelled: true, ..valid(numbers) };
    let of_first = Some(cancelled(&["R/5/1", "R/5/2"]));
    assert_eq!(books.registers().receipts(&first).await.unwrap(), of_first);
    assert_eq!(books.registers().receipts(&second).await.unwrap(), Some(valid(&["R/5/3"])));
    let asked = ["B1", "B2", "B3"].map(bill_key);
    assert_eq!(books.registers().paid_bills(&asked).await.unwrap(), [bill_key("B3")]);

    let third = txn_id("T3");
    let registered = books.register(&third, &[("B1", 200)]).await;
    assert_eq!(registered, Registration::Registered(receipts(&["R/5/4"])), "a number is given once");
    assert_eq!(books.registers().receipts(&first).await.unwrap(), of_first);
    assert!(books.registers().cancel_receipts(&third, "refund", at(8)).await.unwrap());
    assert_eq!(books.registers().receipts(&third).await.unwrap(), Some(cancelled(&["R/5/4"])));
}

async fn of_cancellations_at_once_one_counts(books: Books) {
    let number = txn_id("T1");
    books.register(&number, &[("B1", 100), ("B2", 1)]).await;
    let calls = (0..20).map(|_| books.registers().cancel_receipts(&number, "refund", at(6)));
    let cancelled = join_all(calls).await.into_iter().filter(|done| matches!(done, Ok(true))).count();
    assert_eq!(cancelled, 1);
}

async fn several_parts_of_one_bill_get_one_receipt(books: Books) {
    let registered = books.register(&txn_id("T1"), &[("B1", 100), ("B2", 1), ("B1", 50)]).await;
    assert_eq!(registered, Registration::Registered(receipts(&["R/5/1", "R/5/2"])));
}

async fn a_payer_is_found_again_by_name_and_number(mut books: Books) {
    let mut asha = details("Asha Rani", "9876543210");
    asha.email_id = Some(Personal::new("asha@example.org"));
    let first = books.registers().payer("pb", &asha, "uuid-1", at(0)).await.unwrap();
    assert_eq!(first.uuid, "uuid-1");
    assert_eq!(first.user_name.expose(), "9876543210", "the mobile number unless another is given");
    assert_eq!(first.email_id, Some(Personal::new("asha@example.org")));
    books.reopen().await;
    let again =
        books.registers().payer("pb", &details("Asha Rani", "9876543210"), "uuid-2", at(9)).await.unwrap();
    assert_eq!(again, first);

    let mut named = details("Asha Devi", "9876543210");
    named.user_name = Some(Personal::new("asha"));
    let named = books.registers().payer("pb", &named, "uuid-3", at(0)).await.unwrap();
    assert_eq!((named.uuid.as_str(), named.user_name.expose()), ("uuid-3", "asha"));
    let elsewhere = books.registers().payer("uk", &asha, "uuid-4", at(0)).await.unwrap();
    assert_eq!(elsewhere.uuid, "uuid-4", "states have directories of their own");
}

async fn a_payer_requested_concurrently_gets_one_id(books: Books) {
    let asha = details("Asha Rani", "9876543210");
    let uuids: Vec<String> = (0..100).map(|nth| format!("uuid-{nth}")).collect();
    let calls = uuids.iter().map(|uuid| books.registers().payer("pb", &asha, uuid, at(0)));
    let given: BTreeSet<String> =
        join_all(calls).await.into_iter().map(|payer| payer.unwrap().uuid).collect();
    assert_eq!(given.len(), 1);
}
