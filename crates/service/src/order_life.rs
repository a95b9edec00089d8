//! How long an order can be paid, and where one stands in its life.
//!
//! An order lives for as long as its gateway keeps it open. Once its life is over, "no such payment" is
//! final and lets the bill go. No payer is sent to pay in the last part of it: whoever came then could
//! still be paying when the bill is free.

use std::time::Duration;

use payment_domain::machine::OrderLife;
use payment_domain::{GatewayName, Timestamp, Transaction};

use crate::ports::Ports;

/// The life of orders of a gateway that is no longer configured and has none set.
const DEFAULT_LIFE: Duration = Duration::from_secs(30 * 60);
/// The most time that is left to a payer who was sent to the gateway last.
const LONGEST_MARGIN: Duration = Duration::from_secs(10 * 60);
/// How long opening an order at a gateway may take in all.
pub(crate) const LONGEST_START: Duration = Duration::from_secs(40);
/// The life of an order whose pay link we never received: by then opening it has come to its end, and
/// nobody can have been sent there.
pub(crate) const UNOPENED_LIFE: Duration = Duration::from_secs(60);

impl Ports {
    /// How long an order of a gateway can be paid, from the creation of its transaction: as it is set for
    /// the gateway or for all, or else as long as the gateway keeps it open.
    pub(crate) fn order_life(&self, gateway: &GatewayName) -> Duration {
        let set = self.settings.order_life_of.get(gateway).copied().or(self.settings.order_life);
        let own = || self.gateways.get(gateway).map(|gateway| gateway.profile().session);
        set.or_else(own).unwrap_or(DEFAULT_LIFE)
    }

    /// Until when the order of a transaction can be paid at its gateway.
    pub(crate) fn payable_until(&self, txn: &Transaction) -> Timestamp {
        txn.audit.created_at.plus(self.order_life(&txn.gateway))
    }

    /// When "no such payment" becomes final for a transaction.
    pub(crate) fn life_ends_at(&self, txn: &Transaction) -> Timestamp {
        if is_unopened(txn) { txn.audit.created_at.plus(UNOPENED_LIFE) } else { self.payable_until(txn) }
    }

    /// Whether a payer may still come to pay a transaction.
    pub(crate) fn life_of(&self, txn: &Transaction) -> OrderLife {
        match self.now() > self.life_ends_at(txn) {
            true if is_unopened(txn) => OrderLife::NeverBegun,
            true => OrderLife::Over,
            false => OrderLife::Running,
        }
    }

    /// Whether a payer may still be sent to pay a transaction: earlier than its life ends by a third of
    /// it, ten minutes at most.
    pub(crate) fn is_open_to_payers(&self, txn: &Transaction) -> bool {
        let margin = (self.order_life(&txn.gateway) / 3).min(LONGEST_MARGIN);
        self.now() < self.payable_until(txn).minus(margin)
    }
}

/// Whether nobody was ever told where to pay. An adopted transaction does not say where that is, nor where
/// its payer goes afterwards.
fn is_unopened(txn: &Transaction) -> bool {
    txn.redirect_url.is_none() && txn.callback_url.is_some()
}
