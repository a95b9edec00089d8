//! Payments as exports have them: a page in one piece of memory, whatever its number of payments.

use std::fmt;

use payment_domain::{Personal, Timestamp, Transaction};

const TEXTS: usize = 16;

/// A page of payments.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PaymentLines {
    text: String,
    placed: Vec<Placed>,
}

/// A payment, by the places at which its texts end.
#[derive(Clone, PartialEq, Eq)]
struct Placed {
    ends: [usize; TEXTS],
    created_at: Option<Timestamp>,
    modified_at: Option<Timestamp>,
}

/// A payment. A text that it lacks is empty.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentLine<'a> {
    pub id: &'a str,
    pub tenant_id: &'a str,
    pub status: &'a str,
    /// A decimal number, but in a row of an earlier service.
    pub amount: &'a str,
    pub currency: &'a str,
    pub module: &'a str,
    pub consumer_code: &'a str,
    pub bill_id: &'a str,
    pub gateway: &'a str,
    pub gateway_txn_id: &'a str,
    pub bank_txn_no: &'a str,
    pub payment_mode: &'a str,
    pub receipt: &'a str,
    /// Personal data, as is what follows.
    pub payer_name: &'a str,
    pub mobile_number: &'a str,
    pub email_id: &'a str,
    pub created_at: Option<Timestamp>,
    pub modified_at: Option<Timestamp>,
}

impl fmt::Debug for PaymentLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PaymentLine").field(&self.id).finish()
    }
}

impl fmt::Debug for PaymentLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PaymentLines {
    /// Without payments, with room for so many.
    pub fn with_capacity(payments: usize) -> PaymentLines {
        const BYTES_EACH: usize = 320;
        PaymentLines {
            text: String::with_capacity(payments.saturating_mul(BYTES_EACH)),
            placed: Vec::with_capacity(payments),
        }
    }

    pub fn push(&mut self, line: &PaymentLine<'_>) {
        let texts = [
            line.id,
            line.tenant_id,
            line.status,
            line.amount,
            line.currency,
            line.module,
            line.consumer_code,
            line.bill_id,
            line.gateway,
            line.gateway_txn_id,
            line.bank_txn_no,
            line.payment_mode,
            line.receipt,
            line.payer_name,
            line.mobile_number,
            line.email_id,
        ];
        let ends = texts.map(|text| {
            self.text.push_str(text);
            self.text.len()
        });
        self.placed.push(Placed { ends, created_at: line.created_at, modified_at: line.modified_at });
    }

    /// A payment that was read whole.
    pub fn push_transaction(&mut self, txn: &Transaction) {
        let amount = txn.amount_text().unwrap_or_default();
        let created_at = txn.audit.created_at;
        self.push(&PaymentLine {
            id: txn.id.as_str(),
            tenant_id: txn.tenant_id.as_str(),
            status: txn.status_text().unwrap_or_default(),
            amount: &amount,
            currency: txn.currency_code(),
            module: txn.module.as_deref().unwrap_or_default(),
            consumer_code: &txn.consumer_code,
            bill_id: txn.bill_id.as_str(),
            gateway: txn.gateway.as_str(),
            gateway_txn_id: txn.gateway_details.txn_id.as_deref().unwrap_or_default(),
            bank_txn_no: txn.gateway_details.bank_txn_no.as_deref().unwrap_or_default(),
            payment_mode: txn.gateway_details.payment_mode.as_deref().unwrap_or_default(),
            receipt: txn.receipt().unwrap_or_default(),
            payer_name: txn.payer.name.expose(),
            mobile_number: txn.payer.mobile_number.expose(),
            email_id: txn.payer.email_id.as_ref().map(Personal::expose).unwrap_or_default(),
            // Unknown in a row of an earlier service.
            created_at: Some(created_at).filter(|at| at.as_millis() != 0),
            modified_at: txn.audit.modified_at,
        });
    }

    pub fn iter(&self) -> impl Iterator<Item = PaymentLine<'_>> {
        let mut begin = 0;
        self.placed.iter().map(move |placed| {
            let [
                id,
                tenant_id,
                status,
                amount,
                currency,
                module,
                consumer_code,
                bill_id,
                gateway,
                gateway_txn_id,
                bank_txn_no,
                payment_mode,
                receipt,
                payer_name,
                mobile_number,
                email_id,
            ] = placed.ends.map(|end| {
                let text = self.text.get(begin..end).unwrap_or_default();
                begin = end;
                text
            });
            PaymentLine {
                id,
                tenant_id,
                status,
                amount,
                currency,
                module,
                consumer_code,
                bill_id,
                gateway,
                gateway_txn_id,
                bank_txn_no,
                payment_mode,
                receipt,
                payer_name,
                mobile_number,
                email_id,
                created_at: placed.created_at,
                modified_at: placed.modified_at,
            }
        })
    }

    pub fn len(&self) -> usize {
        self.placed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments_are_read_as_they_were_pushed_and_never_printed() {
        let first = PaymentLine {
            id: "T1",
            payer_name: "ਗੁਰਪ੍ਰੀਤ",
            created_at: Some(Timestamp::from_millis(5)),
            ..PaymentLine::default()
        };
        let second = PaymentLine { id: "T2", email_id: "a@b", amount: "1.00", ..PaymentLine::default() };
        let mut lines = PaymentLines::with_capacity(2);
        lines.push(&first);
        lines.push(&second);
        assert_eq!(lines.iter().collect::<Vec<_>>(), [first, second]);
        assert_eq!((lines.len(), lines.is_empty()), (2, false));
        assert_eq!(format!("{lines:?}"), "[PaymentLine(\"T1\"), PaymentLine(\"T2\")]");
    }
}
