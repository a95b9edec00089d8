//! Variables of the environment, in the form in which Spring binds them and with our own prefix.

use payment_settings::{Declared, NAME, Origin, Shape, Spec, Support, name_in, variable as variable_of};

use super::{SourceOutput, chart, unknown};
use crate::config::table;

pub(super) fn read(variables: &[(String, String)]) -> SourceOutput {
    let (of_the_chart, others): (Vec<_>, Vec<_>) =
        variables.iter().cloned().partition(|(name, _)| chart::sets(name));
    let mut out = read_settings(&others);
    out.notices.extend(of_the_chart.iter().map(|(name, _)| chart::notice(name)));
    out
}

fn read_settings(variables: &[(String, String)]) -> SourceOutput {
    let mut out = SourceOutput::default();
    let value_of = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    // Open-ended names without effect are not looked for: the environment holds every program's variables.
    let open_ended_without_effect = |setting: &&'static dyn Declared| {
        setting.shape == Shape::Below && setting.support != Support::Supported
    };
    for setting in table::all().filter(|setting| !open_ended_without_effect(setting)) {
        let names = setting.variables();
        match setting.shape {
            Shape::Named => {
                read_named(setting, &names, variables, &mut out);
                continue;
            }
            Shape::Below => {
                read_below(setting, &names, variables, &mut out);
                continue;
            }
            Shape::Single | Shape::PerTenant => {}
        }
        // The later entry counts, and the first spelling counts most.
        for name in names.iter().rev() {
            if let Some(value) = value_of(name) {
                out.entry(setting.key, value, Origin::Variable(name.clone()));
            }
            let file = format!("{name}_FILE");
            if setting.secret
                && let Some(value) = value_of(&file)
            {
                out.entry(format!("{}.file", setting.key), value, Origin::Variable(file));
            }
        }
        if setting.shape == Shape::PerTenant {
            read_tenants(setting, &names, variables, &mut out);
        }
    }
    out.notices.extend(unknown::notices(variables));
    out
}

/// `PG_SERVICE_BANK_ACCOUNT_PB_AMRITSAR` is `bank-account.pb.amritsar`.
fn read_tenants(setting: &Spec, names: &[String], variables: &[(String, String)], out: &mut SourceOutput) {
    for (name, value) in variables {
        let tenant = names.iter().find_map(|of_all| name.strip_prefix(of_all.as_str())?.strip_prefix('_'));
        if let Some(tenant) = tenant.filter(|tenant| !tenant.is_empty()) {
            let tenant = tenant.to_lowercase().replace('_', ".");
            out.entry(format!("{}.{tenant}", setting.key), value, Origin::Variable(name.clone()));
        }
    }
}

/// `PG_SERVICE_KAFKA_CLIENT_SASL_USERNAME` is `kafka.client.sasl.username`, and with `_FILE` behind
/// it the variable names a file.
fn read_below(setting: &Spec, names: &[String], variables: &[(String, String)], out: &mut SourceOutput) {
    for above in names.iter().rev() {
        for (name, value) in variables {
            let below = name.strip_prefix(above.as_str()).and_then(|rest| rest.strip_prefix('_'));
            if let Some(below) = below.filter(|below| !below.is_empty()) {
                let below = below.to_lowercase().replace('_', ".");
                out.entry(format!("{}.{below}", setting.key), value, Origin::Variable(name.clone()));
            }
        }
    }
}

/// `PG_SERVICE_REMOTE_CITY_PAY_BASE_URL` is `remote.city-pay.base-url`.
fn read_named(setting: &Spec, patterns: &[String], variables: &[(String, String)], out: &mut SourceOutput) {
    for (variable, value) in variables {
        for pattern in patterns.iter().rev() {
            if let Some(name) = given_name(pattern, variable) {
                let key = setting.key.replace(NAME, &name);
                out.entry(key, value, Origin::Variable(variable.clone()));
            }
            if let Some(name) = given_name(&format!("{pattern}_FILE"), variable)
                && setting.secret
            {
                let key = setting.key.replace(NAME, &name);
                out.entry(format!("{key}.file"), value, Origin::Variable(variable.clone()));
            }
        }
    }
}

