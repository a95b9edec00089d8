//! Requests to Stripe. Pure.

use std::time::Duration;

use payment_domain::{Money, Timestamp, Transaction};
use payment_gateway::Order;
use secrecy::ExposeSecret;

use super::account::StripeAccount;
use crate::account::join;
use crate::client::{Body, Call, Method};
use crate::text::{cut, one_line};

/// The member of a session's metadata with our transaction id.
pub const TXN_ID: &str = "txnId";
/// The parameter in which the browser brings the session's id back.
pub const SESSION_PARAMETER: &str = "stripe_session_id";

const SESSIONS: &str = "checkout/sessions";
/// The longest `client_reference_id`.
const MAX_REFERENCE: usize = 200;
/// The longest product name, in characters.
const MAX_NAME: usize = 250;
/// The longest e-mail address.
const MAX_EMAIL: usize = 320;
/// The shortest and the longest life of a session, from the creation of the transaction. Stripe takes 30
/// minutes to 24 hours from the request; the rest is for the way there, and for clocks that differ.
const SHORTEST_LIFE: Duration = Duration::from_secs(35 * 60);
const LONGEST_LIFE: Duration = Duration::from_secs((24 * 60 - 10) * 60);

/// A session to be opened. The same for every repetition of an order: Stripe refuses a repeated idempotency key
/// with other parameters.
#[derive(Debug, Clone)]
pub struct Session<'a> {
    pub reference: &'a str,
    pub success_url: String,
    pub cancel_url: &'a str,
    pub email: Option<&'a str>,
    /// In seconds since the epoch.
    pub expires_at: i64,
    pub amount: Money,
    pub name: String,
    pub metadata: Vec<(&'a str, &'a str)>,
}

impl<'a> Session<'a> {
    /// The session of an order; `None` when Stripe takes no reference like its id.
    pub fn of(order: &Order<'a>) -> Option<Session<'a>> {
        let txn = order.txn;
        let id = txn.id.as_str();
        let text = one_line(&txn.product_info);
        let name = if text.is_empty() { id } else { cut(&text, MAX_NAME).trim_end() };
        (id.len() <= MAX_REFERENCE).then(|| Session {
            reference: id,
            success_url: success_url(order.return_url),
            cancel_url: order.return_url,
            email: txn.payer.email_id.as_ref().map(|email| email.expose()).filter(|email| is_email(email)),
            expires_at: expires_at(txn, order.payable_until),
            amount: txn.amount,
            name: name.to_owned(),
            metadata: vec![(TXN_ID, id), ("tenantId", txn.tenant_id.as_str())],
        })
    }

    fn fields(&self) -> Vec<(String, String)> {
        let currency = self.amount.currency().code().to_ascii_lowercase();
        let price = |member: &str| format!("line_items[0][price_data]{member}");
        let mut fields = vec![
            ("mode".to_owned(), "payment".to_owned()),
            ("success_url".to_owned(), self.success_url.clone()),
            ("cancel_url".to_owned(), self.cancel_url.to_owned()),
            ("client_reference_id".to_owned(), self.reference.to_owned()),
            ("expires_at".to_owned(), self.expires_at.to_string()),
            ("line_items[0][quantity]".to_owned(), "1".to_owned()),
            (price("[currency]"), currency),
            (price("[unit_amount]"), self.amount.minor().to_string()),
            (price("[product_data][name]"), self.name.clone()),
        ];
        fields.extend(self.email.map(|email| ("customer_email".to_owned(), email.to_owned())));
        for place in ["metadata", "payment_intent_data[metadata]"] {
            let metadata = self.metadata.iter();
            fields.extend(metadata.map(|(name, value)| (format!("{place}[{name}]"), (*value).to_owned())));
        }
        fields
    }
}

/// Opens a session. The idempotency key is the order's: repeated, it is answered with the same session.
pub fn open_call(account: &StripeAccount, session: &Session<'_>) -> Call {
    let mut call = call(account, Method::POST, SESSIONS, Body::Form(session.fields()));
    call.headers.push(("Idempotency-Key".to_owned(), session.reference.to_owned()));
    call
}

/// Asks for a session, and for its payment.
pub fn status_call(account: &StripeAccount, session: &str) -> Call {
    call(account, Method::GET, &format!("{SESSIONS}/{session}?expand[0]=payment_intent"), Body::Empty)
}

/// Closes a session. Done again it is refused, and changes nothing.
pub fn expire_call(account: &StripeAccount, session: &str) -> Call {
    call(account, Method::POST, &format!("{SESSIONS}/{session}/expire"), Body::Form(Vec::new()))
}

/// A request of the account.
pub fn call(account: &StripeAccount, method: Method, path: &str, body: Body) -> Call {
    Call {
        method,
        url: join(&account.base_url, &format!("v1/{path}")),
        headers: vec![
            ("Authorization".to_owned(), format!("Bearer {}", account.secret_key.expose_secret())),
            ("Stripe-Version".to_owned(), account.version.clone()),
        ],
        body,
    }
}

/// The return URL with the session's id, which Stripe puts in the place of the words in braces.
fn success_url(return_url: &str) -> String {
    let (url, fragment) = return_url.split_at(return_url.find('#').unwrap_or(return_url.len()));
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{SESSION_PARAMETER}={{CHECKOUT_SESSION_ID}}{fragment}")
}

/// The end of the order's life within Stripe's bounds, in seconds. Where the session is open for longer than
/// the order, the order stays pending until it expires.
fn expires_at(txn: &Transaction, payable_until: Timestamp) -> i64 {
    let created = txn.audit.created_at;
    let at = payable_until.max(created.plus(SHORTEST_LIFE)).min(created.plus(LONGEST_LIFE));
    at.as_millis().div_euclid(1_000)
}

/// Whether Stripe will not refuse a session for this address. A payer without one enters it there.
fn is_email(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte));
    let dotted = |domain: &str| {
        let labels = domain.split('.');
        let fine = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        domain.contains('.') && labels.clone().all(fine)
    };
    let local = |name: &str| !name.is_empty() && name.split('.').all(|part| !part.is_empty());
    plain
        && text.len() <= MAX_EMAIL
        && text.split_once('@').is_some_and(|(name, domain)| local(name) && dotted(domain))
}

