//! The accounts at the simulated providers.

use payment_simulator::providers::{Protocol, Provider};

/// An account at a provider, and the protocol that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Axis,
    Ccavenue,
    Hyperswitch,
    PaytmLegacy,
    PaytmV3,
    PhonepeLegacy,
    PhonepeV1,
    PhonepeV2,
    Payu,
    Razorpay,
    Stripe,
}

impl Account {
    pub(crate) const ALL: [Account; 11] = [
        Account::Axis,
        Account::Ccavenue,
        Account::Hyperswitch,
        Account::PaytmLegacy,
        Account::PaytmV3,
        Account::PhonepeLegacy,
        Account::PhonepeV1,
        Account::PhonepeV2,
        Account::Payu,
        Account::Razorpay,
        Account::Stripe,
    ];

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Account::Axis => Protocol::Vpc,
            Account::Ccavenue => Protocol::Ccavenue,
            Account::Hyperswitch => Protocol::HyperswitchLink,
            Account::PaytmLegacy => Protocol::PaytmLegacy,
            Account::PaytmV3 => Protocol::PaytmV3,
            Account::PhonepeLegacy => Protocol::PhonepeLegacy,
            Account::PhonepeV1 => Protocol::PhonepeV1,
            Account::PhonepeV2 => Protocol::PhonepeV2,
            Account::Payu => Protocol::Payu,
            Account::Razorpay => Protocol::RazorpayLink,
            Account::Stripe => Protocol::Stripe,
        }
    }

    pub(crate) fn provider(self) -> Provider {
        self.protocol().provider()
    }

    pub(crate) fn has_webhooks(self) -> bool {
        self != Account::Axis
    }

    /// The setting that chooses the protocol, where there is a choice.
    pub(crate) fn setting(self) -> Option<(&'static str, &'static str)> {
        match self {
            Account::Axis
            | Account::Ccavenue
            | Account::Hyperswitch
            | Account::Payu
            | Account::Razorpay
            | Account::Stripe => None,
            Account::PaytmLegacy => Some(("paytm.protocol", "legacy")),
            Account::PaytmV3 => Some(("paytm.protocol", "v3")),
            Account::PhonepeLegacy => Some(("phonepe.protocol", "legacy")),
            Account::PhonepeV1 => Some(("phonepe.protocol", "v1")),
            Account::PhonepeV2 => Some(("phonepe.protocol", "v2")),
        }
    }
}
