//! Lists of payments for people, within tenants: filtered, newest first, in pages; and payments by any of their
//! numbers.

use async_trait::async_trait;
use payment_domain::{GatewayName, Money, StatusName, Timestamp, Transaction, TxnId};

use crate::{StoreError, TenantScope};

#[async_trait]
pub trait Listings: Send + Sync {
    /// The payments that match, newest first (by creation time, then by id, both descending).
    async fn list_payments(&self, query: &PaymentQuery) -> Result<Vec<Transaction>, StoreError>;

    /// Payments that a number names in one of its spellings, newest first: by transaction id, gateway's id (in any
    /// case of its letters), bill, consumer code, receipt or refund. Of each kind of number at most `limit`.
    async fn payments_named(&self, query: &NamedQuery) -> Result<Vec<Transaction>, StoreError>;
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentQuery {
    /// Payments of these tenants and below; none where it is empty.
    pub within: Vec<TenantScope>,
    pub status: Option<StatusName>,
    pub gateway: Option<GatewayName>,
    /// The application's module.
    pub module: Option<String>,
    /// This amount or more, in its currency.
    pub amount_from: Option<Money>,
    /// This amount or less, in its currency.
    pub amount_to: Option<Money>,
    /// Created at this moment or later.
    pub from: Option<Timestamp>,
    /// Created before this moment.
    pub to: Option<Timestamp>,
    /// Cursor: what follows this payment in the order of the answer; nothing where there is no such payment in
    /// these tenants.
    pub after: Option<TxnId>,
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuery {
    /// As in [`PaymentQuery::within`].
    pub within: Vec<TenantScope>,
    pub spellings: Vec<String>,
    pub limit: u32,
}

/// The tenants in both: of each pair the one within the other. None contains another.
pub fn common_scopes(some: &[TenantScope], others: &[TenantScope]) -> Vec<TenantScope> {
    let is_within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut roots: Vec<&str> = Vec::new();
    for one in some {
        for other in others {
            if is_within(&one.root, &other.root) {
                roots.push(&one.root);
            } else if is_within(&other.root, &one.root) {
                roots.push(&other.root);
            }
        }
    }
    roots.sort_unstable();
    roots.dedup();
    let topmost = |root: &&str| !roots.iter().any(|other| other != root && is_within(root, other));
    roots.iter().filter(|root| topmost(root)).map(|root| TenantScope { root: (*root).to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_scopes_never_reach_beyond_either_and_never_overlap() {
        let scopes = |roots: &[&str]| -> Vec<TenantScope> {
            roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect()
        };
        for (some, others, common) in [
            (&["pb"][..], &["pb.amritsar"][..], &["pb.amritsar"][..]),
            (&["pb.amritsar"], &["pb"], &["pb.amritsar"]),
            (&["pb.amritsar"], &["pb.nabha"], &[]),
            (&["pb"], &["pbx", "p"], &[]),
            (&["pb", "pb.amritsar"], &["pb", "pb.amritsar"], &["pb"]),
            (&["pb.nabha", "pb.amritsar", "mh"], &["pb", "mh.pune"], &["mh.pune", "pb.amritsar", "pb.nabha"]),
            (&[], &["pb"], &[]),
        ] {
            assert_eq!(common_scopes(&scopes(some), &scopes(others)), scopes(common), "{some:?} {others:?}");
        }
    }
}
