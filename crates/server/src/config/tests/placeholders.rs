//! `${NAME:default}` in files and in the environment.

use super::*;

#[test]
fn a_file_full_of_placeholders_means_what_spring_makes_of_it() {
    let given = Given {
        properties: Some(concat!(
            "domain=city.example\n",
            "notification.url=https://${domain}\n",
            "egov.collectionservice.host=${COLLECTIONS_HOST:http://collections:8080}\n",
            "egov.idgen.host=http://${IDGEN_HOST}:${IDGEN_PORT:8080}\n",
            "egov.userservice.host=${EGOV_USER_HOST:http://${USER_NAME:egov-user}:8080}\n",
            "spring.datasource.url=jdbc:postgresql://${DB_HOST:localhost}:5432/${DB_NAME:devdb}\n",
            "payu.active=${PAYU:false}\n",
            "payu.merchant.key=${PAYU_KEY:}\n",
            "payu.merchant.salt=${PAYU_SALT:}\n",
            "payu.url=secure.payu.in\npayu.url.status=info.payu.in\n",
            "spring.application.name=${NOBODY_SETS_THIS}\n",
        )),
        environment: &[
            ("IDGEN_HOST", "idgen"),
            ("DB_HOST", "db.example"),
            ("PAYU", "true"),
            ("PAYU_KEY", "K"),
            ("PAYU_SALT", "hush"),
        ],
        ..Given::default()
    };
    let loaded = given.load();
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Unknown), [""; 0], "what a placeholder names is meant for it");
    assert!(!loaded.effective().contains("hush"));
    let config = given.config();
    assert_eq!(config.services.collections.unwrap().host, "http://collections:8080");
    assert_eq!(config.services.idgen.unwrap().host, "http://idgen:8080");
    assert_eq!(config.services.users.unwrap().host, "http://egov-user:8080");
    assert_eq!(config.settings.allowed_callback_hosts.of_others(), ["city.example"]);
    let Database::Postgres { shown_url, .. } = config.database else { panic!() };
    assert_eq!(shown_url, "jdbc:postgresql://db.example:5432/devdb");
    assert_eq!(config.gateways.len(), 1);
}

#[test]
fn an_unresolved_placeholder_is_a_problem_with_its_line() {
    let given = Given {
        properties: Some(concat!(
            "payu.active=true\n",
            "payu.merchant.key=${PAYU_KEY}\n",
            "payu.merchant.salt=${PAYU_SALT}\n",
            "payu.url=https://${payu.url}\n",
            "server.port=${PORT\n",
            "axis.merchant.pwd.file=${SECRETS}/pwd\n",
        )),
        ..Given::default()
    };
    let problems = given.problems();
    for (told, line) in [
        ("payu.merchant.key: refers to `${PAYU_KEY}`, which is not set and has no default", 2),
        ("payu.merchant.salt: refers to `${PAYU_SALT}`, which is not set and has no default", 3),
        ("payu.url: refers to itself: payu.url -> payu.url", 4),
        ("server.port: holds a `${` without its `}`", 5),
        ("axis.merchant.pwd: the name of its file refers to `${SECRETS}`", 6),
    ] {
        let found: Vec<_> = problems.iter().filter(|problem| problem.starts_with(told)).collect();
        assert!(
            found.len() == 1 && found[0].contains(&format!("x.properties:{line}")),
            "{told}: {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 5, "{problems:#?}");
}

#[test]
fn a_placeholder_that_is_overridden_need_not_resolve() {
    let mut given = Given {
        toml: Some("[payu]\nactive = true\nmerchant.key = \"K\"\nmerchant.salt = \"S\"\n"),
        properties: Some("payu.merchant.key=${PAYU_MERCHANT_KEY}\npayu.merchant.salt=${NOTHING:}\n"),
        ..Given::default()
    };
    let problems = given.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems.iter().any(|problem| problem.starts_with("payu.merchant.salt: must be set")),
        "blank takes back"
    );
    given.environment = &[("PG_SERVICE_PAYU_MERCHANT_KEY", "K2"), ("PG_SERVICE_PAYU_MERCHANT_SALT", "S2")];
    assert_eq!(given.problems(), [""; 0]);
}

#[test]
fn a_secret_is_not_shown_by_naming_it_elsewhere() {
    let given = Given {
        properties: Some("server.port=${AXIS_MERCHANT_PWD}\nnotification.locale=${DB_PASSWORD}\n"),
        environment: &[
            ("AXIS_MERCHANT_PWD", "hush"),
            ("DB_PASSWORD", "hush"),
            ("PAYU_MERCHANT_SALT", "a${hush}b"),
        ],
        ..Given::default()
    };
    let loaded = given.load();
    let told = given.problems().concat();
    assert!(told.contains("server.port: is not accepted"), "{told}");
    assert!(told.contains("payu.merchant.salt: holds a `${` that names nothing"), "{told}");
    assert!(!told.contains("hush") && !loaded.effective().contains("hush"), "{told}{}", loaded.effective());
    let escaped = Given {
        environment: &[("OPERATORS_TOKEN", "a\\${hush}b-0123456789-0123456789")],
        ..Given::default()
    };
    use secrecy::ExposeSecret;
    assert_eq!(escaped.config().operators_token.unwrap().expose_secret(), "a${hush}b-0123456789-0123456789");
}
