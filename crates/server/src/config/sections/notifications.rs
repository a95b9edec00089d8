//! Text messages to payers about payments settled by reconciliation.

use std::time::Duration;

use payment_service::{NotificationSettings, PaymentLink};
use payment_settings::parser::{FLAG, TEXT, URL, hours};
use payment_settings::{Declared, Optional, Reader, Setting, digit, own, settings};

use super::kafka::has_brokers;
use super::services::CACHE_MESSAGES;
use crate::config::parsers::{SERVICE, TOPIC};

settings! {
    pub(in crate::config) const NOTIFICATIONS;
    SMS_ENABLED: Setting<bool> = digit("notification.sms.enabled", FLAG,
        "Whether payers get text messages about payments that reconciliation settled. Kafka carries the \
         messages.").or("false");
    SMS_TOPIC: Setting<String> = digit("kafka.topics.notification.sms", TOPIC,
        "The topic from which text messages are sent.").or("egov.core.notification.sms");
    PAGES: Optional<String> = digit("notification.url", URL, "What the link in a message begins with.");
    PAY_LINK: Setting<String> = digit("egov.application.pay.link", TEXT,
        "How that link goes on. `$consumerCode`, `$tenantId` and `$businessService` are filled in.")
        .or("citizen/withoutAuth/egov-common/pay?consumerCode=$consumerCode&tenantId=$tenantId&businessService=$businessService");
    LOCALIZATION_HOST: Optional<String> = digit("egov.localization.host", SERVICE,
        "Where the texts of messages are known.");
    LOCALIZATION_CONTEXT: Setting<String> = digit("egov.localization.context.path", TEXT,
        "The path of the localization service.").or("/localization/messages/v1");
    LOCALIZATION_PATH: Setting<String> = digit("egov.localization.search.endpoint", TEXT,
        "Behind that, the path that finds texts.").or("/_search");
    LOCALE: Setting<String> = own("notification.locale", TEXT,
        "The language of messages to payers whose request did not name one.").or("en_IN");
    MAX_AGE: Setting<Duration> = own("notification.max-age-hours", hours(1, 8_760),
        "The number of hours after a change of a payment within which its payer gets a message. Later \
         events, for example after an outage of Kafka, cause none.").or("24");
    BILLING_HOST: Optional<String> = digit("egov.billing.service.host", SERVICE,
        "Where it is known to which service a bill belongs.");
    OTHER_BILLING_HOST: Optional<String> = digit("egov.billingservice.host", SERVICE,
        "The same, where `egov.billing.service.host` is not set.");
    BILL_PATH: Setting<String> = digit("egov.bill.searchendpoint", TEXT,
        "The path that finds a bill.").or("/billing-service/bill/v2/_search");
    SHORTENER_HOST: Optional<String> = digit("egov.url.shortner.host", SERVICE,
        "Where the link in a message is shortened. Without it the long link is sent.");
    SHORTENER_PATH: Setting<String> = digit("egov.url.shortner.endpoint", TEXT,
        "The path that shortens a link.").or("/egov-url-shortening/shortener");
}

/// The text messages to payers; `None` where they are switched off.
pub(super) fn notifications(reader: &mut Reader<'_>) -> Option<NotificationSettings> {
    if !reader.get(&SMS_ENABLED) {
        let why = "no text messages are sent (notification.sms.enabled)";
        let others: Vec<&dyn Declared> =
            NOTIFICATIONS.iter().copied().filter(|one| one.key != SMS_ENABLED.key).collect();
        reader.idle(&others, why);
        reader.idle(&[&CACHE_MESSAGES], why);
        return None;
    }
    if !has_brokers(reader) {
        reader.problem(
            &SMS_ENABLED,
            "text messages are handed to Kafka, and no brokers are set: none would ever be sent",
            "set kafka.config.bootstrap_server_config, or notification.sms.enabled=false",
        );
    }
    let base = reader.set(&PAGES);
    if base.is_none() {
        reader.doubt(&SMS_ENABLED, "messages hold no link to pay, because notification.url is not set");
    }
    if !reader.is_set(&LOCALIZATION_HOST) {
        let text = "messages have built-in English texts, because egov.localization.host is not set";
        reader.doubt(&SMS_ENABLED, text);
    }
    let link = base.map(|base| PaymentLink::new(&base, &reader.get(&PAY_LINK))).transpose();
    if let Err(error) = &link {
        reader.problem(&PAY_LINK, error.to_string(), "see notification.url and egov.application.pay.link");
    }
    Some(NotificationSettings {
        payment_link: link.unwrap_or_default(),
        default_locale: reader.get(&LOCALE),
        max_age: Some(reader.get(&MAX_AGE)),
        ..NotificationSettings::default()
    })
}
