//! Variables of the environment that were perhaps meant for us and set nothing.
//!
//! One environment holds every program's variables, and variables of other programs must not be reported:
//! only names that begin as ours or as the original's do are checked, and those that have the name of a
//! setting but need our prefix.

use std::collections::BTreeSet;

use payment_settings::{Declared, NameOrigin, Notice, NoticeKind, OWN_PREFIX, Origin, Shape, Support};

use super::environment::given_name;
use crate::config::{suggest, table};

/// Variables with our prefix that name files of settings rather than settings.
const OF_THE_COMMAND_LINE: [&str; 2] = ["PG_SERVICE_CONFIG", "PG_SERVICE_PROPERTIES"];

/// Words with which names of the original begin, and other programs' variables, too (`PG_VERSION`,
/// `SERVER_NAME`): of these only near misses of our settings are reported, as of the words with which only
/// names of our own begin (`CACHE`, `LIMITS`).
const COMMON: [&str; 5] = ["DATABASE", "IS", "PG", "SERVER", "STATE"];

/// Notices about variables.
pub(super) fn notices(variables: &[(String, String)]) -> Vec<Notice> {
    let known = Known::new();
    let services = Services::among(variables);
    variables
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !services.made(name))
        .filter_map(|name| {
            Some(Notice {
                kind: NoticeKind::Unknown,
                key: name.clone(),
                origin: Origin::Variable(name.clone()),
                text: known.text(name)?,
            })
        })
        .collect()
}

/// The variables of all settings.
struct Known {
    settings: Vec<(&'static dyn Declared, Vec<String>)>,
    /// The first words of the original's names.
    families: BTreeSet<String>,
    /// The first words of names of our own.
    own: BTreeSet<String>,
}

impl Known {
    fn new() -> Known {
        let settings: Vec<_> = table::all().map(|setting| (setting, setting.variables())).collect();
        let first_words = |origin: NameOrigin| -> BTreeSet<String> {
            settings
                .iter()
                .filter(|(setting, _)| setting.name_origin == origin && setting.support == Support::Supported)
                .flat_map(|(_, names)| names)
                .filter(|name| !name.starts_with(OWN_PREFIX))
                .map(|name| first_word(name).to_owned())
                .collect()
        };
        let (families, own) = (first_words(NameOrigin::Digit), first_words(NameOrigin::Own));
        Known { families, own, settings }
    }

    /// The notice about a variable.
    fn text(&self, name: &str) -> Option<String> {
        if self.is_left_alone(name) {
            return Some(format!(
                "is not read, because other programs have variables of this name; {OWN_PREFIX}{name} is the setting"
            ));
        }
        self.doubts(name).map(suggest::unknown)
    }

    /// Whether a variable would be a setting if it had our prefix.
    fn is_left_alone(&self, name: &str) -> bool {
        self.settings.iter().filter(|(setting, _)| setting.only_prefixed).any(|(setting, _)| {
            let left_alone = setting.variables_left_alone();
            left_alone.iter().any(|variable| {
                name == variable
                    || (setting.shape == Shape::Below && is_below(variable, name))
                    || (setting.shape == Shape::Named && given_name(variable, name).is_some())
            })
        })
    }

    /// `None` for a known or foreign name; otherwise the setting that may be meant.
    fn doubts(&self, name: &str) -> Option<Option<String>> {
        if self.is_setting(name) {
            return None;
        }
        if name.starts_with(OWN_PREFIX) {
            let known = self.is_below_what_has_no_effect(name) || OF_THE_COMMAND_LINE.contains(&name);
            return (!known).then(|| suggest::closest(name, self.names()));
        }
        let family = first_word(name);
        if !self.families.contains(family) && !self.own.contains(family) {
            return None;
        }
        if COMMON.contains(&family)
            || !self.families.contains(family)
            || self.is_below_what_has_no_effect(name)
        {
            return suggest::all_but_the_same(name, self.names()).map(Some);
        }
        Some(suggest::closest(name, self.names()))
    }

    /// The names that have an effect.
    fn names(&self) -> impl Iterator<Item = String> {
        let used = self.settings.iter().filter(|(setting, _)| setting.support == Support::Supported);
        used.flat_map(|(_, names)| names).cloned()
    }

