//! Reading forms and queries: bounded, and in one way only.

/// More fields than this are no form of a payment.
const MAX_FIELDS: usize = 200;

/// A form's fields, decoded, in the order they came. Every name occurs once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadForm {
    /// A name occurs twice: it is ambiguous.
    #[error("a field occurs twice")]
    Twice,
    #[error("too many fields")]
    TooMany,
}

impl Fields {
    /// Decodes a query or a form's body.
    ///
    /// # Errors
    /// A [`BadForm`].
    pub(crate) fn decode(encoded: &[u8]) -> Result<Fields, BadForm> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if fields.len() == MAX_FIELDS {
                return Err(BadForm::TooMany);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        if twice { Err(BadForm::Twice) } else { Ok(Fields(fields)) }
    }

    /// The value of a field; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These fields and those of another form; a name in both counts once if the values agree.
    ///
    /// # Errors
    /// [`BadForm::Twice`] when they do not.
    pub(crate) fn and(mut self, other: Fields) -> Result<Fields, BadForm> {
        for (name, value) in other.0 {
            match self.0.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if *known == value => {}
                Some(_) => return Err(BadForm::Twice),
                None => self.0.push((name, value)),
            }
        }
        Ok(self)
    }
}

/// Fields as a form's body, or as a query.
pub(crate) fn encode<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// An address with more parameters behind those it has.
pub(crate) fn with_parameters<'a>(url: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    let mark = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{url}{mark}{}{fragment}", encode(fields))
}

/// Whether an address is one that a browser or a webhook can be sent to.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() <= 2048
        && !text.chars().any(char::is_control)
        && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_occurs_twice_is_refused() {
        assert_eq!(Fields::decode(b"a=1&b=2&a=1"), Err(BadForm::Twice));
        assert_eq!(Fields::decode("x=1&".repeat(201).as_bytes()), Err(BadForm::TooMany));
        let fields = Fields::decode(b"a=x+y%2B&b=").unwrap();
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), ("x y+", "", ""));
    }

    #[test]
    fn query_and_body_must_not_contradict() {
        let body = Fields::decode(b"mid=M&token=t").unwrap();
        let both = body.clone().and(Fields::decode(b"mid=M&orderId=O").unwrap()).unwrap();
        assert_eq!(both.get("orderId"), "O");
        assert_eq!(body.and(Fields::decode(b"mid=N").unwrap()), Err(BadForm::Twice));
    }

    #[test]
    fn parameters_go_behind_those_that_are_there() {
        for (url, expected) in [
            ("http://x/r", "http://x/r?a=%26"),
            ("http://x/r?", "http://x/r?a=%26"),
            ("http://x/r?b=1", "http://x/r?b=1&a=%26"),
            ("http://x/r?b=1#top", "http://x/r?b=1&a=%26#top"),
        ] {
            assert_eq!(with_parameters(url, [("a", "&")]), expected);
        }
    }

    #[test]
    fn only_web_addresses_are_addresses() {
        assert!(is_address("http://localhost:8080/x?y=1"));
        for bad in ["", "javascript:alert(1)", "file:///etc/passwd", "/x", "http://", "http://x/\n"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(!is_address(&format!("http://x/{}", "y".repeat(3000))));
    }

    proptest! {
        #[test]
        fn no_form_panics(bytes: Vec<u8>) {
            let _ = Fields::decode(&bytes);
        }

        #[test]
        fn encoding_round_trips(value in "\\PC{0,40}") {
            let fields = Fields::decode(encode([("name", value.as_str())]).as_bytes()).unwrap();
            prop_assert_eq!(fields.get("name"), value);
        }
    }
}
