//! JSON answers, read leniently in form and exactly in value.
//!
//! Gateways write the same member as a number or as text, and amounts as numbers with decimals.
//! Members are kept as the text they came in, so that no amount passes through a float.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A JSON object whose members are read one by one. An unreadable member reads as missing.
#[derive(Debug, Clone)]
pub struct Object(BTreeMap<String, Box<RawValue>>);

impl Object {
    /// Reads a text that is one JSON object; `None` when it is anything else.
    pub fn parse(body: &[u8]) -> Option<Object> {
        serde_json::from_slice(body).ok().map(Object)
    }

    /// A member that is a non-empty text, or a number or truth value in the digits or letters it
    /// came in; `None` when it is missing, null, empty, or an object or list.
    pub fn text(&self, name: &str) -> Option<String> {
        let raw = self.0.get(name)?.get();
        let text = match raw.as_bytes().first()? {
            b'"' => serde_json::from_str(raw).ok()?,
            b'n' | b'{' | b'[' => return None,
            _ => raw.to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// A member that is an object itself.
    pub fn object(&self, name: &str) -> Option<Object> {
        Object::parse(self.0.get(name)?.get().as_bytes())
    }

    /// The members of a list of objects; other members are left out. `None` when the member is not a list.
    pub fn objects(&self, name: &str) -> Option<Vec<Object>> {
        let items: Vec<Box<RawValue>> = serde_json::from_str(self.0.get(name)?.get()).ok()?;
        Some(items.iter().filter_map(|item| Object::parse(item.get().as_bytes())).collect())
    }

    /// The members of a list of nothing but objects. `None` when the member is anything else.
    pub fn list(&self, name: &str) -> Option<Vec<Object>> {
        let items: Vec<Box<RawValue>> = serde_json::from_str(self.0.get(name)?.get()).ok()?;
        items.iter().map(|item| Object::parse(item.get().as_bytes())).collect()
    }

    /// The exact text of a member's value, as it came, for signatures that cover it.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get())
    }

    /// The names of the members, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits() {
        let object =
            Object::parse(br#"{"amt":19.10,"big":100000000000000000000.01,"t":"x","n":null,"o":{"a":1}}"#);
        let object = object.unwrap();
        assert_eq!(object.text("amt").as_deref(), Some("19.10"));
        assert_eq!(object.text("big").as_deref(), Some("100000000000000000000.01"));
        assert_eq!(object.text("t").as_deref(), Some("x"));
        assert_eq!(object.text("n"), None);
        assert_eq!(object.text("o"), None);
        assert_eq!(object.object("o").unwrap().text("a").as_deref(), Some("1"));
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        let object = Object::parse(deep.as_bytes());
        assert!(object.is_none_or(|object| object.text("a").is_none()));
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for body in ["", "null", "[]", "1", "{", "{}x", "<html>"] {
            assert!(Object::parse(body.as_bytes()).is_none(), "{body}");
        }
    }
}
