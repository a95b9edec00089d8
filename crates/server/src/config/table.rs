//! Every setting there is, in the order of the reference: it drives the sources, `check-config`, the
//! suggestions for misspelt names and `docs/configuration.md`.

use std::sync::LazyLock;

use payment_gateways::{ADAPTERS, remote};
use payment_settings::{Declared, Shape, relaxed};

use super::sections::{
    accounts, audit, console, database, identity, ignored, kafka, logins, notifications, payments, refunds,
    sandbox, server, services, traces,
};

/// Settings that belong together.
pub struct Section {
    pub title: &'static str,
    /// Whether the first of them decides whether the others matter.
    pub switched: bool,
    pub settings: &'static [&'static dyn Declared],
}

/// All settings, in the order in which people read them.
pub static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| {
    let section = |title, settings| Section { title, switched: false, settings };
    let switched = |title, settings| Section { title, switched: true, settings };
    let mut sections = vec![
        section("Server", server::SERVER),
        section("Payments", payments::PAYMENTS),
        section("Who a caller is", identity::IDENTITY),
        section("Roles", identity::ROLES),
        section("Reconciliation", payments::RECONCILIATION),
        section("Refunds", refunds::REFUNDS),
        section("Jobs and operators", payments::JOBS),
        section("Audit log", audit::AUDIT),
        section("Console", console::CONSOLE),
        section("Logins to the console", logins::LOGINS),
        section("Limits", server::LIMITS),
        switched("Traces", traces::TRACES),
        section("Sandbox gateway", sandbox::SANDBOX),
    ];
    sections.extend(ADAPTERS.iter().map(|adapter| switched(adapter.name, adapter.settings)));
    sections.extend([
        switched("Remote gateways", remote::SETTINGS),
        section("Merchant accounts in the database", accounts::ACCOUNTS),
        switched("Database", database::DATABASE),
        switched("Kafka", kafka::KAFKA),
        section("Embedded implementations of DIGIT's services", services::EMBEDDED),
        section("Services of DIGIT", services::SERVICES),
        switched("Text messages", notifications::NOTIFICATIONS),
        section("Known to Spring and to DIGIT", ignored::IGNORED),
    ]);
    sections
});

/// All settings.
pub fn all() -> impl Iterator<Item = &'static dyn Declared> {
    SECTIONS.iter().flat_map(|section| section.settings).copied()
}

/// The setting of a name: one of exactly that name before one that Spring takes for it, and that before the
/// closest of those with a placeholder.
pub fn find(name: &str) -> Option<&'static dyn Declared> {
    let exactly = || all().find(|setting| setting.key == name || setting.alias == Some(name));
    let closest = || all().filter(|setting| setting.covers(name)).max_by_key(|setting| setting.key.len());
    exactly().or_else(|| springs_own(name)).or_else(closest)
}

/// Spring reads its own names without regard to case and dashes: `maximumPoolSize` is
/// `maximum-pool-size`.
fn springs_own(name: &str) -> Option<&'static dyn Declared> {
    if !name.starts_with("spring.") {
        return None;
    }
    let name = relaxed(name);
    let is_it = |known: &str| known.starts_with("spring.") && relaxed(known) == name;
    all()
        .filter(|setting| setting.shape == Shape::Single)
        .find(|setting| is_it(setting.key) || setting.alias.is_some_and(is_it))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use payment_settings::{Fallback, NAME, OWN_PREFIX, Support, name_in, variable as variable_of};

    #[test]
    fn no_two_settings_share_a_name_or_a_variable() {
        let mut names = HashSet::new();
        for setting in all() {
            for name in [Some(setting.key), setting.alias].into_iter().flatten() {
                assert!(names.insert(name.to_owned()), "{name} is there twice");
            }
            for variable in setting.variables() {
                assert!(names.insert(variable.clone()), "{variable} is there twice");
            }
        }
    }

    /// Variables that are there for other programs: a shell's, a container's, those of other services.
    const AMBIENT: &[&str] = &[
        "DATA_DIR",
        "DEBUG",
        "HOME",
        "HOSTNAME",
        "KAFKA_CLIENT_USERS",
        "LANG",
        "LOGNAME",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "PATH",
        "PORT",
        "PWD",
        "REMOTE_ADDR",
        "REMOTE_DEBUG_ACTIVE",
        "SHELL",
        "TEMP",
        "TMPDIR",
        "TZ",
        "USER",
    ];

    #[test]
    fn every_setting_is_a_variable_without_our_prefix_and_none_is_taken_from_other_programs() {
        for setting in all() {
            let plain = setting.variables().iter().any(|name| !name.starts_with(OWN_PREFIX));
            assert!(plain || !setting.variables_left_alone().is_empty(), "{}", setting.key);
            for variable in setting.variables() {
                assert!(!AMBIENT.contains(&variable.as_str()), "{variable}");
                assert!(
                    !AMBIENT.iter().any(|ambient| name_in(&variable, &variable_of(NAME), ambient).is_some()),
                    "{variable}"
                );
            }
        }
    }

    #[test]
    fn every_setting_is_described_by_a_sentence() {
        for setting in all() {
            assert!(setting.doc.ends_with('.'), "{}", setting.key);
            if let Support::Ignored(why) = setting.support {
                assert!(!why.is_empty() && !why.ends_with('.'), "{}: {why}", setting.key);
            }
        }
    }

    #[test]
    fn every_default_is_accepted() {
        for setting in all() {
            if let Fallback::Value(text) = setting.fallback {
                assert_eq!(setting.check(text), Ok(()), "{}", setting.key);
            }
        }
    }

    #[test]
    fn an_exact_name_counts_before_a_beginning() {
        assert_eq!(find("spring.datasource.url").unwrap().shape, Shape::Single);
        assert_eq!(find("spring.jpa.show-sql").unwrap().shape, Shape::Below);
        assert_eq!(find("server.servlet.context-path").unwrap().key, "server.context-path");
        assert_eq!(find("kafka.dead-letter-topic").unwrap().shape, Shape::Single);
        assert_eq!(find("kafka.client.sasl.mechanism").unwrap().key, "kafka.client");
        assert_eq!(find("kafka.producer.config.linger_ms_config").unwrap().key, "kafka");
        assert!(find("servr.port").is_none());
    }

    #[test]
    fn springs_names_are_read_as_spring_reads_them() {
        for name in [
            "spring.datasource.hikari.maximum-pool-size",
            "spring.datasource.hikari.maximumPoolSize",
            "database.pool-size",
        ] {
            assert_eq!(find(name).unwrap().key, "database.pool-size", "{name}");
        }
        assert_eq!(find("database.url").unwrap().key, "spring.datasource.url");
        assert_eq!(find("spring.kafka.bootstrapServers").unwrap().key, "spring.kafka.bootstrap-servers");
    }
}
