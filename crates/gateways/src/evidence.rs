//! The evidence kept of a gateway's answer: named members only, each within bounds.
//!
//! Answers carry signatures, card hints, names, e-mail addresses and numbers beside what an operator needs.
//! Members are kept by name, so that members a gateway adds later are left out.

use serde_json::{Map, Value};

use crate::json::Object;
use crate::text::cut;

/// The longest value kept of one member, in characters.
const MAX_CHARS: usize = 512;

/// The pairs whose name is listed, in their own letter case.
pub fn of_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, names: &[&str]) -> Value {
    let kept = pairs
        .into_iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, value)| (name.to_owned(), Value::from(cut(value, MAX_CHARS))));
    Value::Object(Map::from_iter(kept))
}

/// An object's plain members whose name is listed, as text.
pub fn of_object(object: &Object, names: &[&str]) -> Value {
    let kept = names.iter().filter_map(|name| {
        let text = object.text(name)?;
        Some(((*name).to_owned(), Value::from(cut(&text, MAX_CHARS))))
    });
    Value::Object(Map::from_iter(kept))
}
