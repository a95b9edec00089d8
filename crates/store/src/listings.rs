//! Lists of payments for people, within tenants: filtered, newest first, in pages; and payments by any of their
//! numbers.

use async_trait::async_trait;
use payment_domain::{GatewayName, Money, Personal, StatusName, TenantId, Timestamp, Transaction, TxnId};

use crate::{StoreError, TenantScope};

/// The most tenants whose payments are read one after the other. Those of more are read together with all others',
/// which are left out.
pub const FEW_TENANTS: usize = 16;

#[async_trait]
pub trait Listings: Send + Sync {
    /// The payments that match, newest first (by creation time, then by id, both descending).
    async fn list_payments(&self, query: &PaymentQuery) -> Result<Vec<Transaction>, StoreError>;

    /// How far back a page of the list finds everything by looking at about `examined` payments, and three times as
    /// many at most: those of this moment and later. `None` where the whole list costs no more.
    async fn payments_horizon(
        &self,
        query: &PaymentQuery,
        examined: u32,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Payments that a number names in one of its spellings, newest first: by transaction id, gateway's id and bank's
    /// number (in any case of their letters), bill, consumer code, receipt, refund and gateway's id of one; and by the
    /// payer's mobile number.
    async fn payments_named(&self, query: &NamedQuery) -> Result<Vec<Transaction>, StoreError>;

    /// The tenants that have payments, and these themselves, in the order of their names. The cost follows their
    /// number, not that of the payments.
    async fn tenants_within(&self, within: &[TenantScope]) -> Result<Vec<TenantId>, StoreError>;
}

/// Conditions that must all hold where they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentQuery {
    /// Payments of these tenants and below; none where it is empty.
    pub within: Vec<TenantScope>,
    pub status: Option<StatusName>,
    pub receipt: Option<ReceiptState>,
    /// Pending, and created before this moment.
    pub pending_before: Option<Timestamp>,
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

/// Every payment is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    Issued,
    /// Paid, and the receipt is still to be issued.
    Pending,
    /// Not paid.
    None,
}

impl PaymentQuery {
    /// Whether a payment of this status can match.
    pub fn admits(&self, status: StatusName) -> bool {
        let is_paid = status == StatusName::Success;
        self.status.is_none_or(|wanted| wanted == status)
            && self.pending_before.is_none_or(|_| status == StatusName::Pending)
            && self.receipt.is_none_or(|receipt| (receipt == ReceiptState::None) != is_paid)
    }

    /// Whether it looks at more of a payment than its tenant, status and moment.
    pub fn is_selective(&self) -> bool {
        self.gateway.is_some()
            || self.module.is_some()
            || self.amount_from.is_some()
            || self.amount_to.is_some()
            || self.receipt == Some(ReceiptState::Issued)
    }

    /// Created before this moment, by all its conditions.
    pub fn before(&self) -> Option<Timestamp> {
        [self.to, self.pending_before].into_iter().flatten().min()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedQuery {
    /// As in [`PaymentQuery::within`].
    pub within: Vec<TenantScope>,
    pub spellings: Vec<String>,
    /// The last ten digits of the payer's mobile number, for the payments of which is looked, too.
    pub mobile: Option<Personal>,
    /// As in [`PaymentQuery::after`].
    pub after: Option<TxnId>,
    pub limit: u32,
}

/// The part of a run that is looked at, of so many runs. Of the three statuses one has nearly all payments.
pub fn share_of_run(examined: u32, runs: usize) -> u32 {
    let runs = u32::try_from(runs).unwrap_or(u32::MAX).max(1);
    (examined.saturating_mul(3) / runs).clamp(1, examined.max(1))
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