    fn is_setting(&self, name: &str) -> bool {
        self.settings.iter().any(|(setting, names)| {
            let goes_on = match setting.shape {
                Shape::Single | Shape::Named => false,
                Shape::PerTenant => true,
                Shape::Below => setting.support == Support::Supported,
            };
            names.iter().any(|variable| {
                name == variable
                    || (setting.secret && name.strip_suffix("_FILE") == Some(variable))
                    || (goes_on && is_below(variable, name))
                    || given_name(variable, name).is_some()
                    || (setting.secret && given_name(&format!("{variable}_FILE"), name).is_some())
            })
        })
    }

    /// Names of Spring, Kafka and others, of which there is no list.
    fn is_below_what_has_no_effect(&self, name: &str) -> bool {
        self.settings.iter().any(|(setting, names)| {
            setting.shape == Shape::Below
                && setting.support != Support::Supported
                && names.iter().any(|variable| is_below(variable, name))
        })
    }
}

fn first_word(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

fn is_below(above: &str, name: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.starts_with('_'))
}

/// The services whose addresses Kubernetes sets in every pod: that of `egov-idgen` is in
/// `EGOV_IDGEN_SERVICE_HOST`, `EGOV_IDGEN_PORT` and others.
struct Services<'a>(Vec<&'a str>);

impl<'a> Services<'a> {
    /// A host comes with its port; a host alone was set by an operator.
    fn among(variables: &'a [(String, String)]) -> Services<'a> {
        let names: BTreeSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let service = |name: &'a str| {
            let service = name.strip_suffix("_SERVICE_HOST")?;
            let with = |end: &str| names.contains(format!("{service}{end}").as_str());
            (with("_SERVICE_PORT") || with("_PORT")).then_some(service)
        };
        Services(variables.iter().filter_map(|(name, _)| service(name)).collect())
    }

    fn made(&self, name: &str) -> bool {
        let of_a_service = |service: &&str| {
            name.strip_prefix(service).and_then(|rest| rest.strip_prefix('_')).is_some_and(|rest| {
                ["SERVICE_HOST", "SERVICE_PORT", "PORT"].contains(&rest)
                    || rest.starts_with("SERVICE_PORT_")
                    || rest.starts_with("PORT_")
            })
        };
        is_port(name) || self.0.iter().any(of_a_service)
    }
}

