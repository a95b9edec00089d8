//! An entry for people and programs.

use payment_domain::Personal;
use payment_store::StoredEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::view::PersonalData;

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryView {
    pub number: i64,
    /// The hashed text, read as JSON. Personal values are in it as salted hashes.
    #[schema(value_type = Object)]
    pub entry: Value,
    /// The very text that was hashed.
    pub text: String,
    /// SHA-256 of 0x00, 0x01, the text and the hash of the entry before, in hex.
    pub hash: String,
    /// The personal values, masked unless they are revealed; null where they were redacted.
    #[schema(value_type = Object)]
    pub personal: Value,
}

impl AuditEntryView {
    pub fn of(stored: StoredEntry, personal: PersonalData) -> AuditEntryView {
        let show = |value: &Personal| match personal {
            PersonalData::Shown => value.expose().to_owned(),
            PersonalData::Masked => value.masked(),
        };
        let values = stored.personal.iter().map(|personal| {
            let value = personal.value.as_ref().map(|salted| show(&salted.value));
            (personal.field.clone(), Value::from(value))
        });
        AuditEntryView {
            number: stored.number,
            entry: serde_json::from_str(&stored.entry).unwrap_or(Value::Null),
            hash: hex::encode(stored.hash),
            personal: Value::Object(values.collect()),
            text: stored.entry,
        }
    }
}
