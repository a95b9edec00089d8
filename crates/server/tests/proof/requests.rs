//! Requests of clients.

use serde_json::{Value, json};

use super::random::Random;

/// The payment of one bill, in paise.
const EACH: u64 = 7525;

/// The number of citizens.
const CITIZENS: u64 = 40;

/// A payment to be created.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) bills: Vec<String>,
    free: bool,
    citizen: u64,
}

impl Wanted {
    /// Of these bills; sometimes there is nothing to pay.
    pub(crate) fn new(bills: Vec<String>, random: &mut Random) -> Wanted {
        Wanted { bills, free: random.percent(5), citizen: random.below(CITIZENS) }
    }

    /// The body of a create.
    pub(crate) fn create(&self) -> Value {
        let rupees = |paise: u64| format!("{}.{:02}", paise / 100, paise % 100);
        let each = if self.free { "0".to_owned() } else { rupees(EACH) };
        let count = u64::try_from(self.bills.len()).unwrap();
        let total = if self.free { "0".to_owned() } else { rupees(EACH * count) };
        let payments: Vec<Value> =
            self.bills.iter().map(|bill| json!({ "amountPaid": each, "billId": bill })).collect();
        let (name, mobile) = (format!("Load Test {}", self.citizen), self.mobile());
        json!({
            "RequestInfo": self.info(),
            "Transaction": { "tenantId": "pb.amritsar", "txnAmount": total, "billId": self.bills[0],
                "consumerCode": "C-1", "taxAndPayments": payments, "productInfo": "Property tax",
                "gateway": "SANDBOX", "callbackUrl": "http://127.0.0.1:1/done",
                "user": { "name": name, "mobileNumber": mobile, "tenantId": "pb" } },
        })
    }

    /// The body of a search by creator.
    pub(crate) fn search(&self) -> Value {
        json!({ "RequestInfo": self.info() })
    }

    fn info(&self) -> Value {
        let (uuid, mobile) = (format!("citizen-{}", self.citizen), self.mobile());
        json!({ "userInfo": { "uuid": uuid, "userName": mobile, "name": "Load Test", "type": "CITIZEN",
            "mobileNumber": mobile, "tenantId": "pb" } })
    }

    fn mobile(&self) -> String {
        format!("99999{:05}", self.citizen)
    }
}
