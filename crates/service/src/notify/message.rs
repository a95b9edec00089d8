//! The words of a text message, and its payment link.

use std::borrow::Cow;
use std::time::Duration;

use payment_digit::DigitError;
use payment_domain::{Currency, RequestInfo, TenantId, Transaction};
use url::Url;

use super::{Notifications, Subject};

/// The number of attempts at the billing service.
const BILLING_TRIES: u32 = 3;

const BILLING_PAUSE: Duration = Duration::from_millis(250);

/// A link to the page on which a bill is paid, with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLink(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payment link must be an absolute http or https URL")]
pub struct InvalidPaymentLink;

impl PaymentLink {
    /// The page of DIGIT's web client.
    pub const DEFAULT_PATH: &str = "citizen/withoutAuth/egov-common/pay?consumerCode=$consumerCode\
        &tenantId=$tenantId&businessService=$businessService";

    /// The link below `base` (`https://city.example/`), with `$consumerCode`, `$tenantId` and
    /// `$businessService` filled in `path`.
    ///
    /// # Errors
    /// [`InvalidPaymentLink`] when that is no absolute http(s) URL.
    pub fn new(base: &str, path: &str) -> Result<PaymentLink, InvalidPaymentLink> {
        let (base, path) = (base.trim(), path.trim().trim_start_matches('/'));
        let link = format!("{}/{path}", base.trim_end_matches('/'));
        if is_web_url(base) && is_web_url(&link) { Ok(PaymentLink(link)) } else { Err(InvalidPaymentLink) }
    }

    fn fill(&self, consumer_code: &str, tenant: &TenantId, business_service: &str) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let values = [
            ("$consumerCode", encode(consumer_code)),
            ("$tenantId", encode(tenant.as_str())),
            ("$businessService", encode(business_service)),
        ];
        fill(&self.0, '$', &values)
    }
}

impl Notifications {
    pub(super) async fn message(&self, info: &RequestInfo, subject: &Subject<'_>, text: &str) -> String {
        let Subject { txn, amount, refund, .. } = *subject;
        const LINK: &str = "{payment link}";
        let link = match &self.settings.payment_link {
            // Billing and the shortener are called only for a text with a link.
            Some(link) if text.contains(LINK) => self.link(link, info, txn).await,
            Some(_) | None => String::new(),
        };
        let values = [
            ("{amount}", amount.labelled()),
            ("{consumerCode}", harmless(&txn.consumer_code)),
            ("{txnId}", txn.id.to_string()),
            ("{Payment failure reason}", harmless(&txn.status_message)),
            ("{refundId}", refund.map(|refund| refund.id.to_string()).unwrap_or_default()),
            (LINK, link),
        ];
        fill(&of_currency(text, amount.currency()), '{', &values)
    }

    /// Never fails: a long link is better than no message.
    async fn link(&self, link: &PaymentLink, info: &RequestInfo, txn: &Transaction) -> String {
        let business_service = self.business_service(info, txn).await;
        let long = link.fill(&txn.consumer_code, &txn.tenant_id, &business_service);
        let Some(links) = &self.ports.links else { return long };
        match links.shorten(&long).await {
            Ok(short) if is_web_url(short.trim()) => short.trim().to_owned(),
            Ok(_) => {
                self.fell_back(txn, "url_shortener", "what came back is not a link");
                long
            }
            Err(error) => {
                self.fell_back(txn, "url_shortener", &error.to_string());
                long
            }
        }
    }

    /// As billing says, or else the module that the client has named.
    async fn business_service(&self, info: &RequestInfo, txn: &Transaction) -> String {
        let otherwise = || txn.module.clone().unwrap_or_default();
        let Some(bills) = &self.ports.bills else { return otherwise() };
        // A payment of an earlier service may name no bill.
        if txn.bill_id.as_str().is_empty() {
            return otherwise();
        }
        // DIGIT's billing knows bills in rupees alone.
        if txn.amount.currency() != Currency::INR {
            return otherwise();
        }
        let mut tries = 1;
        loop {
            match bills.business_service(info, &txn.tenant_id, &txn.bill_id).await {
                Ok(Some(business_service)) => return business_service,
                Ok(None) => return otherwise(),
                Err(DigitError::NotSent { .. } | DigitError::Unanswered { .. }) if tries < BILLING_TRIES => {
                    tries += 1;
                    tokio::time::sleep(BILLING_PAUSE).await;
                }
                Err(error) => {
                    self.fell_back(txn, "billing", &error.to_string());
                    return otherwise();
                }
            }
        }
    }

