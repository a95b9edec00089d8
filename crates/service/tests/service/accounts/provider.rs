//! A provider with several merchants, and the adapter of their accounts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_domain::{AccountId, GatewayName, MerchantDigest, Outcome, Report, Transaction, TxnId};
use payment_gateway::{
    Answer, Closing, Evidence, FakeGateway, Gateway, GatewayError, GuardSettings, Guarded, Order, Profile,
    Redirect, Refunding, StartMode,
};
use payment_service::{AccountAdapter, AccountAdapters, AccountField, AccountProblem};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// The provider's books.
#[derive(Default)]
pub(crate) struct Provider {
    /// The merchants by the keys they sign with.
    keys: Mutex<HashMap<String, String>>,
    /// The merchants that orders were opened with.
    orders: Mutex<HashMap<TxnId, String>>,
    paid: Mutex<HashSet<TxnId>>,
}

impl Provider {
    pub(crate) fn accepts(&self, merchant: &str, key: &str) {
        self.keys.lock().unwrap().insert(key.to_owned(), merchant.to_owned());
    }

    pub(crate) fn forgets(&self, key: &str) {
        self.keys.lock().unwrap().remove(key);
    }

    pub(crate) fn merchant_of(&self, id: &TxnId) -> Option<String> {
        self.orders.lock().unwrap().get(id).cloned()
    }

    /// As if no payer had come.
    pub(crate) fn forgets_order(&self, id: &TxnId) {
        self.orders.lock().unwrap().remove(id);
    }

    pub(crate) fn pay(&self, id: &TxnId) {
        self.paid.lock().unwrap().insert(id.clone());
    }
}

/// An adapter with one key.
pub(crate) struct Keyed {
    pub(crate) provider: Arc<Provider>,
    pub(crate) profile: Profile,
    pub(crate) merchant: String,
    pub(crate) key: String,
}

impl Keyed {
    pub(crate) fn new(provider: &Arc<Provider>, merchant: &str, key: &str) -> Keyed {
        let profile = FakeGateway::new("FAKE", StartMode::Offline).profile().clone();
        Keyed { provider: provider.clone(), profile, merchant: merchant.to_owned(), key: key.to_owned() }
    }

    fn report(&self, txn: &Transaction, outcome: Outcome) -> Report {
        Report {
            outcome,
            gateway_txn_id: Some(format!("P-{}", txn.id)),
            payment_mode: None,
            status_code: None,
            status_message: None,
            bank_txn_no: None,
            returned: None,
            raw: json!({ "merchant": self.merchant }),
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

    async fn start(&self, order: &Order<'_>) -> Result<Redirect, GatewayError> {
        // The browser opens the order at the provider, which knows the merchant by the key.
        let keys = self.provider.keys.lock().unwrap();
        let merchant = keys.get(&self.key).cloned().unwrap_or_default();
        self.provider.orders.lock().unwrap().insert(order.txn.id.clone(), merchant);
        Ok(Redirect::To(format!("https://provider.example/{}", order.txn.id)))
    }

    fn names(&self, answer: &Answer) -> Option<TxnId> {
        answer.transaction_in("fakeOrderId")
    }

    async fn verify(&self, txn: &Transaction, answer: &Answer) -> Result<Evidence, GatewayError> {
        match answer.params.get("sign") {
            None => Ok(Evidence::Unsigned),
            Some(sign) if sign == self.key => {
                Ok(Evidence::Signed(self.report(txn, Outcome::Paid { amount: Some(txn.amount) })))
            }
            Some(_) => Err(GatewayError::BadSignature),
        }
    }

    async fn status(&self, txn: &Transaction) -> Result<Report, GatewayError> {
        let merchant = self.provider.keys.lock().unwrap().get(&self.key).cloned();
        if merchant.as_ref() != Some(&self.merchant) {
            return Err(GatewayError::Unreadable("the key is wrong".to_owned()));
        }
        let outcome = match self.provider.merchant_of(&txn.id) == merchant {
            false => Outcome::NotFound,
            true if self.provider.paid.lock().unwrap().contains(&txn.id) => {
                Outcome::Paid { amount: Some(txn.amount) }
            }
            true => Outcome::Pending,
        };
        Ok(self.report(txn, outcome))
    }
}

pub(crate) struct Adapters(pub(crate) Arc<Provider>);

impl AccountAdapters for Adapters {
    fn gateways(&self) -> Vec<GatewayName> {
        vec![GatewayName::new("FAKE")]
    }

    fn fields(&self, gateway: &GatewayName) -> Option<Vec<AccountField>> {
        let field = |name: &str, secret| AccountField { name: name.to_owned(), secret, doc: "" };
        (gateway.as_str() == "FAKE").then(|| vec![field("fake.merchant", false), field("fake.key", true)])
    }

    fn adapter(
        &self,
        _: &GatewayName,
        fields: &BTreeMap<String, SecretString>,
    ) -> Result<AccountAdapter, Vec<AccountProblem>> {
        let field = |name: &str| {
            let text = fields.get(name).map(|text| text.expose_secret().to_owned());
            text.ok_or_else(|| {
                vec![AccountProblem::Field {
                    name: name.to_owned(),
                    is_set: false,
                    text: format!("{name} must be set"),
                }]
            })
        };
        let (merchant, key) = (field("fake.merchant")?, field("fake.key")?);
        Ok(AccountAdapter {
            gateway: Arc::new(Keyed::new(&self.0, &merchant, &key)),
            merchant: Some(digest(&merchant)),
        })
    }

    fn guarded(&self, account: &AccountId, gateway: Arc<dyn Gateway>) -> Arc<dyn Gateway> {
        Arc::new(Guarded::of_account(gateway, GuardSettings::default(), account.as_str()))
    }
}

/// Made-up: the bytes of the name.
pub(crate) fn digest(merchant: &str) -> MerchantDigest {
    let mut bytes = [0; 32];
    for (byte, of_name) in bytes.iter_mut().zip(merchant.bytes()) {
        *byte = of_name;
    }
    MerchantDigest::new(bytes)
}
