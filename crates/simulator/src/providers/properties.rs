//! The properties that point a service's real adapters at the simulator.

use secrecy::ExposeSecret;

use super::Providers;

impl Providers {
    /// Names and values of the properties with which a service takes this simulator, reached at
    /// `base_url` (without a slash at its end), for its gateways: all switched on, with the
    /// accounts the simulator has. Paytm and PhonePe are set up for each of their protocols; which
    /// one is spoken is chosen by `paytm.protocol` and `phonepe.protocol`, which are not in here.
    ///
    /// The values hold the accounts' secrets.
    pub fn properties(&self, base_url: &str) -> Vec<(&'static str, String)> {
        let settings = &self.inner.settings;
        let base = base_url.trim_end_matches('/');
        let at = |path: &str| format!("{base}/{path}");
        let (axis, paytm, phonepe, payu) =
            (&settings.axis, &settings.paytm, &settings.phonepe, &settings.payu);
        let (ccavenue, hyperswitch) = (&settings.ccavenue, &settings.hyperswitch);
        let (razorpay, stripe) = (&settings.razorpay, &settings.stripe);
        let secret = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
        vec![
            ("axis.active", "true".to_owned()),
            ("axis.merchant.id", axis.merchant_id.clone()),
            ("axis.merchant.access.code", axis.access_code.clone()),
            ("axis.merchant.secret.key", secret(&axis.secret_hex)),
            ("axis.merchant.user", axis.user.clone()),
            ("axis.merchant.pwd", secret(&axis.password)),
            ("axis.url.debit", at("axis/vpcpay")),
            ("axis.url.status", at("axis/vpcdps")),
            ("ccavenue.active", "true".to_owned()),
            ("ccavenue.merchant.id", ccavenue.merchant_id.clone()),
            ("ccavenue.redirect.access.code", ccavenue.access_code.clone()),
            ("ccavenue.redirect.working.key", secret(&ccavenue.working_key)),
            ("ccavenue.status.access.code", ccavenue.api_access_code.clone()),
            ("ccavenue.status.working.key", secret(&ccavenue.api_working_key)),
            ("ccavenue.gateway.url", at("ccavenue/transaction/transaction.do")),
            ("ccavenue.gateway.status.url", at("ccavenue/apis/servlet/DoWebTrans")),
            ("hyperswitch.active", "true".to_owned()),
            ("hyperswitch.api.key", secret(&hyperswitch.api_key)),
            ("hyperswitch.payment.response.hash.key", secret(&hyperswitch.hash_key)),
            ("hyperswitch.profile.id", hyperswitch.profile_id.clone()),
            ("hyperswitch.url", at("hyperswitch")),
            ("hyperswitch.currencies", "all".to_owned()),
            ("paytm.active", "true".to_owned()),
            ("paytm.merchant.id", paytm.merchant_id.clone()),
            ("paytm.merchant.secret.key", secret(&paytm.key)),
            ("paytm.merchant.website", paytm.website.clone()),
            ("paytm.url.debit", at("paytm/theia/processTransaction")),
            ("paytm.url.status", at("paytm/merchant-status/getTxnStatus")),
            ("paytm.v3.host", at("paytm")),
            ("paytm.refund.host", at("paytm")),
            ("phonepe.active", "true".to_owned()),
            ("phonepe.merchant.id", phonepe.merchant_id.clone()),
            ("phonepe.merchant.secret.key", secret(&phonepe.salt_key)),
            ("phonepe.merchant.secret.index", phonepe.salt_index.clone()),
            ("phonepe.merchant.host", at("phonepe")),
            ("phonepe.url.debit", "/v3/debit".to_owned()),
            ("phonepe.url.status", "/v3/transaction".to_owned()),
            ("phonepe.v1.host", at("phonepe")),
            ("phonepe.v2.client.id", phonepe.client_id.clone()),
            ("phonepe.v2.client.secret", secret(&phonepe.client_secret)),
            ("phonepe.v2.client.version", phonepe.client_version.clone()),
            ("phonepe.v2.webhook.username", phonepe.webhook_user.clone()),
            ("phonepe.v2.webhook.password", secret(&phonepe.webhook_password)),
            ("phonepe.v2.host", at("phonepe")),
            ("phonepe.v2.auth.host", at("phonepe")),
            ("payu.active", "true".to_owned()),
            ("payu.merchant.key", payu.merchant_key.clone()),
            ("payu.merchant.salt", secret(&payu.salt)),
            ("payu.url", at("payu")),
            ("payu.url.status", at("payu")),
            ("payu.path.pay", "_payment".to_owned()),
            ("payu.path.status", "merchant/postservice.php".to_owned()),
            ("razorpay.active", "true".to_owned()),
            ("razorpay.merchant.id", razorpay.key_id.clone()),
            ("razorpay.merchant.secret.key", secret(&razorpay.key_secret)),
            ("razorpay.webhook.secret", secret(&razorpay.webhook_secret)),
            ("razorpay.host", at("razorpay/v1")),
            ("stripe.active", "true".to_owned()),
            ("stripe.secret.key", secret(&stripe.secret_key)),
            ("stripe.webhook.secret", secret(&stripe.webhook_secret)),
            ("stripe.currencies", "all".to_owned()),
            ("stripe.url", at("stripe")),
        ]
    }
}
