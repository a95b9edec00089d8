use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use payment_domain::{AccountId, ManualClock, Outcome};
use serde_json::json;

use super::*;
use crate::conformance::sample;
use crate::{Currencies, Params, StartMode, VerifyMode};

const NOW: Timestamp = Timestamp::from_millis(1_795_343_400_000);

/// A version with a key of its own, which the provider accepts or not.
struct Keyed {
    profile: Profile,
    key: &'static str,
    is_accepted: bool,
    is_silent: bool,
    outcome: Outcome,
    /// Whether its messages are read with the key, and prove nothing.
    only_hints: bool,
    asked: AtomicUsize,
}

fn keyed(key: &'static str, is_accepted: bool) -> Arc<Keyed> {
    Arc::new(with_key(key, is_accepted))
}

fn with_key(key: &'static str, is_accepted: bool) -> Keyed {
    let fake = crate::FakeGateway::new("KEYED", StartMode::Offline);
    let profile =
        Profile { currencies: Currencies::All, verify_mode: VerifyMode::Offline, ..fake.profile().clone() };
    Keyed {
        profile,
        key,
        is_accepted,
        is_silent: false,
        outcome: Outcome::Pending,
        only_hints: false,
        asked: AtomicUsize::new(0),
    }
}

impl Keyed {
    fn report(&self) -> Report {
        Report {
            outcome: self.outcome.clone(),
            gateway_txn_id: None,
            payment_mode: None,
            bank_txn_no: None,
            returned: None,
            status_code: Some(self.key.to_owned()),
            status_message: None,
            raw: json!({}),
        }
    }
}

#[async_trait]
impl Gateway for Keyed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn closing(&self) -> Option<&dyn Closing> {
        None
    }

    fn refunding(&self) -> Option<&dyn Refunding> {
        None
    }

    async fn start(&self, _: &Order<'_>) -> Result<Redirect, GatewayError> {
        Ok(Redirect::To(format!("https://pay.example/{}", self.key)))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in(self.key)
    }

    async fn verify(&self, _: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        match answer.params.get("sign") {
            None => Ok(Evidence::Unsigned),
            Some(sign) if sign == self.key && self.only_hints => Ok(Evidence::Unsigned),
            Some(sign) if sign == self.key => Ok(Evidence::Signed(self.report())),
            Some(_) => Err(GatewayError::BadSignature),
        }
    }

    async fn status(&self, _: &Transaction) -> Result<Report, GatewayError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.is_accepted {
            true if self.is_silent => Err(GatewayError::Unanswered("timed out".into())),
            true => Ok(self.report()),
            false => Err(GatewayError::Unreadable("wrong key".to_owned())),
        }
    }
}

fn paid_with(version: u32) -> Transaction {
    let account = AccountRef::Stored { id: AccountId::new("A1").unwrap(), version };
    Transaction { account: Some(account), ..sample::transaction("T1", "1") }
}

fn versions(versions: [(u32, &Arc<Keyed>); 2], active: Option<u32>) -> Versions {
    let versions = versions.map(|(number, keyed)| (number, version(keyed, None)));
    Versions::new(BTreeMap::from(versions), active, Arc::new(ManualClock::at(NOW))).unwrap()
}

fn version(keyed: &Arc<Keyed>, verifies_until: Option<Timestamp>) -> Version {
    Version { gateway: keyed.clone(), verifies_until }
}

fn signed(sign: &str) -> Answer {
    Answer::of_params(Params::new(vec![("sign".to_owned(), sign.to_owned())]))
}

#[tokio::test]
async fn the_active_version_is_used_and_that_of_the_payment_after_a_refusal() {
    let (old, new) = (keyed("old", true), keyed("new", false));
    let both = versions([(1, &old), (2, &new)], Some(2));
    assert_eq!(both.status(&paid_with(1)).await.unwrap().status_code.as_deref(), Some("old"));
    assert_eq!((old.asked.load(Ordering::Relaxed), new.asked.load(Ordering::Relaxed)), (1, 1));
    assert!(matches!(both.status(&paid_with(2)).await, Err(GatewayError::Unreadable(_))));
    assert_eq!((old.asked.load(Ordering::Relaxed), new.asked.load(Ordering::Relaxed)), (1, 2));
    let accepted = keyed("accepted", true);
    let both = versions([(1, &old), (2, &accepted)], Some(2));
    assert_eq!(both.status(&paid_with(1)).await.unwrap().status_code.as_deref(), Some("accepted"));
    assert_eq!(old.asked.load(Ordering::Relaxed), 1, "one answer is enough");
}

