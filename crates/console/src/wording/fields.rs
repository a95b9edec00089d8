use crate::language::{Texts, fill};

/// The purpose of a field of a merchant account by the name of its setting; `None` for one that has no text here.
pub(crate) fn field(t: &Texts, name: &str) -> Option<String> {
    let f = &t.fields;
    let text = match name {
        "axis.merchant.id" | "ccavenue.merchant.id" | "paytm.merchant.id" | "phonepe.merchant.id" => {
            f.merchant_id
        }
        "paytm.merchant.secret.key" | "payu.merchant.key" => f.merchant_key,
        "axis.currency" | "ccavenue.currency" => f.currency,
        "axis.locale" | "ccavenue.language" => f.page_language,
        "paytm.protocol" | "phonepe.protocol" => f.protocol,
        "payu.path.pay" => f.path_pay,
        "ccavenue.path.pay" => f.path_pay_of_host,
        "payu.path.status" => f.path_status,
        "paytm.refund.path.apply" => f.path_refund,
        "paytm.refund.path.status" => f.path_refund_status,
        "axis.merchant.secret.key" => f.hash_secret,
        "axis.merchant.user" => f.operator,
        "axis.merchant.pwd" => f.operator_password,
        "axis.merchant.access.code" => f.access_code,
        "axis.merchant.vpc.version" => f.version,
        "axis.merchant.vpc.command.pay" => f.command_pay,
        "axis.merchant.vpc.command.status" => f.command_status,
        "axis.refund.command" => f.command_refund,
        "axis.refund.signed" => f.refund_signed,
        "ccavenue.redirect.access.code" => f.page_access_code,
        "ccavenue.redirect.working.key" => f.page_working_key,
        "ccavenue.redirect.working.key.previous" => f.page_working_key_before,
        "ccavenue.status.access.code" => f.api_access_code,
        "ccavenue.status.working.key" => f.api_working_key,
        "ccavenue.sub-account" => f.sub_account,
        "ccavenue.unique-order-id" => f.unique_order_id,
        "hyperswitch.api.key" => f.api_key,
        "hyperswitch.payment.response.hash.key" => f.response_hash_key,
        "hyperswitch.payment.response.hash.key.previous" => f.response_hash_key_before,
        "hyperswitch.profile.id" => f.profile_id,
        "hyperswitch.currencies" | "stripe.currencies" => f.currencies,
        "paytm.merchant.website" => f.website,
        "paytm.merchant.industry.type" => f.industry,
        "paytm.merchant.channel.id" => f.channel,
        "payu.merchant.salt" => f.salt,
        "phonepe.merchant.secret.key" => f.salt_key,
        "phonepe.merchant.secret.index" => f.salt_index,
        "phonepe.v2.client.id" => f.client_id,
        "phonepe.v2.client.secret" => f.client_secret,
        "phonepe.v2.client.version" => f.client_version,
        "phonepe.v2.webhook.username" => f.webhook_user,
        "phonepe.v2.webhook.password" => f.webhook_password,
        "phonepe.v2.expire.after" => f.expire_after,
        "razorpay.merchant.id" => f.key_id,
        "razorpay.merchant.secret.key" => f.key_secret,
        "razorpay.webhook.secret" | "stripe.webhook.secret" => f.webhook_secret,
        "razorpay.webhook.secret.previous" | "stripe.webhook.secret.previous" => f.webhook_secret_before,
        "stripe.secret.key" => f.stripe_key,
        "stripe.api.version" => f.api_version,
        "ccavenue.redirect.url" => f.return_url_unused,
        "ccavenue.cancel.url" => f.cancel_url_unused,
        "ccavenue.original.return.url.key" => f.return_url_key,
        _ => return of_protocol(t, name),
    };
    Some(text.to_owned())
}

/// A path that a protocol has.
fn of_protocol(t: &Texts, name: &str) -> Option<String> {
    let f = &t.fields;
    let (text, protocol) = match name {
        "paytm.v3.path.initiate" => (f.path_open, "v3"),
        "paytm.v3.path.page" => (f.path_page, "v3"),
        "paytm.v3.path.status" => (f.path_status_of, "v3"),
        "phonepe.url.debit" => (f.path_open, "legacy"),
        "phonepe.url.status" => (f.path_status_of, "legacy"),
        "phonepe.legacy.path.refund" => (f.path_refund_of, "legacy"),
        "phonepe.v1.path.pay" => (f.path_open, "v1"),
        "phonepe.v1.path.status" => (f.path_status_of, "v1"),
        "phonepe.v1.path.refund" => (f.path_refund_of, "v1"),
        "phonepe.v2.path.token" => (f.path_token, "v2"),
        "phonepe.v2.path.pay" => (f.path_open, "v2"),
        "phonepe.v2.path.status" => (f.path_status_of, "v2"),
        "phonepe.v2.path.refund" => (f.path_refund_of, "v2"),
        _ => return None,
    };
    Some(fill(text, [protocol]))
}

#[cfg(test)]
mod tests {
    use crate::language::Language;

    #[test]
    fn every_field_of_every_gateway_has_a_text() {
        for adapter in payment_gateways::ADAPTERS {
            for (key, _) in payment_gateways::AccountsOf::Own(adapter).fields() {
                let text = super::field(Language::Hindi.texts(), &key);
                assert!(text.is_some_and(|text| !text.contains("{}")), "{key}");
            }
        }
    }
}