/// The session's id in the URL of its pay page, which is kept with the transaction.
pub fn session_in(page: &str) -> Option<&str> {
    let path = page.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').find(|segment| is_session_id(segment))
}

/// Whether a text is the id of a session, which can be part of a path.
pub fn is_session_id(text: &str) -> bool {
    text.strip_prefix("cs_").is_some_and(|rest| {
        (1..=252).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sessions_id_goes_into_the_return_url_with_its_braces() {
        for (url, expected) in [
            ("https://a/b", "https://a/b?stripe_session_id={CHECKOUT_SESSION_ID}"),
            ("https://a/b?x=1", "https://a/b?x=1&stripe_session_id={CHECKOUT_SESSION_ID}"),
            ("https://a/b?x=1#/y?z", "https://a/b?x=1&stripe_session_id={CHECKOUT_SESSION_ID}#/y?z"),
            ("https://a/#/y?z", "https://a/?stripe_session_id={CHECKOUT_SESSION_ID}#/y?z"),
        ] {
            assert_eq!(success_url(url), expected);
        }
    }

    #[test]
    fn a_pay_page_names_its_session() {
        for page in [
            "https://checkout.stripe.com/c/pay/cs_test_a1B2#fidkdWxOYHwnPyd1blppbHNgWjA0",
            "https://pay.city.example/c/pay/cs_test_a1B2?locale=en#x/cs_test_other",
        ] {
            assert_eq!(session_in(page), Some("cs_test_a1B2"), "{page}");
        }
        for page in [
            "",
            "https://x/",
            "https://x/?cs_test_a",
            "https://x/#/cs_a",
            "https://x/cs_",
            "https://x/cs_a%2Fb",
        ] {
            assert_eq!(session_in(page), None, "{page}");
        }
    }

    #[test]
    fn only_an_address_that_stripe_takes_is_sent() {
        for good in ["asha@example.org", "a.b+c&x=1@mail.example.org", "a_b@x-y.in"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "asha",
            "@example.org",
            "asha@",
            "asha@example",
            "a b@x.org",
            "a@b@x.org",
            "आशा@x.org",
            "a..b@x.org",
            "a@x..org",
            "a@-x.org",
            "<a@x.org>",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_page_and_no_address_panics(text in "\\PC{0,80}") {
            let _ = is_email(&text);
            let found = session_in(&text);
            prop_assert!(found.is_none_or(|id| is_session_id(id) && !id.contains(['/', '?', '#', '%'])));
            let page = format!("https://checkout.stripe.com/c/pay/cs_live_{}#{text}", "a1");
            prop_assert_eq!(session_in(&page), Some("cs_live_a1"));
        }
    }
}
