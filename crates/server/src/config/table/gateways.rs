//! The settings of the gateways.

use crate::config::setting::{Kind, Setting};

const fn order_life(key: &'static str) -> Setting {
    Setting::own(
        key,
        Kind::Number { min: 1, max: 525_600 },
        "For how many minutes an order of this gateway can be paid.",
    )
    .or_worked_out("`order.life-mins`, or as long as its provider keeps an order open: 30 minutes")
}

const fn calls_at_once(key: &'static str) -> Setting {
    Setting::own(
        key,
        Kind::Number { min: 1, max: 4_096 },
        "How many payments of this gateway reconciliation asks about at once.",
    )
    .or_worked_out("`reconciliation.calls-at-once`")
}

const fn calls_per_second(key: &'static str) -> Setting {
    Setting::own(
        key,
        Kind::Number { min: 0, max: 10_000 },
        "How many payments of this gateway reconciliation asks about in a second; 0 for as many as it answers.",
    )
    .or_worked_out("`reconciliation.calls-per-second`")
}

pub(super) const SANDBOX: &[Setting] = &[
    Setting::own(
        "sandbox.active",
        Kind::Flag,
        "Whether the SANDBOX gateway is offered, with its pay page. No money moves in it.",
    )
    .or_worked_out(
        "`true` while nothing real is configured: no service of DIGIT, no database, no broker and no other gateway, not even one that is switched off. `true` is refused by a program built without the sandbox, such as the production image",
    ),
    Setting::own(
        "sandbox.beside-digit",
        Kind::Flag,
        "Whether the sandbox may be offered while receipts are issued by a collection service (`egov.collectionservice.host`), which is refused otherwise. For trials: what is paid in the sandbox carries `\"sandbox\": true` in the `additionalDetails` of its receipt.",
    )
    .or("false"),
    Setting::own(
        "sandbox.secret",
        Kind::Text,
        "The key with which the sandbox and its adapter sign what they tell each other.",
    )
    .secret()
    .or_worked_out("generated once and kept in the data folder"),
    Setting::own("sandbox.merchant", Kind::Text, "The name by which the sandbox knows this service.")
        .or("pg-service"),
    Setting::own("sandbox.url", Kind::Url, "Where a sandbox stands that is not the built-in one.")
        .or_worked_out("the built-in one, at `<server.public-url>/sandbox`"),
    Setting::own(
        "sandbox.late-secs",
        Kind::Number { min: 0, max: 86_400 },
        "How many seconds the built-in sandbox takes when the payer chooses a late answer.",
    )
    .or("20"),
    order_life("sandbox.order.life-mins"),
    calls_at_once("sandbox.reconciliation.calls-at-once"),
    calls_per_second("sandbox.reconciliation.calls-per-second"),
];

const ACTIVE: &str = "Whether the gateway is offered to applications.";

pub(super) const AXIS: &[Setting] = &[
    Setting::digit("axis.active", Kind::Flag, ACTIVE).or("false"),
    Setting::digit("axis.currency", Kind::Text, "The currency of every order.").or("INR"),
    Setting::digit("axis.locale", Kind::Text, "The language of the pay page.").or("en_IN"),
    Setting::digit("axis.merchant.id", Kind::Text, "The merchant id."),
    Setting::digit("axis.merchant.secret.key", Kind::Text, "The secure hash secret, in hexadecimal.")
        .secret(),
    Setting::digit("axis.merchant.user", Kind::Text, "The operator who asks for the status of payments."),
    Setting::digit("axis.merchant.pwd", Kind::Text, "The operator's password.").secret(),
    Setting::digit("axis.merchant.access.code", Kind::Text, "The access code.").secret(),
    Setting::digit("axis.merchant.vpc.version", Kind::Text, "The version of the protocol.").or("1"),
    Setting::digit("axis.merchant.vpc.command.pay", Kind::Text, "The command that pays.").or("pay"),
    Setting::digit("axis.merchant.vpc.command.status", Kind::Text, "The command that asks for the status.")
        .or("queryDR"),
    Setting::digit("axis.url.debit", Kind::Url, "The address of the pay page.")
        .or("https://migs.mastercard.com.au/vpcpay"),
    Setting::digit("axis.url.status", Kind::Url, "The address that tells the status of a payment.")
        .or("https://migs.mastercard.com.au/vpcdps"),
    order_life("axis.order.life-mins"),
    calls_at_once("axis.reconciliation.calls-at-once"),
    calls_per_second("axis.reconciliation.calls-per-second"),
];

