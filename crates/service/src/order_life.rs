//! The life of an order: how long it can be paid.
//!
//! An order lives while its gateway keeps it open. After that "no such payment" is final and releases the
//! bill. In the last part of an order's life no payer is sent to the gateway: the payment could end after the
//! bill is free.

use std::time::Duration;

use payment_domain::machine::OrderLife;
use payment_domain::{Timestamp, Transaction};

use crate::ports::Ports;

/// For a gateway that is neither configured nor has a setting.
const DEFAULT_LIFE: Duration = Duration::from_secs(30 * 60);
/// The longest last part of an order's life.
const LONGEST_MARGIN: Duration = Duration::from_secs(10 * 60);
/// The longest call that opens an order.
pub(crate) const LONGEST_START: Duration = Duration::from_secs(40);
/// The life of an order whose redirect is unknown: by then the call that opens it has ended, and no payer was
/// sent to it.
pub(crate) const UNOPENED_LIFE: Duration = Duration::from_secs(60);

impl Ports {
    /// The life of the order, from the creation of the transaction.
    fn order_life(&self, txn: &Transaction) -> Duration {
        let set = self.settings.order_life_of.get(&txn.gateway).copied().or(self.settings.order_life);
        let own = || self.gateways.known_of(txn).ok().map(|gateway| gateway.profile().session);
        set.or_else(own).unwrap_or(DEFAULT_LIFE)
    }

    /// The end of the order's life.
    pub(crate) fn payable_until(&self, txn: &Transaction) -> Timestamp {
        txn.audit.created_at.plus(self.order_life(txn))
    }

    /// When "no such payment" becomes final.
    pub(crate) fn life_ends_at(&self, txn: &Transaction) -> Timestamp {
        if is_unopened(txn) { txn.audit.created_at.plus(UNOPENED_LIFE) } else { self.payable_until(txn) }
    }

    pub(crate) fn life_of(&self, txn: &Transaction) -> OrderLife {
        match self.now() > self.life_ends_at(txn) {
            true if is_unopened(txn) => OrderLife::NeverBegun,
            true => OrderLife::Over,
            false => OrderLife::Running,
        }
    }

    /// Whether a payer may still be sent to the gateway: until a third of the order's life before its end, at
    /// most ten minutes.
    pub(crate) fn is_open_to_payers(&self, txn: &Transaction) -> bool {
        let margin = (self.order_life(txn) / 3).min(LONGEST_MARGIN);
        self.now() < self.payable_until(txn).minus(margin)
    }
}

/// Whether no payer was sent to the order. An adopted transaction has neither redirect nor callback URL.
fn is_unopened(txn: &Transaction) -> bool {
    txn.redirect_url.is_none() && txn.callback_url.is_some()
}
