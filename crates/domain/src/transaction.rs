//! The transaction: one payer's payment of one or several bills through one gateway.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::account::AccountRef;
use crate::clock::Timestamp;
use crate::ids::{BillId, BillKey, GatewayName, TenantId, TxnId};
use crate::money::{Currency, Money};
use crate::personal::Personal;

/// The status of a transaction. SUCCESS is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The gateway has not given a definite answer.
    Pending,
    Success {
        /// The number of the receipt; `None` while the task to issue it is open.
        receipt: Option<String>,
    },
    /// Nothing was taken for this transaction, or another amount than requested.
    Failure,
}

/// A status without its data, as it is stored and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StatusName {
    Pending,
    Success,
    Failure,
}

impl StatusName {
    pub fn as_str(self) -> &'static str {
        match self {
            StatusName::Pending => "PENDING",
            StatusName::Success => "SUCCESS",
            StatusName::Failure => "FAILURE",
        }
    }

    /// The status of this name, in exactly this spelling.
    pub fn from_word(word: &str) -> Option<StatusName> {
        [StatusName::Pending, StatusName::Success, StatusName::Failure]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl Status {
    pub fn name(&self) -> StatusName {
        match self {
            Status::Pending => StatusName::Pending,
            Status::Success { .. } => StatusName::Success,
            Status::Failure => StatusName::Failure,
        }
    }
}

/// One bill of a payment and the amount paid towards it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BillPayment {
    /// The amount owed, where the client states it.
    pub tax_amount: Option<Money>,
    /// The amount paid now.
    pub amount_paid: Money,
    pub bill_id: BillId,
}

impl BillPayment {
    /// The bills of one transaction from their JSON, whose amounts are in its currency.
    ///
    /// # Errors
    /// When the text is no such JSON, or an amount is no [`Money`] of that currency.
    pub fn read_all(json: &str, currency: Currency) -> Result<Vec<BillPayment>, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored<'a> {
            #[serde(borrow, default)]
            tax_amount: Option<&'a RawValue>,
            #[serde(borrow)]
            amount_paid: &'a RawValue,
            bill_id: BillId,
        }
        let money = |json| Money::from_json(json, currency).map_err(serde::de::Error::custom);
        let stored: Vec<Stored<'_>> = serde_json::from_str(json)?;
        let read = stored.into_iter().map(|bill| {
            Ok(BillPayment {
                tax_amount: bill.tax_amount.map(money).transpose()?,
                amount_paid: money(bill.amount_paid)?,
                bill_id: bill.bill_id,
            })
        });
        read.collect()
    }
}

/// The payer in the user service's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payer {
    /// The user service's id of the payer; empty when the row was adopted without one.
    pub uuid: String,
    pub user_name: Personal,
    pub name: Personal,
    /// The mobile number, unchanged.
    pub mobile_number: Personal,
    /// The e-mail address, where there is one.
    pub email_id: Option<Personal>,
    /// The tenant the payer is registered with.
    pub tenant_id: String,
}

/// The gateway's last report, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayDetails {
    /// The gateway's number of the payment.
    pub txn_id: Option<String>,
    pub payment_mode: Option<String>,
    /// The bank's number of the payment.
    pub bank_txn_no: Option<String>,
    pub status_code: Option<String>,
    pub status_message: Option<String>,
}

/// Creator and last modifier of a row, with times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The creating user's uuid.
    pub created_by: String,
    pub created_at: Timestamp,
    /// `None` before the first change.
    pub modified_by: Option<String>,
    pub modified_at: Option<Timestamp>,
}

/// One payment, from its creation to its receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Also the order number at the gateway.
    pub id: TxnId,
    /// The tenant the bills belong to.
    pub tenant_id: TenantId,
    /// The amount due: the sum over `bills`.
    pub amount: Money,
    /// The bill the client named first; one of `bills` as a rule.
    pub bill_id: BillId,
    /// The application's module, e.g. `PT`.
    pub module: Option<String>,
    /// The application's id of the property or connection.
    pub consumer_code: String,
    /// At least one.
    pub bills: Vec<BillPayment>,
    /// A description for the payer.
    pub product_info: String,
    pub gateway: GatewayName,
    /// The merchant account it is made through; `None` where its row names none: adopted, or stored by a
    /// version without accounts.
    pub account: Option<AccountRef>,
    /// The browser's final destination: an absolute URL with this transaction's id in its `eg_pg_txnid`
    /// parameter. `None` only for rows adopted from an older database.
    pub callback_url: Option<String>,
    /// The payment page; `None` when there is nothing to pay or the gateway has not answered yet.
    pub redirect_url: Option<String>,
    pub payer: Payer,
    pub status: Status,
    /// The status as a sentence, part of the public API.
    pub status_message: String,
    pub gateway_details: GatewayDetails,
    pub audit: Audit,
    /// The client's attachment, and `taxAndPayments`. Echoed, never interpreted.
    pub additional_details: Map<String, Value>,
    /// The number of changes; 1 for the first stored state. A change names the version it is based on.
    pub version: u32,
    /// Set when the row was adopted with an unknown amount, currency or status: the transaction is shown,
    /// never settled.
    pub unknown: Option<Box<UnknownValues>>,
}