#[tokio::test]
async fn a_payment_that_the_active_version_does_not_know_is_asked_about_with_its_own() {
    let of_another = Outcome::Unrecognised { code: ORDER_OF_ANOTHER_ACCOUNT.to_owned() };
    for unknown in [Outcome::NotFound, of_another] {
        let strange = Arc::new(Keyed { outcome: unknown.clone(), ..with_key("new", true) });
        let old = keyed("old", true);
        let both = versions([(1, &old), (2, &strange)], Some(2));
        assert_eq!(both.status(&paid_with(1)).await.unwrap().outcome, Outcome::Pending);
        assert_eq!(both.status(&paid_with(2)).await.unwrap().outcome, unknown);
        assert_eq!(old.asked.load(Ordering::Relaxed), 1, "about its own payment");
        let revoked = versions([(1, &keyed("old", false)), (2, &strange)], Some(2));
        assert_eq!(revoked.status(&paid_with(1)).await.unwrap().outcome, unknown);
        let silent = Arc::new(Keyed { is_silent: true, ..with_key("old", true) });
        let silent = versions([(1, &silent), (2, &strange)], Some(2)).status(&paid_with(1)).await;
        assert!(matches!(silent, Err(GatewayError::Unanswered(_))), "{silent:?}");
    }
}

#[tokio::test]
async fn a_message_that_one_version_can_read_is_a_hint_and_that_of_a_wiped_one_is_refused() {
    let reader = |key| Arc::new(Keyed { only_hints: true, ..with_key(key, true) });
    let both = versions([(1, &reader("old")), (2, &reader("new"))], Some(2));
    for (version, sign) in [(1, "old"), (1, "new"), (2, "old"), (2, "new")] {
        let verdict = both.verify(&paid_with(version), &signed(sign)).await;
        assert!(matches!(verdict, Ok(Evidence::Unsigned)), "{version} {sign}: {verdict:?}");
    }
    let wiped = both.verify(&paid_with(1), &signed("wiped")).await;
    assert!(matches!(wiped, Err(GatewayError::BadSignature)), "{wiped:?}");
}

#[tokio::test]
async fn a_signature_of_any_version_that_is_not_wiped_is_accepted_and_no_other() {
    let (old, new) = (keyed("old", true), keyed("new", true));
    let both = versions([(1, &old), (2, &new)], Some(2));
    for (version, sign) in [(1, "old"), (1, "new"), (2, "old"), (2, "new")] {
        let verdict = both.verify(&paid_with(version), &signed(sign)).await;
        assert!(matches!(verdict, Ok(Evidence::Signed(_))), "{version} {sign}");
    }
    let forged = both.verify(&paid_with(1), &signed("wiped")).await;
    assert!(matches!(forged, Err(GatewayError::BadSignature)));
    let unsigned = both.verify(&paid_with(1), &Answer::default()).await;
    assert!(matches!(unsigned, Ok(Evidence::Unsigned)));
}

#[tokio::test]
async fn a_retired_version_verifies_until_its_time_is_over_and_goes_on_asking() {
    let (old, new) = (keyed("old", true), keyed("new", false));
    let until = NOW.plus(Duration::from_secs(60));
    let clock = Arc::new(ManualClock::at(NOW));
    let both = BTreeMap::from([(1, version(&old, Some(until))), (2, version(&new, None))]);
    let both = Versions::new(both, Some(2), clock.clone()).unwrap();
    clock.advance(Duration::from_secs(60));
    for number in [1, 2] {
        let verdict = both.verify(&paid_with(number), &signed("old")).await;
        assert!(matches!(verdict, Ok(Evidence::Signed(_))), "{number}");
    }
    clock.advance(Duration::from_millis(1));
    for number in [1, 2] {
        let verdict = both.verify(&paid_with(number), &signed("old")).await;
        assert!(matches!(verdict, Err(GatewayError::BadSignature)), "{number}");
        let verdict = both.verify(&paid_with(number), &signed("new")).await;
        assert!(matches!(verdict, Ok(Evidence::Signed(_))), "{number}");
        let verdict = both.verify(&paid_with(number), &Answer::default()).await;
        assert!(matches!(verdict, Ok(Evidence::Unsigned)), "{number}");
    }
    assert_eq!(both.status(&paid_with(1)).await.unwrap().status_code.as_deref(), Some("old"));
}

#[tokio::test]
async fn an_order_is_opened_with_the_version_of_its_payment_also_when_another_is_active_by_now() {
    let (old, new) = (keyed("old", true), keyed("new", true));
    let both = versions([(1, &old), (2, &new)], Some(2));
    for (version, key) in [(1, "old"), (2, "new")] {
        let txn = paid_with(version);
        let order = Order {
            txn: &txn,
            return_url: "https://city.example",
            notify_url: None,
            payable_until: txn.audit.created_at,
            bank_account: None,
        };
        let Redirect::To(url) = both.start(&order).await.unwrap() else { panic!("a form") };
        assert!(url.ends_with(key), "{url}");
    }
}

#[test]
fn a_retired_account_asks_with_its_newest_version_and_an_empty_one_not_at_all() {
    let (old, new) = (keyed("old", true), keyed("new", true));
    let both = versions([(1, &old), (2, &new)], None);
    assert!(Arc::ptr_eq(&both.preferred.gateway, &both.versions[&2].gateway));
    assert!(Versions::new(BTreeMap::new(), None, Arc::new(ManualClock::at(NOW))).is_none());
}
