//! The chain: entries as the bytes that are stored, and their hashes.
//!
//! `entry_hash = SHA-256(0x00 ‖ version ‖ the stored bytes ‖ previous hash)`. Only stored bytes are ever hashed,
//! never JSON that was written anew. The first entry follows 32 zero bytes.

use payment_domain::{AuditActor, AuditEntry, Personal, TenantId};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::BoxError;

/// The bytes before an entry's own where it is hashed; the second is the version of its form.
pub const BEFORE_ENTRY: &[u8] = &[0x00, 0x01];

/// The last entry of a chain, or of a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// 0 before the first entry.
    pub number: i64,
    pub hash: [u8; 32],
}

impl Link {
    /// Before the first entry.
    pub const START: Link = Link { number: 0, hash: [0; 32] };
}

/// An entry with its number, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedEntry {
    pub number: i64,
    /// JSON text. Personal values are in it as salted hashes.
    pub entry: String,
    pub hash: [u8; 32],
    pub personal: Vec<(&'static str, Salted)>,
}

/// A personal value with its salt. Without the salt its hash cannot be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salted {
    pub salt: [u8; 32],
    pub value: Personal,
}

impl Salted {
    /// With a fresh salt.
    fn new(value: &str) -> Result<Salted, BoxError> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        Ok(Salted { salt, value: Personal::new(storable(value)) })
    }

    /// The hash in the entry.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.salt).chain_update(self.value.expose()).finalize().into()
    }
}

/// The hash of an entry with these bytes behind another.
pub fn entry_hash(bytes: &[u8], previous: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(BEFORE_ENTRY).chain_update(bytes).chain_update(previous).finalize().into()
}

/// The beginning of each entry's JSON text.
pub const BEFORE_NUMBER: &str = "{\"number\":";

/// An entry that gets its number where it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnnumberedEntry {
    /// Its JSON text behind [`BEFORE_NUMBER`] and the number.
    pub behind_number: String,
    pub personal: Vec<(&'static str, Salted)>,
}

/// The texts of entries, without their numbers.
///
/// # Errors
/// When the system yields no random bytes.
pub fn unnumbered(entries: &[AuditEntry]) -> Result<Vec<UnnumberedEntry>, BoxError> {
    entries.iter().map(written).collect()
}

/// Numbers and hashes entries behind the end of a log.
///
/// # Errors
/// When the system yields no random bytes.
pub fn append(end: Link, entries: &[AuditEntry]) -> Result<Vec<ChainedEntry>, BoxError> {
    let mut end = end;
    let mut chained = Vec::with_capacity(entries.len());
    for UnnumberedEntry { behind_number, personal } in unnumbered(entries)? {
        let number = end.number.saturating_add(1);
        let entry = format!("{BEFORE_NUMBER}{number}{behind_number}");
        let hash = entry_hash(entry.as_bytes(), &end.hash);
        end = Link { number, hash };
        chained.push(ChainedEntry { number, entry, hash, personal });
    }
    Ok(chained)
}

fn written(entry: &AuditEntry) -> Result<UnnumberedEntry, BoxError> {
    let mut personal = Vec::new();
    let mut hashed = |field: &'static str, value: Option<&str>| -> Result<Value, BoxError> {
        let Some(value) = value else { return Ok(Value::Null) };
        let salted = Salted::new(value)?;
        let hash = hex::encode(salted.hash());
        personal.push((field, salted));
        Ok(Value::String(hash))
    };
    let digest = |digest: &Option<[u8; 32]>| digest.map(hex::encode);
    let actor = match &entry.actor {
        AuditActor::Principal(person) => json!({
            "kind": "principal",
            "id": storable(&person.uuid),
            "role": person.role.code(),
            "tenant": storable(person.tenant.as_str()),
            "address": hashed("address", person.address.map(|address| address.to_string()).as_deref())?,
        }),
        AuditActor::User { uuid } => json!({ "kind": "user", "id": storable(uuid) }),
        AuditActor::Operator { name, address } => json!({
            "kind": "operator",
            "id": "operator",
            "name": hashed("name", Some(name.expose()))?,
            "address": hashed("address", address.map(|address| address.to_string()).as_deref())?,
        }),
        AuditActor::Job(name) => json!({ "kind": "job", "id": name }),
        AuditActor::CommandLine { user } => json!({
            "kind": "command-line",
            "id": "command-line",
            "name": hashed("name", Some(user.expose()))?,
        }),
    };
    let fields = json!({
        "at": entry.at.as_millis(),
        "actor": actor,
        "action": entry.action.as_str(),
        "object": { "kind": entry.object_kind, "id": storable(&entry.object_id) },
        "tenant": entry.tenant.as_ref().map(TenantId::as_str).map(storable),
        "before": digest(&entry.before),
        "after": digest(&entry.after),
        "reason": hashed("reason", entry.reason.as_ref().map(Personal::expose))?,
        "details": described(&entry.details),
    });
    let fields = fields.to_string().replacen('{', ",", 1);
    Ok(UnnumberedEntry { behind_number: fields, personal })
}

fn described(details: &Map<String, Value>) -> Value {
    if details.is_empty() {
        return Value::Null;
    }
    details.iter().map(|(name, value)| (storable(name), storable_value(value))).collect()
}

fn storable_value(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(storable(text)),
        Value::Array(items) => items.iter().map(storable_value).collect(),
        Value::Object(fields) => described(fields),
    }
}

/// The text without the character NUL, which not every database holds.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use payment_domain::{AuditAction, Principal, Role, Timestamp};

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            at: Timestamp::from_millis(1_790_000_000_000),
            actor: AuditActor::Principal(Principal {
                uuid: "u-1".to_owned(),
                role: Role::Operator,
                tenant: TenantId::new("pb").unwrap(),
                address: Some("10.1.2.3".parse().unwrap()),
            }),
            action: AuditAction::CaseResolved,
            object_kind: "case",
            object_id: "7\0".to_owned(),
            tenant: Some(TenantId::new("pb.amritsar").unwrap()),
            before: Some([1; 32]),
            after: None,
            reason: Some(Personal::new("Asha Rani was paid back\0")),
            details: Map::new(),
        }
    }

    #[test]
    fn the_hash_is_that_of_the_stored_bytes_and_the_previous_hash() {
        let bytes = [b"\x00\x01".as_slice(), b"{}", &[7; 32]].concat();
        assert_eq!(entry_hash(b"{}", &[7; 32]), <[u8; 32]>::from(Sha256::digest(bytes)));
        let chained = append(Link::START, &[entry(), entry()]).unwrap();
        assert_eq!(chained.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(chained[0].hash, entry_hash(chained[0].entry.as_bytes(), &[0; 32]));
        assert_eq!(chained[1].hash, entry_hash(chained[1].entry.as_bytes(), &chained[0].hash));
    }

    #[test]
    fn an_entry_holds_no_personal_value_and_no_two_hashes_of_one_are_alike() {
        let chained = append(Link::START, &[entry(), entry()]).unwrap();
        let text = &chained[0].entry;
        assert!(!text.contains("Asha") && !text.contains("10.1.2.3") && !text.contains("\\u0000"), "{text}");
        let value: Value = serde_json::from_str(text).unwrap();
        let (field, reason) = &chained[0].personal[1];
        assert_eq!((*field, reason.value.expose()), ("reason", "Asha Rani was paid back\u{fffd}"));
        assert_eq!(value["reason"], hex::encode(reason.hash()));
        assert_eq!(value["actor"]["address"], hex::encode(chained[0].personal[0].1.hash()));
        assert_ne!(reason.hash(), chained[1].personal[1].1.hash());
    }
}
