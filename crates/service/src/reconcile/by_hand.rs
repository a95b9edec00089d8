//! Reconciliation by operators: of selected pending transactions, or of one in any status.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use payment_domain::{Actor, GatewayName, TxnId};
use payment_store::{CheckCursor, DueCheck, DueChecks, StoreError, Turn};
use tokio_util::sync::CancellationToken;

use super::{Check, CheckError, Checker, Occasion, Reconciliation};

/// The transactions that an operator selects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByHand {
    pub gateway: Option<GatewayName>,
    pub older_than: Duration,
}

/// One transaction that was checked by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub txn_id: TxnId,
    pub gateway: GatewayName,
    pub check: Check,
}

pub trait Progress {
    /// After each check.
    fn done(&mut self, checked: &Checked);
}

const PAGE: u32 = 1000;

impl Reconciliation {
    /// The selected pending transactions behind `after`, oldest first, at most `most`.
    pub async fn find(
        &self,
        by_hand: &ByHand,
        after: Option<CheckCursor>,
        most: usize,
    ) -> Result<Vec<DueCheck>, StoreError> {
        let now = self.ports.now();
        let turn = Turn::Every {
            // Includes one created exactly then.
            created_before: now.minus(by_hand.older_than).plus(Duration::from_millis(1)),
            // However recently they were checked.
            not_checked_since: now.plus(Duration::from_millis(1)),
            now,
        };
        let mut due = DueChecks { turn, gateway: by_hand.gateway.clone(), after, limit: PAGE };
        let mut found: Vec<DueCheck> = Vec::new();
        while found.len() < most {
            let page = self.ports.store.due_checks(&due).await?;
            let Some(last) = page.last() else { break };
            due.after = Some(last.place.clone());
            found.extend(page);
        }
        found.truncate(most);
        Ok(found)
    }

    /// Checks these transactions in the name of `operator`, within the limits of the jobs. After `stop` no
    /// check begins, and those under way end.
    pub async fn check_until(
        &self,
        due: Vec<DueCheck>,
        operator: &str,
        progress: &mut (dyn Progress + Send),
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let checker = Arc::new(Checker { actor: Actor::user(operator), fence: None });
        let mut under_way = FuturesUnordered::new();
        for due in due {
            let checker = checker.clone();
            under_way.push(async move {
                let DueCheck { txn_id, gateway, .. } = due;
                let turnstile = self.settlement.turnstile(&gateway);
                let turn = async {
                    let place = turnstile.places.acquire().await;
                    turnstile.wait_for_job().await;
                    place
                };
                let Some(_place) = stop.run_until_cancelled(turn).await else { return Ok(None) };
                let check = self.check_out_of_turn(&txn_id, &checker).await?;
                Ok::<_, CheckError>(Some(Checked { txn_id, gateway, check }))
            });
        }
        while let Some(checked) = under_way.next().await {
            if let Some(checked) = checked? {
                progress.done(&checked);
            }
        }
        Ok(())
    }

    /// Checks one transaction in the name of `operator`, in any status: a failed one may have been paid after
    /// all.
    pub async fn check_one(&self, id: &TxnId, operator: &str) -> Result<Option<Checked>, StoreError> {
        let Some(txn) = self.ports.store.transaction(id).await? else { return Ok(None) };
        let checker = Checker { actor: Actor::user(operator), fence: None };
        self.settlement.turnstile(&txn.gateway).wait_for_job().await;
        let check = self.check_out_of_turn(id, &checker).await?;
        Ok(Some(Checked { txn_id: id.clone(), gateway: txn.gateway, check }))
    }

    /// Does not wait for a gateway that is unavailable: an operator waits for the answer.
    async fn check_out_of_turn(&self, id: &TxnId, checker: &Checker) -> Result<Check, CheckError> {
        match self.check(id, Occasion::OutOfTurn, checker).await {
            Err(unavailable @ CheckError::Unavailable { .. }) => Ok(Check::Failed(unavailable.to_string())),
            checked => checked,
        }
    }
}