    fn fell_back(&self, txn: &Transaction, service: &'static str, error: &str) {
        metrics::counter!("notification_fallbacks_total", "service" => service).increment(1);
        tracing::info!(txn_id = %txn.id, service, error, "a payment link is made without help");
    }
}

/// A text that is written for rupees, for an amount of this currency: without the word before the amount.
fn of_currency(text: &str, currency: Currency) -> Cow<'_, str> {
    const RUPEES: [&str; 8] = ["Rs. ", "Rs.", "Rs ", "INR ", "₹ ", "₹", "रु. ", "ਰੁ. "];
    if currency == Currency::INR {
        return Cow::Borrowed(text);
    }
    let without = |text: String, word| text.replace(&format!("{word}{{amount}}"), "{amount}");
    Cow::Owned(RUPEES.into_iter().fold(text.to_owned(), without))
}

fn is_web_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Replaces names, which begin with `opening`, by their values; not within the values.
fn fill(text: &str, opening: char, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(start) = rest.find(opening) {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let found = values.iter().find_map(|(name, value)| Some((from.strip_prefix(name)?, value.as_str())));
        let (behind, value) = found.unwrap_or_else(|| {
            let behind = from.strip_prefix(opening).unwrap_or_default();
            (behind, &from[..from.len() - behind.len()])
        });
        filled.push_str(value);
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// A client's text, fit for a message in our name: one line, without anything that a telephone shows as a
/// link. A client chooses both the consumer code and the number that the message goes to.
fn harmless(text: &str) -> String {
    const MAX_CHARS: usize = 128;
    let chars: Vec<char> = text.chars().take(MAX_CHARS).collect();
    let joins = |at: usize| {
        let beside = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
        beside(at.checked_sub(1)) && beside(at.checked_add(1))
    };
    let keep = |at: usize, c: char| match c {
        c if c.is_control() => false,
        '.' | '@' => !joins(at),
        ':' => chars.get(at + 1) != Some(&'/'),
        _ => true,
    };
    chars.iter().enumerate().map(|(at, &c)| if keep(at, c) { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_filled_again() {
        let values = [("{amount}", "{txnId}".to_owned()), ("{txnId}", "T1".to_owned())];
        assert_eq!(fill("{amount} {txnId} {other} {", '{', &values), "{txnId} T1 {other} {");
        assert_eq!(fill("", '{', &values), "");
        assert_eq!(fill("ਰਕਮ {amount}।", '{', &values), "ਰਕਮ {txnId}।");
    }

    #[test]
    fn a_text_for_rupees_names_no_rupees_for_another_currency() {
        let dollar = Currency::from_code("USD").unwrap();
        for (text, told) in [
            ("paid Rs. {amount}, Rs. 5", "paid {amount}, Rs. 5"),
            ("paid ₹{amount}", "paid {amount}"),
            ("paid {amount}", "paid {amount}"),
            ("ਰੁ. {amount}", "{amount}"),
        ] {
            assert_eq!(of_currency(text, dollar), told);
            assert_eq!(of_currency(text, Currency::INR), text);
        }
    }

    #[test]
    fn a_strangers_words_make_no_link() {
        for (text, told) in [
            ("PT-107-001278", "PT-107-001278"),
            ("WS/107/2020-21/000123", "WS/107/2020-21/000123"),
            ("No. 7, Main Road.", "No. 7, Main Road."),
            ("win at https://evil.example/x", "win at https //evil example/x"),
            ("www.evil.example", "www evil example"),
            ("10.0.0.1", "10 0 0 1"),
            ("me@evil.example", "me evil example"),
            ("two\nlines\r\n", "two lines  "),
        ] {
            assert_eq!(harmless(text), told);
        }
    }

    #[test]
    fn a_payment_link_is_absolute_and_its_values_are_encoded() {
        for base in ["", "city.example", "ftp://city.example", "https://"] {
            assert_eq!(PaymentLink::new(base, PaymentLink::DEFAULT_PATH), Err(InvalidPaymentLink), "{base}");
        }
        for base in ["https://city.example", "https://city.example/", " https://city.example/ "] {
            let link = PaymentLink::new(base, PaymentLink::DEFAULT_PATH).unwrap();
            assert_eq!(
                link.fill("WS/1&tenantId=x $tenantId", &TenantId::new("pb.amritsar").unwrap(), "PT"),
                "https://city.example/citizen/withoutAuth/egov-common/pay?consumerCode=WS%2F1%26tenantId\
                 %3Dx+%24tenantId&tenantId=pb.amritsar&businessService=PT"
            );
        }
    }
}
