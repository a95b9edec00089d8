//! Text messages to payers about what reconciliation found out.

use crate::config::setting::{Kind, Setting};

pub(super) const NOTIFICATIONS: &[Setting] = &[
    Setting::digit(
        "notification.sms.enabled",
        Kind::Flag,
        "Whether payers are told by text message what reconciliation found out. Kafka carries the messages.",
    )
    .or("false"),
    Setting::digit(
        "kafka.topics.notification.sms",
        Kind::Topic,
        "The topic from which text messages are sent.",
    )
    .or("egov.core.notification.sms"),
    Setting::digit("notification.url", Kind::Url, "What the link in a message begins with."),
    Setting::digit(
        "egov.application.pay.link",
        Kind::Text,
        "How that link goes on. `$consumerCode`, `$tenantId` and `$businessService` are filled in.",
    )
    .or("citizen/withoutAuth/egov-common/pay?consumerCode=$consumerCode&tenantId=$tenantId&businessService=$businessService"),
    Setting::digit("egov.localization.host", Kind::Service, "Where the texts of messages are known."),
    Setting::digit("egov.localization.context.path", Kind::Text, "The path of the localization service.")
        .or("/localization/messages/v1"),
    Setting::digit("egov.localization.search.endpoint", Kind::Text, "Behind that, the path that finds texts.")
        .or("/_search"),
    Setting::own(
        "notification.locale",
        Kind::Text,
        "The language of messages to payers whose request did not name one.",
    )
    .or("en_IN"),
    Setting::own(
        "notification.max-age-hours",
        Kind::Number { min: 1, max: 8_760 },
        "For how many hours after a payment changed its payer is told. Of what is heard of later, for example because Kafka was away, nobody is told.",
    )
    .or("24"),
    Setting::digit(
        "egov.billing.service.host",
        Kind::Service,
        "Where it is known to which service a bill belongs.",
    ),
    Setting::digit(
        "egov.billingservice.host",
        Kind::Service,
        "The same, where `egov.billing.service.host` is not set.",
    ),
    Setting::digit("egov.bill.searchendpoint", Kind::Text, "The path that finds a bill.")
        .or("/billing-service/bill/v2/_search"),
    Setting::digit(
        "egov.url.shortner.host",
        Kind::Service,
        "Where the link in a message is shortened. Without it the long link is sent.",
    ),
    Setting::digit("egov.url.shortner.endpoint", Kind::Text, "The path that shortens a link.")
        .or("/egov-url-shortening/shortener"),
];