pub(super) const PAYTM: &[Setting] = &[
    Setting::digit("paytm.active", Kind::Flag, ACTIVE).or("false"),
    Setting::digit("paytm.merchant.id", Kind::Text, "The merchant id."),
    Setting::digit("paytm.merchant.secret.key", Kind::Text, "The merchant key.").secret(),
    Setting::digit(
        "paytm.merchant.website",
        Kind::Text,
        "The website's name at the gateway, e.g. `WEBSTAGING`.",
    ),
    Setting::digit("paytm.merchant.industry.type", Kind::Text, "The industry type.").or("Retail"),
    Setting::digit("paytm.merchant.channel.id", Kind::Text, "The channel.").or("WEB"),
    Setting::digit("paytm.url.debit", Kind::Url, "The address of the pay page, in the legacy protocol.")
        .or("https://securegw.paytm.in/theia/processTransaction"),
    Setting::digit(
        "paytm.url.status",
        Kind::Url,
        "The address that tells the status of a payment, in the legacy protocol.",
    )
    .or("https://securegw.paytm.in/merchant-status/getTxnStatus"),
    Setting::own("paytm.protocol", Kind::Choice(&["legacy", "v3"]), "The protocol that is spoken.")
        .or("legacy"),
    Setting::own("paytm.v3.host", Kind::Url, "The gateway's host, in the v3 protocol.")
        .or("https://secure.paytmpayments.com"),
    Setting::own("paytm.v3.path.initiate", Kind::Text, "The path that opens an order, in the v3 protocol.")
        .or("/theia/api/v1/initiateTransaction"),
    Setting::own("paytm.v3.path.page", Kind::Text, "The path of the pay page, in the v3 protocol.")
        .or("/theia/api/v1/showPaymentPage"),
    Setting::own(
        "paytm.v3.path.status",
        Kind::Text,
        "The path that tells the status of a payment, in the v3 protocol.",
    )
    .or("/v3/order/status"),
    order_life("paytm.order.life-mins"),
    calls_at_once("paytm.reconciliation.calls-at-once"),
    calls_per_second("paytm.reconciliation.calls-per-second"),
];

pub(super) const PHONEPE: &[Setting] = &[
    Setting::digit("phonepe.active", Kind::Flag, ACTIVE).or("false"),
    Setting::own("phonepe.protocol", Kind::Choice(&["legacy", "v1", "v2"]), "The protocol that is spoken.")
        .or("legacy"),
    Setting::digit("phonepe.merchant.id", Kind::Text, "The merchant id."),
    Setting::digit(
        "phonepe.merchant.secret.key",
        Kind::Text,
        "The salt key, in the legacy and v1 protocols.",
    )
    .secret(),
    Setting::digit(
        "phonepe.merchant.secret.index",
        Kind::Text,
        "The number of the salt key, in the legacy and v1 protocols.",
    ),
    Setting::digit("phonepe.merchant.host", Kind::Url, "The gateway's host, in the legacy protocol.")
        .or("https://mercury-t2.phonepe.com"),
    Setting::digit("phonepe.url.debit", Kind::Text, "The path that opens an order, in the legacy protocol.")
        .or("/v3/debit"),
    Setting::digit(
        "phonepe.url.status",
        Kind::Text,
        "The path that tells a payment's status, in the legacy protocol.",
    )
    .or("/v3/transaction"),
    Setting::own("phonepe.v1.host", Kind::Url, "The gateway's host, in the v1 protocol.")
        .or("https://api.phonepe.com/apis/hermes"),
    Setting::own("phonepe.v1.path.pay", Kind::Text, "The path that opens an order, in the v1 protocol.")
        .or("/pg/v1/pay"),
    Setting::own(
        "phonepe.v1.path.status",
        Kind::Text,
        "The path that tells a payment's status, in the v1 protocol.",
    )
    .or("/pg/v1/status"),
    Setting::own("phonepe.v2.client.id", Kind::Text, "The client id, in the v2 protocol."),
    Setting::own("phonepe.v2.client.secret", Kind::Text, "The client secret, in the v2 protocol.").secret(),
    Setting::own("phonepe.v2.client.version", Kind::Text, "The version of the client, in the v2 protocol.")
        .or("1"),
    Setting::own(
        "phonepe.v2.webhook.username",
        Kind::Text,
        "The user name that webhooks prove, in the v2 protocol.",
    ),
    Setting::own(
        "phonepe.v2.webhook.password",
        Kind::Text,
        "The password that webhooks prove, in the v2 protocol.",
    )
    .secret(),
    Setting::own(
        "phonepe.v2.expire.after",
        Kind::Number { min: 300, max: 3_600 },
        "For how many seconds an order can be paid, in the v2 protocol; never longer than the order is kept here.",
    )
    .or_worked_out("what is left of the order's life"),
    Setting::own("phonepe.v2.host", Kind::Url, "The gateway's host, in the v2 protocol.")
        .or("https://api.phonepe.com/apis/pg"),
    Setting::own("phonepe.v2.auth.host", Kind::Url, "The host that gives access tokens, in the v2 protocol.")
        .or("https://api.phonepe.com/apis/identity-manager"),
    Setting::own(
        "phonepe.v2.path.token",
        Kind::Text,
        "The path that gives access tokens, in the v2 protocol.",
    )
    .or("/v1/oauth/token"),
    Setting::own("phonepe.v2.path.pay", Kind::Text, "The path that opens an order, in the v2 protocol.")
        .or("/checkout/v2/pay"),
    Setting::own(
        "phonepe.v2.path.status",
        Kind::Text,
        "The path that tells a payment's status, in the v2 protocol.",
    )
    .or("/checkout/v2/order"),
    order_life("phonepe.order.life-mins"),
    calls_at_once("phonepe.reconciliation.calls-at-once"),
    calls_per_second("phonepe.reconciliation.calls-per-second"),
];

