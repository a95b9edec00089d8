//! The smaller services: numbers, bank accounts, bills, texts, short links.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::answer::{Answer, Asked, refused, text};

/// The texts that are there from the start, for every state in English.
const MESSAGES: [(&str, &str); 3] = [
    (
        "PG_NOTIFICATION_SUCCESS",
        "Dear citizen, Rs. {amount} for {consumerCode} were received, number {txnId}.",
    ),
    (
        "PG_NOTIFICATION_FAILURE",
        "Dear citizen, your payment of Rs. {amount} for {consumerCode} failed ({Payment failure reason}), number \
         {txnId}. Pay here: {payment link}",
    ),
    ("PG_NOTIFICATION_PENDING", "Dear citizen, Rs. {amount} for {consumerCode} are pending, number {txnId}."),
];

#[derive(Default)]
pub(crate) struct Masters {
    ids: u64,
    /// Of tenants that have not their one default account.
    bank_accounts: HashMap<String, Vec<String>>,
    /// Of bills whose service is not `PT`; `None` for an unknown bill.
    bill_services: HashMap<String, Option<String>>,
    /// Of bills whose consumer code is not their id.
    consumers: HashMap<String, String>,
    /// By state, locale and code.
    messages: HashMap<(String, String, String), String>,
    links: Vec<String>,
    link_places: HashMap<String, usize>,
}

impl Masters {
    pub(crate) fn set_bank_accounts(&mut self, tenant_id: &str, numbers: Vec<String>) {
        self.bank_accounts.insert(tenant_id.to_owned(), numbers);
    }

    pub(crate) fn set_bill_service(&mut self, bill_id: &str, service: Option<String>) {
        self.bill_services.insert(bill_id.to_owned(), service);
    }

    /// The service of a bill; `None` for an unknown bill.
    pub(crate) fn service_of(&self, bill_id: &str) -> Option<&str> {
        match self.bill_services.get(bill_id) {
            None => Some("PT"),
            Some(known) => known.as_deref(),
        }
    }

    /// The consumer code of a bill: its own id, unless it was set.
    pub(crate) fn consumer_of(&self, bill_id: &str) -> String {
        self.consumers.get(bill_id).map_or(bill_id, String::as_str).to_owned()
    }

    pub(crate) fn set_consumer(&mut self, bill_id: &str, consumer_code: &str) {
        self.consumers.insert(bill_id.to_owned(), consumer_code.to_owned());
    }

    pub(crate) fn set_message(&mut self, state: &str, locale: &str, code: &str, message: &str) {
        self.messages.insert((state.to_owned(), locale.to_owned(), code.to_owned()), message.to_owned());
    }

    /// The long links, in the order in which they were shortened.
    pub(crate) fn links(&self) -> &[String] {
        &self.links
    }

    pub(crate) fn generate_ids(&mut self, asked: &Asked<'_>, today: &str) -> Answer {
        let requests = asked.body["idRequests"].as_array().map(Vec::as_slice).unwrap_or_default();
        let given = requests.iter().map(|request| {
            text(request, "tenantId")?;
            let format = text(request, "format").or_else(|| text(request, "idName"))?;
            self.ids += 1;
            Some(json!({ "id": render(&format, self.ids, today) }))
        });
        match given.collect::<Option<Vec<Value>>>() {
            Some(ids) => Answer::List(ids),
            None => refused(&[("IDGEN_ERROR", "idName and tenantId are mandatory")]),
        }
    }

    pub(crate) fn bank_accounts(&self, asked: &Asked<'_>) -> Answer {
        let Some(tenant) = asked.parameter("tenantId") else {
            return refused(&[("INVALID_SEARCH", "tenantId is mandatory")]);
        };
        let account = |number: &String| json!({"accountNumber": number, "tenantId": tenant, "active": true});
        Answer::List(match self.bank_accounts.get(tenant) {
            Some(numbers) => numbers.iter().map(account).collect(),
            None => vec![account(&format!("ACC-{tenant}"))],
        })
    }

    pub(crate) fn bills(&self, asked: &Asked<'_>) -> Answer {
        let (Some(tenant), Some(bill)) = (asked.parameter("tenantId"), asked.parameter("billId")) else {
            return refused(&[("INVALID_SEARCH", "tenantId and billId are mandatory")]);
        };
        let service = self.service_of(bill);
        let shown = |service: &str| json!({"id": bill, "tenantId": tenant, "businessService": service});
        Answer::List(service.map(shown).into_iter().collect())
    }

    /// Texts of a state: a city has none of its own.
    pub(crate) fn messages(&self, asked: &Asked<'_>) -> Answer {
        let parameters = (asked.parameter("tenantId"), asked.parameter("locale"), asked.parameter("module"));
        let (Some(tenant), Some(locale), Some(module)) = parameters else {
            return refused(&[("INVALID_SEARCH", "tenantId, locale and module are mandatory")]);
        };
        if module != "egov-pg" || tenant.contains('.') {
            return Answer::List(Vec::new());
        }
        let mut texts: HashMap<&str, &str> = HashMap::new();
        if locale == "en_IN" {
            texts.extend(MESSAGES);
        }
        let own = self.messages.iter().filter(|((state, of, _), _)| state == tenant && of == locale);
        texts.extend(own.map(|((_, _, code), message)| (code.as_str(), message.as_str())));
        let shown =
            |(code, message)| json!({"code": code, "message": message, "module": module, "locale": locale});
        Answer::List(texts.into_iter().map(shown).collect())
    }

    /// A short link that begins with `base`; the same one for the same long link.
    pub(crate) fn shorten(&mut self, asked: &Asked<'_>, base: &str) -> Answer {
        let Some(long) = text(asked.body, "url") else {
            return refused(&[("URL_SHORTENING_INVALID_URL", "Please enter a valid URL")]);
        };
        let place = *self.link_places.entry(long).or_insert_with_key(|long| {
            self.links.push(long.clone());
            self.links.len()
        });
        Answer::Text(format!("{base}/s/{place}"))
    }
}

/// A number in its format: the day, the sequence with six digits, random digits that are none.
fn render(format: &str, number: u64, today: &str) -> String {
    let mut id = String::new();
    let mut rest = format;
    let mut counted = false;
    while let Some((literal, behind)) = rest.split_once('[') {
        let (placeholder, after) = behind.split_once(']').unwrap_or((behind, ""));
        id.push_str(literal);
        if placeholder.starts_with("cy:") {
            id.push_str(today);
        } else if placeholder.starts_with("SEQ_") {
            counted = true;
            id.push_str(&format!("{number:06}"));
        } else if placeholder.starts_with("d{") {
            id.push_str(&format!("{:02}", number * 37 % 100));
        }
        rest = after;
    }
    id.push_str(rest);
    if counted { id } else { format!("{id}-{number:06}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_format() {
        let format = "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]";
        assert_eq!(render(format, 72, "2018_08_06"), "PB_PG_2018_08_06_000072_64");
        assert_eq!(render("pg.txnid", 1, ""), "pg.txnid-000001");
        assert_eq!(render("[", 1, ""), "-000001");
    }
}