/// The name in a variable, in the spelling of settings.
pub(super) fn given_name(pattern: &str, variable: &str) -> Option<String> {
    let name = name_in(pattern, &variable_of(NAME), variable)?;
    Some(name.to_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use payment_settings::NoticeKind;
    use secrecy::ExposeSecret;

    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> SourceOutput {
        let variables: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(&variables)
    }

    fn entries(read: &SourceOutput) -> Vec<(&str, &str)> {
        read.entries.iter().map(|entry| (entry.name.as_str(), entry.value.expose_secret())).collect()
    }

    #[test]
    fn names_are_bound_in_springs_form_and_in_ours() {
        let read = read_pairs(&[
            ("AXIS_MERCHANT_ID", "M1"),
            ("PG_EARLYRECONCILEJOBRUNINTERVAL_MINS", "20"),
            ("PG_SERVICE_DATA_DIR", "/d"),
            ("TIME_ZONE", "UTC"),
            ("ORDER_LIFE_MINS", "30"),
            ("CALLBACK_ALLOWEDHOSTS", "b.in"),
            ("PG_SERVICE_CALLBACK_ALLOWED_HOSTS_PB_AMRITSAR", "a.in"),
            ("CALLBACK_ALLOWED_HOSTS_PB_NABHA", "c.in"),
            ("PAYU_MERCHANT_SALT_FILE", "/run/salt"),
            ("HOME", "/root"),
        ]);
        assert_eq!(
            entries(&read),
            [
                ("data.dir", "/d"),
                ("time-zone", "UTC"),
                ("order.life-mins", "30"),
                ("callback.allowed-hosts", "b.in"),
                ("callback.allowed-hosts.pb.amritsar", "a.in"),
                ("callback.allowed-hosts.pb.nabha", "c.in"),
                ("pg.earlyReconcileJobRunInterval.mins", "20"),
                ("axis.merchant.id", "M1"),
                ("payu.merchant.salt.file", "/run/salt"),
            ]
        );
        assert!(read.notices.is_empty());
    }

    #[test]
    fn a_remote_gateway_is_named_in_the_middle() {
        let read = read_pairs(&[
            ("PG_SERVICE_REMOTE_CITY_PAY_BASE_URL", "https://pay.city"),
            ("PG_SERVICE_REMOTE_CITY_PAY_ACTIVE", "true"),
            ("PG_SERVICE_REMOTE_CITY_PAY_SECRET_FILE", "/run/secret"),
            ("PG_SERVICE_REMOTE_CITY_PAY_TIMEOUTMS", "900"),
        ]);
        let mut found = entries(&read);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("remote.city-pay.active", "true"),
                ("remote.city-pay.base-url", "https://pay.city"),
                ("remote.city-pay.secret.file", "/run/secret"),
                ("remote.city-pay.timeout-ms", "900"),
            ]
        );
        assert!(read.notices.is_empty(), "{:?}", read.notices);
    }

    #[test]
    fn variables_of_the_kafka_client_have_a_prefix() {
        let read = read_pairs(&[
            ("PG_SERVICE_KAFKA_CLIENT_SECURITY_PROTOCOL", "SASL_SSL"),
            ("PG_SERVICE_KAFKA_CLIENT_SASL_PASSWORD_FILE", "/run/secret"),
            ("SPRING_KAFKA_PROPERTIES_SASL_MECHANISM", "PLAIN"),
            ("SPRING_KAFKA_PRODUCER_KEY_SERIALIZER", "x"),
            ("SPRING_JPA_SHOW_SQL", "true"),
        ]);
        let mut found = entries(&read);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("kafka.client.sasl.password.file", "/run/secret"),
                ("kafka.client.security.protocol", "SASL_SSL"),
                ("spring.kafka.properties.sasl.mechanism", "PLAIN"),
            ]
        );
        let told: Vec<_> = read.notices.iter().map(|notice| (notice.kind, notice.key.as_str())).collect();
        assert_eq!(
            told,
            [
                (NoticeKind::Chart, "SPRING_KAFKA_PRODUCER_KEY_SERIALIZER"),
                (NoticeKind::Chart, "SPRING_JPA_SHOW_SQL"),
            ]
        );
    }

    #[test]
    fn our_prefix_counts_more_than_the_plain_name() {
        let read = read_pairs(&[("PG_SERVICE_SERVER_PORT", "2"), ("SERVER_PORT", "1")]);
        assert_eq!(entries(&read), [("server.port", "1"), ("server.port", "2")]);
    }
}
