//! Identifiers as types, so that a bill id never passes for a transaction id.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A text that is no identifier: empty, too long, or with control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must have 1 to {max} characters and no control characters")]
pub struct InvalidId {
    kind: &'static str,
    max: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The maximum length, in characters.
            pub const MAX_CHARS: usize = $max;

            /// # Errors
            /// [`InvalidId`] when it is empty, too long or holds control characters.
            pub fn new(text: impl Into<Arc<str>>) -> Result<$name, InvalidId> {
                let text = text.into();
                let valid = !text.is_empty()
                    && text.chars().count() <= $max
                    && !text.chars().any(char::is_control);
                if valid { Ok($name(text)) } else { Err(InvalidId { kind: $kind, max: $max }) }
            }

            /// An unvalidated value of a database row: those of an earlier service follow no rules. Empty
            /// where the row has none.
            pub fn stored(text: impl Into<Arc<str>>) -> $name {
                $name(text.into())
            }

            /// Whether the row has no value.
            pub fn is_absent(&self) -> bool {
                self.0.is_empty()
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<$name, InvalidId> {
                $name::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

id!(
    /// The id of a transaction, e.g. `PB_PG_2018_08_06_000072_14`.
    TxnId,
    "a transaction id",
    128
);
id!(
    /// A tenant, from the state to the city: `pb.amritsar`.
    TenantId,
    "a tenant id",
    50
);
id!(
    /// The id of a stored merchant account.
    AccountId,
    "an account id",
    64
);
id!(
    /// The id of a bill within its tenant.
    BillId,
    "a bill id",
    64
);

impl TenantId {
    /// The first segment, the state: `pb.amritsar` → `pb`.
    pub fn state(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// This tenant, then the one above it, up to the state: `pb.amritsar`, `pb`.
    pub fn and_above(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |tenant| Some(tenant.rsplit_once('.')?.0))
    }

    /// Whether this tenant is `other` or below it: `pb.amritsar` is within `pb`.
    pub fn is_within(&self, other: &str) -> bool {
        self.0.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The key of a claim: a bill is unique within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BillKey {
    /// The tenant the bill was raised by.
    pub tenant: TenantId,
    pub bill: BillId,
}

impl BillKey {
    /// The claims of a payment of these bills: each bill once, sorted; absent ones are left out.
    pub fn all_of<'a>(tenant: &TenantId, bills: impl Iterator<Item = &'a BillId>) -> Vec<BillKey> {
        let mut keys: Vec<BillKey> = bills
            .filter(|bill| !bill.is_absent())
            .map(|bill| BillKey { tenant: tenant.clone(), bill: bill.clone() })
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

/// The upper-case name of a gateway: `AXIS`, `PAYTM`, `SANDBOX`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GatewayName(Arc<str>);

impl GatewayName {
    /// The sandbox gateway, which moves no money.
    pub const SANDBOX: &str = "SANDBOX";

    /// Converts to upper case: letter case does not distinguish gateways.
    pub fn new(name: &str) -> GatewayName {
        GatewayName(name.to_uppercase().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_sandbox(&self) -> bool {
        self.as_str() == GatewayName::SANDBOX
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_bounded_and_printable() {
        assert!(TxnId::new("PB_PG_2018_08_06_000072_14").is_ok());
        assert!(TxnId::new("").is_err());
        assert!(TxnId::new("a\nb").is_err());
        assert!(TxnId::new("x".repeat(129)).is_err());
        assert!(TenantId::new("ਪੰ".repeat(12)).is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn a_tenant_knows_its_state_and_what_lies_below_it() {
        let city = TenantId::new("pb.amritsar").unwrap();
        assert_eq!(city.state(), "pb");
        assert_eq!(city.and_above().collect::<Vec<_>>(), ["pb.amritsar", "pb"]);
        assert!(city.is_within("pb") && city.is_within("pb.amritsar"));
        assert!(!city.is_within("pb.amr") && !city.is_within("p") && !city.is_within("pb.amritsar.east"));
        assert!(city.is_within("pb") && !TenantId::new("pbx").unwrap().is_within("pb"));
    }
}
