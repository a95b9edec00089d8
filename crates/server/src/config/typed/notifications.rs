//! Text messages to payers.

use std::time::Duration;

use payment_gateways::config::absolute_url;

use crate::config::reader::Reader;
use crate::config::table;

const ENABLED: &str = "notification.sms.enabled";

/// Whether and how payers are told by text message what reconciliation found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    /// Whether they are. Only true where there is a Kafka.
    pub sms_enabled: bool,
    /// What the link begins with, without a slash at its end; `None` for messages without a link.
    pub link_base: Option<String>,
    /// How the link goes on, with its placeholders.
    pub pay_link: String,
    /// The language for requests that name none.
    pub locale: String,
    /// Nobody is told of a change that is older.
    pub max_age: Duration,
}

pub(super) fn notifications(reader: &mut Reader<'_>, kafka: bool) -> Notifications {
    let sms_enabled = reader.flag(ENABLED);
    if sms_enabled && !kafka {
        reader.problem(
            ENABLED,
            "text messages are handed to Kafka, and no brokers are set: none would ever be sent",
            format!("set kafka.config.bootstrap_server_config, or {ENABLED}=false"),
        );
    }
    let link_base = reader.set("notification.url").and_then(|url| absolute_url(url).ok());
    if sms_enabled && link_base.is_none() {
        reader.doubt(ENABLED, "messages hold no link to pay, because notification.url is not set");
    }
    if sms_enabled && reader.set("egov.localization.host").is_none() {
        reader.doubt(
            ENABLED,
            "messages have built-in English texts, because egov.localization.host is not set",
        );
    }
    if !sms_enabled {
        reader
            .idle(table::beside(ENABLED, &[ENABLED]), "no text messages are sent (notification.sms.enabled)");
        reader.idle(["cache.messages-secs"], "no text messages are sent (notification.sms.enabled)");
    }
    Notifications {
        sms_enabled: sms_enabled && kafka,
        link_base,
        pay_link: reader.owned("egov.application.pay.link"),
        locale: reader.owned("notification.locale"),
        max_age: reader.mins("notification.max-age-hours").saturating_mul(60),
    }
}