pub(super) const PAYU: &[Setting] = &[
    Setting::digit("payu.active", Kind::Flag, ACTIVE).or("false"),
    Setting::digit("payu.merchant.key", Kind::Text, "The merchant key."),
    Setting::digit("payu.merchant.salt", Kind::Text, "The salt.").secret(),
    Setting::digit("payu.url", Kind::Url, "The host of the pay page.").or("test.payu.in"),
    Setting::digit("payu.url.status", Kind::Url, "The host that tells the status of a payment.")
        .or("test.payu.in"),
    Setting::digit("payu.path.pay", Kind::Text, "The path of the pay page.").or("_payment"),
    Setting::digit("payu.path.status", Kind::Text, "The path that tells the status of a payment.")
        .or("merchant/postservice.php"),
    order_life("payu.order.life-mins"),
    calls_at_once("payu.reconciliation.calls-at-once"),
    calls_per_second("payu.reconciliation.calls-per-second"),
];

/// Of a gateway of the operator's own; `docs/remote-gateway.md` describes what is spoken with it.
pub(super) const REMOTE: &[Setting] = &[
    Setting::own(
        "remote.<name>.active",
        Kind::Flag,
        "Whether the gateway of this name is offered to applications, which write the name in upper case.",
    )
    .named()
    .or("false"),
    Setting::own(
        "remote.<name>.base-url",
        Kind::Url,
        "What `/start`, `/status` and `/verify` are appended to; see `docs/remote-gateway.md`.",
    )
    .named(),
    Setting::own("remote.<name>.secret", Kind::Text, "What both sides sign with: at least 32 characters.")
        .named()
        .secret(),
    Setting::own(
        "remote.<name>.timeout-ms",
        Kind::Number { min: 100, max: 60_000 },
        "How many milliseconds one call may take.",
    )
    .named()
    .or("10000"),
    Setting::own(
        "remote.<name>.transaction-parameter",
        Kind::Text,
        "The parameter, or the member of a JSON body, in which the provider returns the transaction id.",
    )
    .named()
    .or("orderId"),
    Setting::own(
        "remote.<name>.refuses-second-payment",
        Kind::Flag,
        "Whether the provider itself refuses a second payment of one order. A payer who comes back is then led to the order that was begun.",
    )
    .named()
    .or("false"),
    Setting::own(
        "remote.<name>.closes-orders",
        Kind::Flag,
        "Whether it answers `/close`: an abandoned payment is then closed there when its bill is to be paid by another.",
    )
    .named()
    .or("false"),
    order_life("remote.<name>.order.life-mins").named(),
    calls_at_once("remote.<name>.reconciliation.calls-at-once").named(),
    calls_per_second("remote.<name>.reconciliation.calls-per-second").named(),
];
