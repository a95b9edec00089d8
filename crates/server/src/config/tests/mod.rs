//! Promises of the configuration, from the sources to the typed values.

mod beside_digit;
mod events;
mod identity;
mod jobs;
mod logins;
mod placeholders;
mod real_money;
mod redirect;
mod secrets;
mod traces;

use std::path::Path;

use super::*;

/// Sources that hold only the values of a test.
#[derive(Default)]
struct Given {
    toml: Option<&'static str>,
    properties: Option<&'static str>,
    environment: &'static [(&'static str, &'static str)],
    flags: &'static [(&'static str, &'static str)],
}

impl Given {
    fn load(&self) -> Loaded {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: Option<&str>| {
            text.map(|text| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).unwrap();
                path
            })
        };
        load(&Sources {
            folder: None,
            toml_file: file("x.toml", self.toml),
            properties_file: file("x.properties", self.properties),
            environment: self.environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            flags: self
                .flags
                .iter()
                .map(|(name, value)| Flag {
                    name: (*name).to_owned(),
                    value: (*value).to_owned(),
                    flag: "--set".to_owned(),
                })
                .collect(),
        })
    }

    fn config(&self) -> Config {
        self.load().into_config().unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn problems(&self) -> Vec<String> {
        self.load().problems.iter().map(ToString::to_string).collect()
    }

    /// The one thing that is wrong.
    fn problem(&self) -> String {
        let problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems[0].clone()
    }

    /// The names with a notice of this kind, sorted.
    fn noticed(&self, kind: NoticeKind) -> Vec<String> {
        let notices = self.load().notices;
        let mut names: Vec<String> =
            notices.into_iter().filter(|notice| notice.kind == kind).map(|notice| notice.key).collect();
        names.sort();
        names
    }
}

#[test]
fn nothing_has_to_be_configured() {
    let config = Given::default().config();
    assert_eq!(config.server.address.to_string(), "127.0.0.1");
    assert_eq!(config.server.port, 9000);
    assert_eq!(config.server.context_path.as_str(), "/pg-service");
    assert_eq!(config.data_dir, Path::new("./data"));
    assert_eq!(config.settings.order_life, None);
    assert_eq!(config.jobs.housekeeping.idempotency_keys.as_secs(), 24 * 3600);
    assert_eq!(config.settings.allowed_callback_hosts.of_others(), ["localhost", "127.0.0.1", "[::1]"]);
    assert!(config.sandbox.active && config.gateways.is_empty());
    assert!(matches!(config.database, Database::Embedded) && config.kafka.is_none());
    let services = &config.services;
    assert!(services.idgen.is_none() && services.collections.is_none() && services.users.is_none());
    assert!(services.bank_accounts.is_none() && services.localization.is_none());
    assert!(config.notifications.is_none() && config.operators_token.is_none());
    assert!(Given::default().load().notices.is_empty());
}

#[test]
fn a_later_source_counts_more() {
    let mut given = Given { toml: Some("[server]\nport = 1\n"), ..Given::default() };
    assert_eq!(given.config().server.port, 1);
    given.properties = Some("server.port=2\n");
    assert_eq!(given.config().server.port, 2);
    given.environment = &[("SERVER_PORT", "3")];
    assert_eq!(given.config().server.port, 3);
    given.environment = &[("SERVER_PORT", "3"), ("PG_SERVICE_SERVER_PORT", "4")];
    assert_eq!(given.config().server.port, 4);
    given.flags = &[("server.port", "5")];
    assert_eq!(given.config().server.port, 5);
    assert!(given.load().effective().contains("command line --set"));
}

#[test]
fn a_blank_value_is_no_value() {
    let given = Given {
        toml: Some("[server]\nport = 1\n"),
        properties: Some("server.port=\negov.idgen.host=\n"),
        ..Given::default()
    };
    assert_eq!(given.config().server.port, 9000);
}

