//! The properties that point a service's real adapters at the simulator.

use secrecy::{ExposeSecret, SecretString};

use super::Providers;
use super::provider::Provider;
use super::settings::Merchant;

impl Providers {
    /// Names and values of the properties with which a service takes this simulator, reached at
    /// `base_url` (without a slash at its end), for its gateways: all switched on, with the
    /// accounts of the first merchant. Paytm and PhonePe are set up for each of their protocols; which
    /// one is spoken is chosen by `paytm.protocol` and `phonepe.protocol`, which are not in here.
    ///
    /// The values hold the accounts' secrets.
    pub fn properties(&self, base_url: &str) -> Vec<(&'static str, String)> {
        let base = base_url.trim_end_matches('/');
        let at = |path: &str| format!("{base}/{path}");
        let first = self.inner.settings.merchant("");
        let gateways = Provider::ALL.into_iter().map(|provider| {
            let (active, more) = match provider {
                Provider::Axis => (
                    "axis.active",
                    vec![("axis.url.debit", at("axis/vpcpay")), ("axis.url.status", at("axis/vpcdps"))],
                ),
                Provider::Ccavenue => (
                    "ccavenue.active",
                    vec![
                        ("ccavenue.gateway.url", at("ccavenue/transaction/transaction.do")),
                        ("ccavenue.gateway.status.url", at("ccavenue/apis/servlet/DoWebTrans")),
                    ],
                ),
                Provider::Hyperswitch => (
                    "hyperswitch.active",
                    vec![
                        ("hyperswitch.url", at("hyperswitch")),
                        ("hyperswitch.currencies", "all".to_owned()),
                    ],
                ),
                Provider::Paytm => (
                    "paytm.active",
                    vec![
                        ("paytm.url.debit", at("paytm/theia/processTransaction")),
                        ("paytm.url.status", at("paytm/merchant-status/getTxnStatus")),
                        ("paytm.v3.host", at("paytm")),
                        ("paytm.refund.host", at("paytm")),
                    ],
                ),
                Provider::Phonepe => (
                    "phonepe.active",
                    vec![
                        ("phonepe.merchant.host", at("phonepe")),
                        ("phonepe.url.debit", "/v3/debit".to_owned()),
                        ("phonepe.url.status", "/v3/transaction".to_owned()),
                        ("phonepe.v1.host", at("phonepe")),
                        ("phonepe.v2.host", at("phonepe")),
                        ("phonepe.v2.auth.host", at("phonepe")),
                    ],
                ),
                Provider::Payu => (
                    "payu.active",
                    vec![
                        ("payu.url", at("payu")),
                        ("payu.url.status", at("payu")),
                        ("payu.path.pay", "_payment".to_owned()),
                        ("payu.path.status", "merchant/postservice.php".to_owned()),
                    ],
                ),
                Provider::Razorpay => ("razorpay.active", vec![("razorpay.host", at("razorpay/v1"))]),
                Provider::Stripe => (
                    "stripe.active",
                    vec![("stripe.currencies", "all".to_owned()), ("stripe.url", at("stripe"))],
                ),
            };
            [vec![(active, "true".to_owned())], first.credentials(provider), more].concat()
        });
        gateways.flatten().collect()
    }
}

impl Merchant {
    /// Names and values of the properties of its account at a provider, for all of its protocols. The values hold the
    /// secrets.
    pub fn credentials(&self, provider: Provider) -> Vec<(&'static str, String)> {
        let secret = |secret: &SecretString| secret.expose_secret().to_owned();
        match provider {
            Provider::Axis => vec![
                ("axis.merchant.id", self.axis.merchant_id.clone()),
                ("axis.merchant.access.code", self.axis.access_code.clone()),
                ("axis.merchant.secret.key", secret(&self.axis.secret_hex)),
                ("axis.merchant.user", self.axis.user.clone()),
                ("axis.merchant.pwd", secret(&self.axis.password)),
            ],
            Provider::Ccavenue => vec![
                ("ccavenue.merchant.id", self.ccavenue.merchant_id.clone()),
                ("ccavenue.redirect.access.code", self.ccavenue.access_code.clone()),
                ("ccavenue.redirect.working.key", secret(&self.ccavenue.working_key)),
                ("ccavenue.status.access.code", self.ccavenue.api_access_code.clone()),
                ("ccavenue.status.working.key", secret(&self.ccavenue.api_working_key)),
            ],
            Provider::Hyperswitch => vec![
                ("hyperswitch.api.key", secret(&self.hyperswitch.api_key)),
                ("hyperswitch.payment.response.hash.key", secret(&self.hyperswitch.hash_key)),
                ("hyperswitch.profile.id", self.hyperswitch.profile_id.clone()),
            ],
            Provider::Paytm => vec![
                ("paytm.merchant.id", self.paytm.merchant_id.clone()),
                ("paytm.merchant.secret.key", secret(&self.paytm.key)),
                ("paytm.merchant.website", self.paytm.website.clone()),
            ],
            Provider::Phonepe => vec![
                ("phonepe.merchant.id", self.phonepe.merchant_id.clone()),
                ("phonepe.merchant.secret.key", secret(&self.phonepe.salt_key)),
                ("phonepe.merchant.secret.index", self.phonepe.salt_index.clone()),
                ("phonepe.v2.client.id", self.phonepe.client_id.clone()),
                ("phonepe.v2.client.secret", secret(&self.phonepe.client_secret)),
                ("phonepe.v2.client.version", self.phonepe.client_version.clone()),
                ("phonepe.v2.webhook.username", self.phonepe.webhook_user.clone()),
                ("phonepe.v2.webhook.password", secret(&self.phonepe.webhook_password)),
            ],
            Provider::Payu => vec![
                ("payu.merchant.key", self.payu.merchant_key.clone()),
                ("payu.merchant.salt", secret(&self.payu.salt)),
            ],
            Provider::Razorpay => vec![
                ("razorpay.merchant.id", self.razorpay.key_id.clone()),
                ("razorpay.merchant.secret.key", secret(&self.razorpay.key_secret)),
                ("razorpay.webhook.secret", secret(&self.razorpay.webhook_secret)),
            ],
            Provider::Stripe => vec![
                ("stripe.secret.key", secret(&self.stripe.secret_key)),
                ("stripe.webhook.secret", secret(&self.stripe.webhook_secret)),
            ],
        }
    }
}
