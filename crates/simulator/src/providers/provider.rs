//! Which providers are simulated, and which protocols they speak.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Provider {
    /// Axis Bank through MIGS (Virtual Payment Client).
    Axis,
    Ccavenue,
    Hyperswitch,
    Paytm,
    Phonepe,
    Payu,
    Razorpay,
    Stripe,
}

impl Provider {
    pub const ALL: [Provider; 8] = [
        Provider::Axis,
        Provider::Ccavenue,
        Provider::Hyperswitch,
        Provider::Paytm,
        Provider::Phonepe,
        Provider::Payu,
        Provider::Razorpay,
        Provider::Stripe,
    ];

    /// The name by which applications choose it, e.g. `AXIS`.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Axis => "AXIS",
            Provider::Ccavenue => "CCAVENUE",
            Provider::Hyperswitch => "HYPERSWITCH",
            Provider::Paytm => "PAYTM",
            Provider::Phonepe => "PHONEPE",
            Provider::Payu => "PAYU",
            Provider::Razorpay => "RAZORPAY",
            Provider::Stripe => "STRIPE",
        }
    }

    /// The first segment of its addresses, e.g. `axis`.
    pub fn path(self) -> &'static str {
        match self {
            Provider::Axis => "axis",
            Provider::Ccavenue => "ccavenue",
            Provider::Hyperswitch => "hyperswitch",
            Provider::Paytm => "paytm",
            Provider::Phonepe => "phonepe",
            Provider::Payu => "payu",
            Provider::Razorpay => "razorpay",
            Provider::Stripe => "stripe",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Provider::Axis => "Axis Bank (MIGS)",
            Provider::Ccavenue => "CCAvenue",
            Provider::Hyperswitch => "Hyperswitch",
            Provider::Paytm => "Paytm",
            Provider::Phonepe => "PhonePe",
            Provider::Payu => "PayU",
            Provider::Razorpay => "Razorpay",
            Provider::Stripe => "Stripe",
        }
    }

    /// Whether its pay page has a way to cancel, which ends the order.
    pub(crate) fn can_be_cancelled(self) -> bool {
        self == Provider::Ccavenue
    }

    /// The provider of this name, in any letter case.
    pub fn from_name(name: &str) -> Option<Provider> {
        Provider::ALL.into_iter().find(|provider| provider.path().eq_ignore_ascii_case(name))
    }
}

/// The protocol in which an order was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// `/vpcpay` and `/vpcdps`.
    Vpc,
    /// CCAvenue's `transaction.do` and `DoWebTrans`.
    Ccavenue,
    /// Hyperswitch's payment links.
    HyperswitchLink,
    /// Paytm's `processTransaction` and `getTxnStatus`.
    PaytmLegacy,
    /// Paytm's `initiateTransaction`, `showPaymentPage` and `/v3/order/status`.
    PaytmV3,
    /// PhonePe's `/v3/debit`.
    PhonepeLegacy,
    /// PhonePe's `/pg/v1/pay`.
    PhonepeV1,
    PhonepeV2,
    /// PayU's `_payment` and `postservice.php`.
    Payu,
    /// Razorpay's `/v1/payment_links`.
    RazorpayLink,
    /// Stripe's Checkout Sessions.
    Stripe,
}

impl Protocol {
    pub fn provider(self) -> Provider {
        match self {
            Protocol::Vpc => Provider::Axis,
            Protocol::Ccavenue => Provider::Ccavenue,
            Protocol::HyperswitchLink => Provider::Hyperswitch,
            Protocol::PaytmLegacy | Protocol::PaytmV3 => Provider::Paytm,
            Protocol::PhonepeLegacy | Protocol::PhonepeV1 | Protocol::PhonepeV2 => Provider::Phonepe,
            Protocol::Payu => Provider::Payu,
            Protocol::RazorpayLink => Provider::Razorpay,
            Protocol::Stripe => Provider::Stripe,
        }
    }

    /// Whether it takes other currencies than the rupee.
    pub fn has_currencies(self) -> bool {
        match self {
            Protocol::HyperswitchLink | Protocol::Stripe => true,
            Protocol::Vpc
            | Protocol::Ccavenue
            | Protocol::PaytmLegacy
            | Protocol::PaytmV3
            | Protocol::PhonepeLegacy
            | Protocol::PhonepeV1
            | Protocol::PhonepeV2
            | Protocol::Payu
            | Protocol::RazorpayLink => false,
        }
    }

    /// Whether a declined payment may be tried once more while its page lasts.
    pub fn allows_retries(self) -> bool {
        match self {
            Protocol::HyperswitchLink => true,
            Protocol::Vpc
            | Protocol::Ccavenue
            | Protocol::PaytmLegacy
            | Protocol::PaytmV3
            | Protocol::PhonepeLegacy
            | Protocol::PhonepeV1
            | Protocol::PhonepeV2
            | Protocol::Payu
            | Protocol::RazorpayLink
            | Protocol::Stripe => false,
        }
    }
}
