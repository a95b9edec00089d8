use std::collections::BTreeSet;

use serde_json::Value;

use crate::ContextPath;
use crate::testing::TestApp;

fn document() -> Value {
    serde_json::to_value(super::document(&ContextPath::default())).unwrap()
}

#[test]
fn dump() {
    std::fs::write("/tmp/openapi.json", serde_json::to_string_pretty(&document()).unwrap()).unwrap();
}
