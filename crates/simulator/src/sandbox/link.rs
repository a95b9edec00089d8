//! The pay link: an order as the merchant signed it into a URL.

use std::collections::HashMap;

use url::Url;

use super::order::Terms;
use super::signature::{Purpose, is_signed};
use crate::money::Currency;

/// The longest query that is looked at, in bytes.
const MAX_QUERY_BYTES: usize = 32 * 1024;
/// The largest amount of an order, in minor units.
const MAX_PAISE: i64 = 999_999_999_999_999;

/// The signed fields of a link, in the order they are signed, each with its greatest length in
/// characters.
const FIELDS: [(&str, usize); 10] = [
    ("merchant", 64),
    ("order", 128),
    ("amount_paise", 15),
    ("currency", 3),
    ("description", 512),
    ("bill", 128),
    ("payee", 128),
    ("return_url", 2048),
    ("notify_url", 2048),
    ("expires", 15),
];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLink {
    /// A field is missing, too long, repeated or invalid.
    #[error("The link's “{0}” is missing or cannot be used.")]
    Field(&'static str),
    /// The link is too long to be one of ours.
    #[error("The link is too long.")]
    TooLong,
    /// The signature does not fit: the link was changed on its way, or is not the merchant's.
    #[error("The link's signature is wrong.")]
    Forged,
}

/// Decodes a query. A name that occurs twice is left out as ambiguous.
pub(super) fn decode(query: &str) -> HashMap<String, String> {
    let mut pairs = HashMap::new();
    let mut twice = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if pairs.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            twice.push(name.into_owned());
        }
    }
    for name in twice {
        pairs.remove(&name);
    }
    pairs
}

/// Reads the query of a pay link. The signature is checked before any value is used.
pub(super) fn read(query: &str, merchant: &str, secret: &[u8]) -> Result<Terms, BadLink> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(BadLink::TooLong);
    }
    let pairs = decode(query);
    let mut fields = Vec::with_capacity(FIELDS.len());
    for (name, max_chars) in FIELDS {
        match pairs.get(name) {
            Some(value) if value.chars().count() <= max_chars => fields.push((name, value.as_str())),
            Some(_) | None => return Err(BadLink::Field(name)),
        }
    }
    let signature = pairs.get("signature").ok_or(BadLink::Field("signature"))?;
    let text = |name| fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| *value);
    if !is_signed(secret, Purpose::Pay, &fields, signature) || text("merchant") != merchant {
        return Err(BadLink::Forged);
    }
    let order = text("order");
    if order.is_empty() || order.chars().any(char::is_control) {
        return Err(BadLink::Field("order"));
    }
    let currency = Currency::from_code(text("currency")).ok_or(BadLink::Field("currency"))?;
    let amount_paise = digits(text("amount_paise")).filter(|paise| (1..=MAX_PAISE).contains(paise));
    Ok(Terms {
        order: order.to_owned(),
        amount_paise: amount_paise.ok_or(BadLink::Field("amount_paise"))?,
        currency,
        description: text("description").to_owned(),
        bill: text("bill").to_owned(),
        payee: text("payee").to_owned(),
        return_url: web_address(text("return_url")).ok_or(BadLink::Field("return_url"))?,
        notify_url: match text("notify_url") {
            "" => String::new(),
            url => web_address(url).ok_or(BadLink::Field("notify_url"))?,
        },
        expires_ms: digits(text("expires")).ok_or(BadLink::Field("expires"))?,
    })
}

/// A whole number in decimal digits and nothing else.
fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// An absolute http(s) URL without credentials, as it was given.
fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let usable = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    usable.then(|| text.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::signature::sign;

    /// A signed link's query with some fields replaced.
    pub(crate) fn query(changes: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("merchant", "CITY"),
            ("order", "PB_PG_2026_11_22_000001_14"),
            ("amount_paise", "12345600"),
            ("currency", "INR"),
            ("description", "Property tax 2026-27"),
            ("bill", "BILL-7"),
            ("payee", "pb.amritsar"),
            ("return_url", "http://service.example/back?eg_pg_txnid=T1"),
            ("notify_url", "http://service.example/notify"),
            ("expires", "1795342200000"),
        ];
        for field in &mut fields {
            if let Some((_, value)) = changes.iter().find(|(name, _)| *name == field.0) {
                field.1 = value;
            }
        }
        let signature = sign(b"secret", Purpose::Pay, &fields);
        fields.push(("signature", &signature));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }

    fn read(query: &str) -> Result<Terms, BadLink> {
        super::read(query, "CITY", b"secret")
    }

    #[test]
    fn a_signed_link_is_read_with_any_texts() {
        let awkward = "नगर & Söhne += \"'<b>\n%26";
        let terms = read(&query(&[("description", awkward), ("payee", awkward)])).unwrap();
        assert_eq!((terms.description.as_str(), terms.amount_paise), (awkward, 12_345_600));
        assert!(read(&query(&[("description", &"ਪ".repeat(512))])).is_ok());
    }

    #[test]
    fn a_link_may_name_no_address_to_report_to() {
        assert_eq!(read(&query(&[("notify_url", "")])).unwrap().notify_url, "");
    }

    #[test]
    fn a_link_that_was_changed_is_forged() {
        let query = query(&[]);
        for (from, to) in
            [("12345600", "100"), ("BILL-7", "BILL-8"), ("service.example", "evil.example"), ("CITY", "TOWN")]
        {
            assert_eq!(read(&query.replace(from, to)), Err(BadLink::Forged), "{from}");
        }
        assert_eq!(super::read(&query, "CITY", b"other"), Err(BadLink::Forged));
        assert_eq!(super::read(&query, "TOWN", b"secret"), Err(BadLink::Forged));
    }

    #[test]
    fn a_field_that_cannot_be_used_is_named() {
        for (name, value) in [
            ("order", ""),
            ("order", "a\nb"),
            ("amount_paise", "0"),
            ("amount_paise", "-5"),
            ("amount_paise", "1.5"),
            ("amount_paise", "+5"),
            ("currency", "KWD"),
            ("currency", "XXZ"),
            ("return_url", "javascript:alert(1)"),
            ("return_url", "/relative"),
            ("notify_url", "ftp://x/"),
            ("notify_url", "http://user:pass@x/"),
            ("expires", "soon"),
        ] {
            assert_eq!(read(&query(&[(name, value)])), Err(BadLink::Field(name)), "{value}");
        }
        assert_eq!(read(&query(&[("description", &"x".repeat(513))])), Err(BadLink::Field("description")));
        assert_eq!(read(&query(&[]).replace("&signature", "&x")), Err(BadLink::Field("signature")));
        assert_eq!(read(&format!("{}&amount_paise=1", query(&[]))), Err(BadLink::Field("amount_paise")));
        assert_eq!(read(&"x".repeat(MAX_QUERY_BYTES + 1)), Err(BadLink::TooLong));
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "\\PC{0,200}") {
            prop_assert!(read(&query).is_err());
        }
    }
}
