//! The console of operators.

use payment_domain::TenantId;
use payment_settings::parser::{FLAG, PORT, TEXT};
use payment_settings::{Optional, Reader, Setting, own, settings};

use super::logins::{LOGINS, Logins, logins};
use super::services::DigitServices;
use crate::config::parsers::TENANT;

settings! {
    pub(in crate::config) const CONSOLE;
    ENABLED: Optional<bool> = own("console.enabled", FLAG,
        "Whether operators' pages are served, at `<server.context-path>/console`. Beside DIGIT the paths of this \
         service are public: switch it on together with `console.port` or `console.host`, behind HTTPS, or keep \
         `/console` from the internet.")
        .or_worked_out("on while nothing real is configured, off otherwise");
    CONSOLE_PORT: Optional<u16> = own("console.port", PORT,
        "A port of its own for the console, at the same address: it is then served there alone. 0 takes a free \
         one.");
    HOST: Optional<String> = own("console.host", TEXT,
        "The host name by which alone the console is served, without a port: requests by another find no page.");
    TENANT_OF_LINK: Setting<TenantId> = own("console.tenant", TENANT,
        "The tenant of the one-time link that a start prints while nothing real is configured.").or("pb");
}

/// The console of operators.
#[derive(Debug, Clone)]
pub struct Console {
    /// `None`: while nothing real is configured.
    pub enabled: Option<bool>,
    /// Of its own, 0 for a free one; `None` serves it beside payments.
    pub port: Option<u16>,
    pub host: Option<String>,
    /// Of the link that a start prints.
    pub tenant: TenantId,
    pub logins: Logins,
}

pub(super) fn console(reader: &mut Reader<'_>, services: &DigitServices) -> Console {
    let enabled = reader.set(&ENABLED);
    if enabled == Some(false) {
        let why = "the console is switched off (console.enabled)";
        reader.idle(&[&CONSOLE_PORT, &HOST, &TENANT_OF_LINK], why);
        reader.idle(LOGINS, why);
    }
    let logins = match enabled {
        Some(false) => Logins::default(),
        None | Some(true) => logins(reader, services),
    };
    Console {
        enabled,
        port: reader.set(&CONSOLE_PORT),
        host: reader.set(&HOST),
        tenant: reader.get(&TENANT_OF_LINK),
        logins,
    }
}