#[test]
fn all_problems_are_reported_together_with_their_place() {
    let given = Given {
        toml: Some(
            "[server]\nport = 70000\naddress = \"localhost\"\n[payu]\nactive = true\nmerchant.key = \"K\"\n",
        ),
        properties: Some("egov.idgen.ack.format=[oops\n"),
        environment: &[
            ("SPRING_DATASOURCE_URL", "jdbc:oracle:thin:hush@db"),
            ("PG_SERVICE_LOG_LEVEL", "a=b=c"),
        ],
        flags: &[("axis.merchant.pwd", "pa55word"), ("search.scope", "perhaps")],
    };
    let problems = given.problems();
    for (key, place) in [
        ("server.port: 70000 is too large", "x.toml:2"),
        ("server.address: `localhost` is not an IP address", "x.toml:3"),
        ("payu.merchant.salt: must be set", "payu.active=false"),
        ("egov.idgen.ack.format: ", "x.properties:1"),
        ("spring.datasource.url: is not the address of", "environment SPRING_DATASOURCE_URL"),
        ("log.level: ", "environment PG_SERVICE_LOG_LEVEL"),
        ("axis.merchant.pwd: a secret on the command line", "axis.merchant.pwd.file=PATH"),
        ("search.scope: `perhaps` is neither true nor false", "command line --set"),
    ] {
        let told = problems.iter().filter(|problem| problem.starts_with(key)).count();
        assert_eq!(told, 1, "{key}: {problems:#?}");
        assert!(
            problems.iter().any(|problem| problem.starts_with(key) && problem.contains(place)),
            "{place}: {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 8, "{problems:#?}");
    assert!(!problems.concat().contains("hush"), "{problems:#?}");
    assert!(given.load().into_config().is_err());
}

#[test]
fn known_names_without_effect_differ_from_unknown_ones() {
    let given = Given {
        properties: Some(
            "persister.save.pg.txns=x\nspring.flyway.enabled=true\naxis.mechant.id=1\nfoo.bar=1\n//remark\n",
        ),
        ..Given::default()
    };
    assert!(given.problems().is_empty());
    assert_eq!(
        given.noticed(NoticeKind::Idle),
        ["//remark", "persister.save.pg.txns", "spring.flyway.enabled"]
    );
    assert_eq!(given.noticed(NoticeKind::Unknown), ["axis.mechant.id", "foo.bar"]);
    let texts: String = given.load().notices.iter().map(ToString::to_string).collect();
    assert!(texts.contains("did you mean axis.merchant.id?"), "{texts}");
}

#[test]
fn hosts_and_accounts_are_set_per_tenant_or_for_all_others() {
    let given = Given {
        toml: Some("[callback.allowed-hosts]\n\"*\" = [\"A.in\"]\n\"pb.nabha\" = \"b.in:8443\"\n"),
        environment: &[("PG_SERVICE_BANK_ACCOUNT_PB_AMRITSAR", "0042")],
        ..Given::default()
    };
    let config = given.config();
    let allow = |tenant: &str, url: &str| {
        let tenant = payment_domain::TenantId::new(tenant).unwrap();
        config.settings.allowed_callback_hosts.allow(&tenant, &url::Url::parse(url).unwrap())
    };
    assert!(allow("pb.amritsar", "https://a.in/x") && !allow("pb.amritsar", "https://b.in:8443/"));
    assert!(allow("pb.nabha", "https://b.in:8443/") && !allow("pb.nabha", "https://a.in/"));
    assert!(format!("{:?}", config.embedded).contains("tenants: 1"));
}

#[test]
fn a_context_path_is_a_path() {
    for (path, served) in [("/", ""), ("/pay/", "/pay"), ("/a/b", "/a/b")] {
        let loaded = load(&Sources {
            environment: vec![("SERVER_SERVLET_CONTEXT_PATH".to_owned(), path.to_owned())],
            ..Sources::default()
        });
        assert_eq!(loaded.into_config().unwrap().server.context_path.as_str(), served);
    }
    for path in ["/a//b", "/{x}", "/a b"] {
        let loaded = load(&Sources {
            environment: vec![("SERVER_CONTEXT_PATH".to_owned(), path.to_owned())],
            ..Sources::default()
        });
        assert_eq!(loaded.problems.len(), 1, "{path}");
    }
}

#[test]
fn the_file_in_the_working_folder_is_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pg-service.toml"), "server.port = 1234\n").unwrap();
    let sources = Sources { folder: Some(folder.path().to_owned()), ..Sources::default() };
    assert_eq!(load(&sources).into_config().unwrap().server.port, 1234);
}

#[test]
fn a_remote_gateway_is_there_because_it_is_configured() {
    let given = Given {
        toml: Some(concat!(
            "[remote.city-pay]\nactive = true\nbase-url = \"http://127.0.0.1:8070\"\n",
            "secret = \"hush-0123456789-0123456789-0123456789\"\ntimeout-ms = 700\n",
            "[remote.other]\nbase-url = \"https://other.example\"\n",
        )),
        ..Given::default()
    };
    let loaded = given.load();
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let listed = loaded.gateways().into_iter().filter(|one| one.prefix.starts_with("remote."));
    let remote: Vec<_> = listed.map(|one| (one.name, one.protocol, one.offered)).collect();
    assert_eq!(
        remote,
        [
            ("CITY-PAY".to_owned(), "remote gateway at http://127.0.0.1:8070".to_owned(), true),
            ("OTHER".to_owned(), "remote gateway at https://other.example".to_owned(), false)
        ]
    );
    assert!(!loaded.effective().contains("hush") && loaded.effective().contains("remote.city-pay.secret"));
    let config = given.config();
    assert!(!config.sandbox.active, "a remote gateway is a real one");
    assert!(!format!("{config:?}").contains("hush"));
    let limits = config.gateways[0].account.limits().unwrap();
    assert_eq!((config.gateways.len(), limits.total_timeout.as_millis()), (1, 700));
}

#[test]
fn a_problem_of_a_remote_gateway_names_its_setting() {
    let given = Given {
        properties: Some(concat!(
            "remote.a1.active=true\nremote.a1.secret=short-hush\nremote.a1.timeout-ms=5\n",
            "remote.axis.active=true\nremote.a1.base_url=x\n",
        )),
        flags: &[("remote.a2.secret", "hush")],
        ..Given::default()
    };
    let problems = given.problems();
    for told in [
        "remote.a1.base-url: must be set",
        "remote.a1.secret: must have at least 32 characters",
        "remote.a1.timeout-ms: 5 is too small",
        "remote.axis.active: cannot be switched on: AXIS is the name of a gateway of this program",
        "remote.a2.secret: a secret on the command line",
    ] {
        let found = problems.iter().filter(|problem| problem.starts_with(told)).count();
        assert_eq!(found, 1, "{told}: {problems:#?}");
    }
    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert!(problems.iter().any(|problem| problem.contains("remote.a2.secret.file=PATH")), "{problems:#?}");
    assert!(!problems.concat().contains("hush"), "{problems:#?}");
    let notice = given.load().notices[0].to_string();
    assert!(notice.contains("did you mean remote.a1.base-url?"), "{notice}");
}

#[test]
fn gateways_are_guarded_as_it_is_set() {
    let given = Given {
        flags: &[("gateways.calls-at-once", "2"), ("gateways.cool-down-secs", "7")],
        ..Given::default()
    };
    let guard = given.config().guard;
    assert_eq!((guard.calls_at_once, guard.verifications_at_once, guard.cool_down.as_secs()), (2, 1, 7));
    assert_eq!(Given::default().config().guard, payment_gateway::GuardSettings::default());
}
