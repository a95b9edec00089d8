//! Form and query encoding, both ways.

use std::collections::BTreeMap;

/// Names and values as an `application/x-www-form-urlencoded` body: a space is `+`, a plus `%2B`.
pub fn encode<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
        .finish()
}

/// Names and values as a URL's query: a space is `%20`, which every reader takes for a space, and a
/// plus `%2B`, so that no reader takes it for one.
pub fn encode_query<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> String {
    // Every literal plus is `%2B` by now; the others mean a space.
    encode(fields).replace('+', "%20")
}

/// The URL with names and values in its query, behind those that are there.
pub fn in_query<N: AsRef<str>, V: AsRef<str>>(url: &str, fields: &[(N, V)]) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{}", encode_query(fields))
}

/// Decodes a form body or query; bytes that are not UTF-8 become U+FFFD.
pub fn decode(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The pairs as a map; `None` when a name occurs twice: its value is ambiguous.
pub fn unique<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<BTreeMap<&'a str, &'a str>> {
    let mut members = BTreeMap::new();
    for (name, value) in pairs {
        if members.insert(name, value).is_some() {
            return None;
        }
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plus_is_never_read_as_a_space() {
        let fields = [("a", "p+q r&s=%")];
        assert_eq!(encode(&fields), "a=p%2Bq+r%26s%3D%25");
        assert_eq!(encode_query(&fields), "a=p%2Bq%20r%26s%3D%25");
    }

    #[test]
    fn a_name_that_occurs_twice_has_no_value() {
        assert_eq!(unique([("a", "1"), ("b", "2"), ("a", "3")]), None);
        assert_eq!(unique([("a", "1"), ("b", "2")]).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn encoding_round_trips(fields: Vec<(String, String)>) {
            prop_assert_eq!(decode(encode(&fields).as_bytes()), fields.clone());
            prop_assert_eq!(decode(encode_query(&fields).as_bytes()), fields);
        }

        #[test]
        fn no_bytes_panic(body: Vec<u8>) {
            decode(&body);
        }
    }
}
