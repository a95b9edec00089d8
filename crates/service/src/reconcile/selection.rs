//! The payments that an operator has reconciled.

use payment_domain::{GatewayName, Transaction, TxnId};
use payment_store::{CheckCursor, DueCheck, StoreError};
use tokio_util::sync::CancellationToken;

use super::{ByHand, Progress, Reconciliation};

/// The operator's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One payment, of any status and age.
    One(TxnId),
    /// Pending payments, oldest first.
    Pending {
        by_hand: ByHand,
        /// Only payments behind this one.
        after: Option<TxnId>,
        most: usize,
    },
}

/// The payments that are meant.
#[derive(Debug, Clone)]
pub struct Selected {
    pub due: Vec<DueCheck>,
    more: bool,
    one: bool,
}

/// The reason why nothing was selected.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    #[error("there is no transaction {0}")]
    NoTransaction(TxnId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Selected {
    /// The one payment that was named; `None` when they were selected otherwise.
    pub fn named(&self) -> Option<&TxnId> {
        self.due.first().filter(|_| self.one).map(|due| &due.txn_id)
    }

    /// Where to go on behind the greatest number of payments; `None` when there are no more.
    pub fn next(&self) -> Option<&TxnId> {
        self.due.last().filter(|_| self.more).map(|last| &last.txn_id)
    }
}

impl Reconciliation {
    /// The gateways that can be reconciled: active ones, and those with pending payments.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn gateways(&self) -> Result<Vec<GatewayName>, StoreError> {
        let mut known = self.ports.gateways.names();
        known.extend(self.ports.store.pending_gateways().await?);
        known.sort();
        known.dedup();
        Ok(known)
    }

    /// # Errors
    /// [`SelectionError`] without such a transaction, or when the database is unavailable.
    pub async fn select(&self, selection: Selection) -> Result<Selected, SelectionError> {
        match selection {
            Selection::One(id) => {
                let txn = self.existing(&id).await?;
                let created_at = txn.audit.created_at;
                let place = CheckCursor { at: created_at, txn_id: id.clone() };
                let due = DueCheck { txn_id: id, gateway: txn.gateway, created_at, checks: 0, place };
                Ok(Selected { due: vec![due], more: false, one: true })
            }
            Selection::Pending { by_hand, after, most } => {
                let after = match after {
                    Some(txn_id) => {
                        Some(CheckCursor { at: self.existing(&txn_id).await?.audit.created_at, txn_id })
                    }
                    None => None,
                };
                let mut due = self.find(&by_hand, after, most.saturating_add(1)).await?;
                let more = due.len() > most;
                due.truncate(most);
                Ok(Selected { due, more, one: false })
            }
        }
    }

    async fn existing(&self, id: &TxnId) -> Result<Transaction, SelectionError> {
        let txn = self.ports.store.transaction(id).await?;
        txn.ok_or_else(|| SelectionError::NoTransaction(id.clone()))
    }

    /// Checks the selected payments in the name of `operator`, and reports each to `progress`. After `stop`
    /// no new check begins, and begun ones are finished.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable; finished checks stay done.
    pub async fn check_selected(
        &self,
        selected: Selected,
        operator: &str,
        progress: &mut (dyn Progress + Send),
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let Selected { due, one, .. } = selected;
        if !one {
            return self.check_until(due, operator, progress, stop).await;
        }
        for DueCheck { txn_id, .. } in due {
            if let Some(checked) = self.check_one(&txn_id, operator).await? {
                progress.done(&checked);
            }
        }
        Ok(())
    }
}