/// `EGOV_IDGEN_PORT_8080_TCP_ADDR` is set by Docker as well, which sets no host beside it.
fn is_port(name: &str) -> bool {
    let Some((_, port)) = name.rsplit_once("_PORT_") else { return false };
    let mut words = port.split('_');
    let number =
        words.next().is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()));
    number && words.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str]) -> Vec<String> {
        let variables: Vec<_> = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        notices(&variables).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelt_name_of_the_original_is_reported_with_a_suggestion() {
        for (slip, meant) in [
            ("EGOV_COLLECTIONSERVICE_HOSTS", "EGOV_COLLECTIONSERVICE_HOST"),
            ("EGOV_USER_SERVICE_HOST", "EGOV_USERSERVICE_HOST"),
            ("AXIS_MECHANT_ID", "AXIS_MERCHANT_ID"),
            ("PAYU_MERCHANT_SALTT", "PAYU_MERCHANT_SALT"),
            ("PERSISTER_SAVE_PG_TXN", "PERSISTER_SAVE_PG_TXNS"),
            ("NOTIFICATION_SMS_ENABLE", "NOTIFICATION_SMS_ENABLED"),
            ("PG_EARLY_RECONCILEJOBRUNINTERVAL_MINS", "PG_EARLYRECONCILEJOBRUNINTERVAL_MINS"),
            ("SPRING_DATASOURCE_PASWORD", "SPRING_DATASOURCE_PASSWORD"),
            ("KAFKA_CONFIG_BOOTSTRAP_SERVERS_CONFIG", "KAFKA_CONFIG_BOOTSTRAP_SERVER_CONFIG"),
            ("SERVER_PROT", "SERVER_PORT"),
            ("CALLBACK_ALOWED_HOSTS", "CALLBACK_ALLOWED_HOSTS"),
            ("ORDER_LIFE_MIN", "ORDER_LIFE_MINS"),
            ("PG_SERVICE_DATADIR", "PG_SERVICE_DATA_DIR"),
        ] {
            let told = told(&[slip]);
            assert_eq!(told.len(), 1, "{slip}: {told:?}");
            assert!(told[0].contains(&format!("did you mean {meant}?")), "{}", told[0]);
            assert!(told[0].contains(&format!("environment {slip}")), "{}", told[0]);
        }
        for stranger in ["RAZORPAY_SOMETHING_ELSE", "EGOV_SOMETHING_ELSE", "PG_SERVICE_SOMETHING_ELSE"] {
            let told = told(&[stranger]);
            assert!(told.len() == 1 && told[0].contains("it has no effect"), "{told:?}");
        }
    }

    #[test]
    fn a_setting_with_a_common_name_is_reported_to_need_our_prefix() {
        for common in
            ["DATA_DIR", "LOG_LEVEL", "LOG_FORMAT", "KAFKA_CLIENT_SASL_USERNAME", "REMOTE_CITY_PAY_SECRET"]
        {
            let told = told(&[common]);
            assert_eq!(told.len(), 1, "{common}: {told:?}");
            assert!(told[0].contains(&format!("PG_SERVICE_{common} is the setting")), "{}", told[0]);
        }
    }

    #[test]
    fn known_settings_and_foreign_variables_are_not_reported() {
        let none: [String; 0] = [];
        let known = [
            "PG_SERVICE_CONFIG",
            "PG_SERVICE_BANK_ACCOUNT_PB",
            "PG_SERVICE_SPRING_JPA_SHOW_SQL",
            "PAYU_MERCHANT_SALT_FILE",
            "EGOV_MDMS_HOST",
            "EGOV_STATE_LIST",
            "SPRING_JPA_SHOW_SQL",
            "SPRING_KAFKA_PROPERTIES_SASL_MECHANISM",
            "SERVER_SERVLET_CONTEXT_PATH",
            "CALLBACK_ALLOWED_HOSTS",
            "CALLBACK_ALLOWED_HOSTS_PB_AMRITSAR",
            "TIME_ZONE",
            "ORDER_LIFE_MINS",
            "PAYU_ORDER_LIFEMINS",
            "OPERATORS_TOKEN_FILE",
            "APP_TIMEZONE",
        ];
        assert_eq!(told(&known), none);
        let others = [
            "APP_ENV",
            "CACHE_DIR",
            "DATABASE_NAME",
            "FLYWAY_SCHEMA_TABLE",
            "HOME",
            "JAVA_OPTS",
            "KAFKA_HEAP_OPTS",
            "KAFKA_HOME",
            "LOG_DIR",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "PGHOST",
            "PG_MAJOR",
            "PG_VERSION",
            "POSTGRES_PASSWORD",
            "SERVER_NAME",
            "SERVER_SOFTWARE",
            "STATE_DIRECTORY",
        ];
        assert_eq!(told(&others), none);
    }

    #[test]
    fn service_variables_of_kubernetes_are_not_reported() {
        let none: [String; 0] = [];
        let of = |service: &str| {
            let ends = [
                "SERVICE_HOST",
                "SERVICE_PORT",
                "SERVICE_PORT_HTTP",
                "PORT",
                "PORT_8080_TCP",
                "PORT_8080_TCP_PROTO",
                "PORT_8080_TCP_PORT",
                "PORT_8080_TCP_ADDR",
            ];
            ends.map(|end| format!("{service}_{end}"))
        };
        // The last one's host has the name of a setting, as Kubernetes makes it.
        for service in ["EGOV_IDGEN", "EGOV_USER", "EGOV_MDMS_SERVICE", "PG_SERVICE", "KAFKA", "EGOV_BILLING"]
        {
            let names = of(service);
            assert_eq!(told(&names.each_ref().map(String::as_str)), none);
        }
        assert_eq!(told(&["EGOV_IDGEN_PORT_8080_UDP_ADDR"]), none);
        assert_eq!(told(&["EGOV_USER_SERVICE_HOST"]).len(), 1, "no port: an operator has written it");
    }
}