/// Unknown values of an adopted row, as stored; empty where the row holds none. The field itself is zero, or
/// [`Status::Pending`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownValues {
    /// An amount that is absent, negative, too large or no whole number of minor units, or in an unknown
    /// currency.
    pub amount: Option<String>,
    /// A code that is no [`Currency`].
    pub currency: Option<String>,
    /// A status that is no [`StatusName`].
    pub status: Option<String>,
}

/// Cloned for every row that is read: texts and lists without content allocate nothing.
static UNREAD: LazyLock<Transaction> = LazyLock::new(|| Transaction {
    id: TxnId::stored(""),
    tenant_id: TenantId::stored(""),
    amount: Money::ZERO,
    bill_id: BillId::stored(""),
    module: None,
    consumer_code: String::new(),
    bills: Vec::new(),
    product_info: String::new(),
    gateway: GatewayName::new(""),
    account: None,
    callback_url: None,
    redirect_url: None,
    payer: Payer {
        uuid: String::new(),
        user_name: Personal::default(),
        name: Personal::default(),
        mobile_number: Personal::default(),
        email_id: None,
        tenant_id: String::new(),
    },
    status: Status::Pending,
    status_message: String::new(),
    gateway_details: GatewayDetails::default(),
    audit: Audit {
        created_by: String::new(),
        created_at: Timestamp::from_millis(0),
        modified_by: None,
        modified_at: None,
    },
    additional_details: Map::new(),
    version: 1,
    unknown: None,
});

impl Transaction {
    /// A transaction of this id before its stored row is read: all else is empty.
    pub fn unread(id: TxnId) -> Transaction {
        Transaction { id, ..UNREAD.clone() }
    }

    /// The receipt number, once issued.
    pub fn receipt(&self) -> Option<&str> {
        match &self.status {
            Status::Success { receipt } => receipt.as_deref(),
            Status::Pending | Status::Failure => None,
        }
    }

    /// The amount for display, normally with the decimals of its currency; `None` where the row has none.
    pub fn amount_text(&self) -> Option<String> {
        match self.unknown.as_ref().and_then(|unknown| unknown.amount.clone()) {
            Some(stored) => Some(stored).filter(|stored| !stored.is_empty()),
            None => Some(self.amount.to_string()),
        }
    }

    /// The code of the currency for display.
    pub fn currency_code(&self) -> &str {
        let unknown = self.unknown.as_ref().and_then(|unknown| unknown.currency.as_deref());
        unknown.unwrap_or(self.amount.currency().code())
    }

    /// The status for display; `None` where the row has none.
    pub fn status_text(&self) -> Option<&str> {
        match self.unknown.as_ref().and_then(|unknown| unknown.status.as_deref()) {
            Some(stored) => Some(stored).filter(|stored| !stored.is_empty()),
            None => Some(self.status.name().as_str()),
        }
    }

    /// The reason the transaction cannot be settled, when its row has unknown values.
    pub fn unknown_values(&self) -> Option<String> {
        let unknown = self.unknown.as_ref()?;
        let said = |column: &str, stored: &Option<String>| match stored.as_deref()? {
            "" => Some(format!("no {column}")),
            stored => Some(format!("the {column} {stored:?}")),
        };
        let values = [
            said("amount", &unknown.amount),
            said("currency", &unknown.currency),
            said("status", &unknown.status),
        ];
        let values: Vec<String> = values.into_iter().flatten().collect();
        (!values.is_empty()).then(|| format!("its row was adopted with {}", values.join(" and ")))
    }

    /// The bills this transaction claims, each once: the bills paid and the bill named.
    pub fn bill_keys(&self) -> Vec<BillKey> {
        let paid = self.bills.iter().map(|payment| &payment.bill_id);
        BillKey::all_of(&self.tenant_id, paid.chain([&self.bill_id]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bills_are_read_in_the_currency_they_were_written_in(
            code in prop::sample::select(vec!["INR", "USD", "JPY"]),
            paid in prop::collection::vec((0..=9_999_999_999_999_i64, prop::option::of(0..=100_000_i64)), 0..4),
        ) {
            let currency = Currency::from_code(code).unwrap();
            let money = |minor| Money::from_minor(minor, currency).unwrap();
            let bills: Vec<BillPayment> = (0..)
                .zip(paid)
                .map(|(number, (paid, owed))| BillPayment {
                    tax_amount: owed.map(money),
                    amount_paid: money(paid),
                    bill_id: BillId::new(format!("B{number}")).unwrap(),
                })
                .collect();
            let json = serde_json::to_string(&bills).unwrap();
            prop_assert_eq!(BillPayment::read_all(&json, currency).unwrap(), bills);
        }
    }

    #[test]
    fn bills_with_more_decimals_than_their_currency_has_are_unreadable() {
        let yen = Currency::from_code("JPY").unwrap();
        let json = r#"[{"amountPaid": 1.5, "billId": "B1"}]"#;
        assert!(BillPayment::read_all(json, yen).is_err());
        assert_eq!(BillPayment::read_all(json, Currency::INR).unwrap()[0].amount_paid.minor(), 150);
    }
}
