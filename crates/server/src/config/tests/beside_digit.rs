//! The service takes the place of the original: its files and its variables are understood.

use payment_kafka::{CentralInstance, TopicPattern};
use payment_store_postgres::{PostgresOptions, SslMode};
use secrecy::ExposeSecret;

use super::*;

const STOCK: &str = include_str!("application.properties");

/// The values that a deployment fills in.
const ACCOUNTS: &[(&str, &str)] = &[
    ("AXIS_MERCHANT_ID", "M"),
    ("AXIS_MERCHANT_SECRET_KEY", "0F1E"),
    ("AXIS_MERCHANT_USER", "U"),
    ("AXIS_MERCHANT_PWD", "P"),
    ("AXIS_MERCHANT_ACCESS_CODE", "A"),
    ("PAYU_MERCHANT_KEY", "K"),
    ("PAYU_MERCHANT_SALT", "S"),
];

fn stock() -> Given {
    Given { properties: Some(STOCK), environment: ACCOUNTS, ..Given::default() }
}

fn postgres(config: &Config) -> &PostgresOptions {
    let Database::Postgres { options, .. } = &config.database else { panic!("{:?}", config.database) };
    options
}

#[test]
fn each_line_of_a_stock_file_is_used_or_reported_to_have_no_effect() {
    let given = stock();
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Unknown), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Doubtful), ["payu.url"], "it names PayU's test environment");
    insta::assert_snapshot!(given.noticed(NoticeKind::Idle).join("\n"), @r"
    //systemuser
    app.timezone
    egov.billingservice.host
    egov.billingservice.path
    egov.businessdetailsservice.host
    egov.collectionservice.create.path
    egov.collectionservice.validate.path
    egov.localization.statelevel
    internal.microservice.role.code
    internal.microservice.user.type
    kafka.consumer.config.auto_commit
    kafka.consumer.config.auto_commit_interval
    kafka.consumer.config.auto_offset_reset
    kafka.consumer.config.session_timeout
    kafka.producer.config.batch_size_config
    kafka.producer.config.buffer_memory_config
    kafka.producer.config.linger_ms_config
    kafka.producer.config.retries_config
    logging.level.org.egov.pg
    management.endpoints.web.base-path
    otel.service.name
    otel.traces.exporter
    spring.datasource.driver-class-name
    spring.flyway.baseline-on-migrate
    spring.flyway.enabled
    spring.flyway.locations
    spring.flyway.outOfOrder
    spring.flyway.password
    spring.flyway.url
    spring.flyway.user
    spring.kafka.consumer.key-deserializer
    spring.kafka.consumer.properties.spring.json.use.type.headers
    spring.kafka.consumer.value-deserializer
    spring.kafka.producer.key-serializer
    spring.kafka.producer.value-serializer
    spring.quartz.datasource.jdbc-url
    state.level.tenant.id
    state.level.tenantid.length
    tracer.errors.provideExceptionInDetails
    ");
}

#[test]
fn a_stock_file_means_what_it_says() {
    let config = stock().config();
    let database = postgres(&config);
    assert_eq!((database.hosts[0].name.as_str(), database.hosts[0].port), ("localhost", 5432));
    assert_eq!((database.database.as_str(), database.user.as_str()), ("devdb", "postgres"));
    assert_eq!(database.password.as_ref().unwrap().expose_secret(), "postgres");
    let kafka = config.kafka.unwrap();
    let topics = &kafka.relay.topics;
    assert_eq!(kafka.bootstrap_servers, "localhost:9092");
    assert_eq!(topics.central_instance, Some(CentralInstance { segment: 1 }));
    assert_eq!(kafka.consumer.topics, TopicPattern::of(topics));
    assert!(kafka.client.is_empty(), "{kafka:?}");
    let services = config.services;
    let idgen = services.idgen.unwrap();
    assert_eq!((idgen.host.as_str(), idgen.id_name.as_str()), ("https://dev.digit.org", "pg.txnid"));
    let collections = services.collections.unwrap();
    assert_eq!(collections.host, "http://localhost:8095");
    assert_eq!(collections.search_path, "collection-services/payments/_search");
    let users = services.users.unwrap();
    assert_eq!((users.search_path.as_str(), users.create_enabled), ("user/v1/_search", true));
    assert_eq!(services.billing.unwrap().host, "http://billing-service.egov:8080");
    assert_eq!(services.localization.unwrap().context_path, "/localization/messages/v1");
    assert_eq!(services.url_shortener.unwrap().path, "/egov-url-shortening/shortener");
    let link = format!("{:?}", config.notifications.unwrap().payment_link);
    assert!(link.contains("https://dev.digit.org/citizen/withoutAuth/"), "{link}");
    assert!(!config.sandbox.active && config.gateways.len() == 2);
}

/// The variables of DIGIT's chart for `egov-pg-service`, with the gateways for which its values name nothing.
const CHART: &[(&str, &str)] = &[
    ("SPRING_DATASOURCE_URL", "jdbc:postgresql://egov-db.egov:5432/egov"),
    ("SPRING_DATASOURCE_USERNAME", "egov"),
    ("SPRING_DATASOURCE_PASSWORD", "hush"),
    ("FLYWAY_ENABLED", "false"),
    ("SPRING_FLYWAY_ENABLED", "false"),
    ("FLYWAY_URL", "jdbc:postgresql://egov-db.egov:5432/egov"),
    ("MANAGEMENT_ENDPOINTS_WEB_BASE_PATH", "/"),
    ("APP_TIMEZONE", "UTC"),
    ("SPRING_DATASOURCE_TOMCAT_INITIAL_SIZE", "5"),
    ("SPRING_DATASOURCE_TOMCAT_MAX_ACTIVE", "5"),
    ("SPRING_DATASOURCE_HIKARI_MAXIMUM-POOL-SIZE", "5"),
    ("SERVER_TOMCAT_MAX_THREADS", "10"),
    ("SERVER_TOMCAT_MAX_CONNECTIONS", "200"),
    ("KAFKA_CONFIG_BOOTSTRAP_SERVER_CONFIG", "kafka-v2.kafka-cluster:9092"),
    ("SPRING_KAFKA_BOOTSTRAP_SERVERS", "kafka-v2.kafka-cluster:9092"),
    ("SPRING_JPA_SHOW_SQL", "true"),
    ("IS_ENVIRONMENT_CENTRAL_INSTANCE", "false"),
    ("SPRING_KAFKA_CONSUMER_GROUP_ID", "egov-pg-service"),
    ("SPRING_KAFKA_PRODUCER_KEY_SERIALIZER", "org.apache.kafka.common.serialization.StringSerializer"),
    ("SPRING_KAFKA_PRODUCER_VALUE_SERIALIZER", "org.springframework.kafka.support.serializer.JsonSerializer"),
    ("EGOV_IDGEN_HOST", "http://egov-idgen.egov:8080/"),
    ("EGOV_MDMS_HOST", "http://egov-mdms-service.egov:8080/"),
    ("EGOV_BILLINGSERVICE_HOST", "http://billing-service.egov:8080/"),
    ("EGOV_COLLECTIONSERVICE_HOST", "http://collection-services.egov:8080/"),
    ("EGOV_BANKACCOUNTSERVICE_HOST", "http://egf-master.egov:8080/"),
    ("EGOV_BUSINESSDETAILSSERVICE_HOST", "http://egov-common-masters.egov:8080/"),
    ("NOTIFICATION_URL", "https://city.example/"),
    ("JAVA_OPTS", "-Xmx192m -Xms192m"),
    ("JAVA_ARGS", ""),
    ("JAVA_ENABLE_DEBUG", "false"),
    ("JAEGER_SERVICE_NAME", "egov-pg-service"),
    ("JAEGER_SAMPLER_TYPE", "remote"),
    ("JAEGER_AGENT_HOST", "10.0.0.7"),
    ("JAEGER_AGENT_PORT", "6831"),
    ("JAEGER_SAMPLER_MANAGER_HOST_PORT", "10.0.0.7:5778"),
    ("SERVER_PORT", "8080"),
    ("SECURITY_BASIC_ENABLED", "false"),
    ("MANAGEMENT_SECURITY_ENABLED", "false"),
    ("TRACER_OPENTRACING_ENABLED", "true"),
    ("CCAVENUE_ACTIVE", "true"),
    ("CCAVENUE_MERCHANT_ID", ""),
];

#[test]
fn a_stock_file_starts_with_the_environment_of_the_stock_chart() {
    let given = Given { properties: Some(STOCK), environment: CHART, ..Given::default() };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(
        given.noticed(NoticeKind::Doubtful),
        ["axis.active", "ccavenue.active", "payu.active", "sandbox.active"],
        "three gateways without an account are left out, and none is offered"
    );
    let alone = Given { environment: CHART, ..Given::default() };
    assert_eq!(
        alone.noticed(NoticeKind::Idle),
        ["egov.billingservice.host", "notification.url", "spring.kafka.consumer.group-id"],
        "only what text messages would use; what the chart sets for Java is no news"
    );
    let of_the_chart = alone.noticed(NoticeKind::Chart);
    for name in [
        "JAVA_OPTS",
        "JAEGER_AGENT_HOST",
        "SPRING_DATASOURCE_TOMCAT_MAX_ACTIVE",
        "FLYWAY_URL",
        "APP_TIMEZONE",
    ] {
        assert!(of_the_chart.iter().any(|noticed| noticed == name), "{name}: {of_the_chart:?}");
    }
    assert!(of_the_chart.iter().all(|name| !name.contains("HIKARI") && name != "SERVER_PORT"));
    let loaded = given.load();
    assert!(loaded.gateways().iter().all(|gateway| !gateway.offered));
    let config = given.config();
    assert!(config.gateways.is_empty() && !config.sandbox.active);
    assert_eq!(config.settings.allowed_callback_hosts.of_others(), ["city.example"]);
    assert_eq!(postgres(&config).pool_size, 5);

    let one = [CHART, &[("PAYU_MERCHANT_KEY", "K"), ("PAYU_MERCHANT_SALT", "S")]].concat();
    let one = Given { properties: Some(STOCK), environment: one.leak(), ..Given::default() };
    assert_eq!(one.config().gateways.len(), 1);
    assert_eq!(one.noticed(NoticeKind::Doubtful), ["axis.active", "ccavenue.active", "payu.url"]);
}

#[test]
fn ccavenue_is_understood_as_the_chart_and_the_forks_name_it() {
    let of_the_chart: Vec<(&str, &str)> = [
        ("CCAVENUE_MERCHANT_ID", "1000001"),
        ("CCAVENUE_STATUS_WORKING_KEY", "hush-api"),
        ("CCAVENUE_REDIRECT_WORKING_KEY", "hush-page"),
        ("CCAVENUE_STATUS_ACCESS_CODE", "AVAPI"),
        ("CCAVENUE_REDIRECT_ACCESS_CODE", "AVPAGE"),
        ("CCAVENUE_GATEWAY_URL", "https://test.ccavenue.com/transaction/transaction.do?command=initiateTransaction"),
        (
            "CCAVENUE_GATEWAY_STATUS_URL",
            "https://apitest.ccavenue.com/apis/servlet/DoWebTrans?enc_request={enc_request}&access_code={access_code}",
        ),
        ("CCAVENUE_REDIRECT_URL", "https://city.example/pg-service/transaction/v1/_redirect"),
        ("CCAVENUE_CANCEL_URL", "https://city.example/pg-service/transaction/v1/_redirect"),
    ]
    .into();
    let chart = [&of_the_chart[..], CHART].concat();
    let given = Given { environment: chart.leak(), ..Given::default() };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(
        given.noticed(NoticeKind::Doubtful),
        ["ccavenue.gateway.status.url", "ccavenue.sub-account", "egov.userservice.host"],
        "the test environment, and a sub account that the original would have named"
    );
    let idle = given.noticed(NoticeKind::Idle);
    assert!(
        ["ccavenue.redirect.url", "ccavenue.cancel.url"]
            .iter()
            .all(|name| idle.iter().any(|one| one == name))
    );
    assert_eq!(given.config().gateways.len(), 1);

    let of_a_fork = "ccavanue.active=true\nccavanue.merchant.id=1000001\nccavanue.merchant.workingkey=hush\n\
        ccavanue.merchant.accesscode=AV\nccavanue.currency=INR\nccavanue.url=secure.ccavenue.com\n\
        ccavanue.url.status=https://api.ccavenue.com/apis/servlet/DoWebTrans\n\
        ccavanue.path.pay=/transaction/transaction.do?\nccavanue.path.status=merchant/postservice.php\n";
    let given = Given { properties: Some(of_a_fork), ..Given::default() };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Unknown), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Idle), ["ccavenue.path.status"]);
    assert_eq!(given.config().gateways.len(), 1);
}

#[test]
fn a_gateway_whose_account_is_half_set_is_a_problem() {
    for (set, lacks) in [
        (("PAYU_MERCHANT_KEY", "K"), &["payu.merchant.salt"][..]),
        (
            ("AXIS_MERCHANT_PWD", "P"),
            &[
                "axis.merchant.access.code",
                "axis.merchant.id",
                "axis.merchant.secret.key",
                "axis.merchant.user",
            ],
        ),
    ] {
        let variables = [CHART, &[set]].concat();
        let given = Given { properties: Some(STOCK), environment: variables.leak(), ..Given::default() };
        let mut told: Vec<String> = given.load().problems.into_iter().map(|problem| problem.key).collect();
        told.sort();
        assert_eq!(told, lacks);
    }
    // An account of another protocol than the one that is spoken is an account.
    let given = Given {
        properties: Some("phonepe.active=true\nphonepe.protocol=v2\nphonepe.merchant.id=M\n"),
        ..Given::default()
    };
    assert!(given.problems().iter().all(|problem| problem.starts_with("phonepe.v2.client.")));
    assert_eq!(given.problems().len(), 2);
}

#[test]
fn the_variables_of_a_helm_chart_are_understood() {
    let given = Given {
        environment: &[
            ("SPRING_DATASOURCE_URL", "jdbc:postgresql://egov-db.egov:5432/egov"),
            ("SPRING_DATASOURCE_USERNAME", "egov"),
            ("SPRING_DATASOURCE_PASSWORD", "hush"),
            ("SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE", "20"),
            ("FLYWAY_URL", "jdbc:postgresql://egov-db.egov:5432/egov"),
            ("KAFKA_CONFIG_BOOTSTRAP_SERVER_CONFIG", "kafka-v2.kafka-cluster:9092"),
            ("SPRING_KAFKA_CONSUMER_GROUP_ID", "pg-2"),
            (
                "SPRING_KAFKA_PRODUCER_KEY_SERIALIZER",
                "org.apache.kafka.common.serialization.StringSerializer",
            ),
            ("EGOV_IDGEN_HOST", "http://egov-idgen.egov:8080/"),
            ("EGOV_MDMS_HOST", "http://egov-mdms-service.egov:8080/"),
            ("EGOV_BILLINGSERVICE_HOST", "http://billing-service.egov:8080/"),
            ("EGOV_COLLECTIONSERVICE_HOST", "http://collection-services.egov:8080/"),
            ("EGOV_BANKACCOUNTSERVICE_HOST", "http://egf-master.egov:8080/"),
            ("NOTIFICATION_URL", "https://city.example/"),
            ("NOTIFICATION_SMS_ENABLED", "false"),
            ("EGOV_LOCALIZATION_HOST", "http://egov-localization.egov:8080"),
            ("EGOV_URL_SHORTNER_HOST", "http://egov-url-shortening.egov:8080"),
            ("JAVA_OPTS", "-Xmx256m"),
            ("SERVER_PORT", "8080"),
            ("IS_ENVIRONMENT_CENTRAL_INSTANCE", "false"),
            ("STATE_LEVEL_TENANT_ID", "pb"),
        ],
        ..Given::default()
    };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Unknown), [""; 0]);
    assert_eq!(
        given.noticed(NoticeKind::Doubtful),
        ["egov.userservice.host", "sandbox.active"],
        "the chart does not name the one, and no gateway is offered"
    );
    let config = given.config();
    assert_eq!(postgres(&config).pool_size, 20);
    let kafka = config.kafka.as_ref().unwrap();
    assert_eq!((kafka.consumer.group.as_str(), kafka.relay.topics.central_instance), ("pg-2", None));
    let services = &config.services;
    assert!(services.users.is_none(), "any mix works");
    assert_eq!(services.billing.as_ref().unwrap().host, "http://billing-service.egov:8080");
    assert_eq!(services.bank_accounts.as_ref().unwrap().path, "egf-master/bankaccounts/_search");
    assert!(config.notifications.is_none());
    assert!(!config.sandbox.active, "a database, brokers and services are real");
}

#[test]
fn a_database_is_what_is_set_of_it() {
    let url = Given { flags: &[("spring.datasource.url", "postgres://db.example/pay")], ..Given::default() };
    assert_eq!(url.noticed(NoticeKind::Doubtful), ["sandbox.active"]);
    let config = url.config();
    let database = postgres(&config);
    let default = PostgresOptions::default();
    assert_eq!((database.user.as_str(), database.pool_size), (default.user.as_str(), 12));
    assert_eq!((database.connect_timeout, database.ssl_mode), (default.connect_timeout, default.ssl_mode));
    assert!(database.password.is_none());

    let all = Given {
        toml: Some(concat!(
            "[spring.datasource]\nurl = \"jdbc:postgresql://a,b/pay\"\nusername = \"u\"\n",
            "[database]\npool-size = 40\nconnect-timeout-ms = 900\nstatement-timeout-ms = 7000\n",
            "ssl-mode = \"verify-full\"\nssl-root-cert = \"/etc/ca.pem\"\n",
            "ssl-cert = \"/etc/client.pem\"\nssl-key = \"/etc/client.pk8\"\n",
        )),
        ..Given::default()
    };
    let config = all.config();
    let database = postgres(&config);
    assert_eq!((database.user.as_str(), database.pool_size), ("u", 40));
    assert_eq!(database.connect_timeout.as_millis(), 900);
    assert_eq!(database.statement_timeout.as_secs(), 7);
    assert_eq!(database.ssl_mode, SslMode::VerifyFull);
    assert_eq!(database.root_certificate.as_deref(), Some(Path::new("/etc/ca.pem")));
    assert_eq!(database.client_certificate.as_deref(), Some(Path::new("/etc/client.pem")));
    assert_eq!(database.client_key.as_deref(), Some(Path::new("/etc/client.pk8")));

    let none = Given { flags: &[("database.pool-size", "9"), ("spring.datasource.username", "u")], ..url };
    assert_eq!(none.noticed(NoticeKind::Idle), ["database.pool-size", "spring.datasource.username"]);
}

#[test]
fn ineffective_parameters_of_a_database_url_are_reported() {
    let given = Given {
        environment: &[
            (
                "SPRING_DATASOURCE_URL",
                "jdbc:postgresql://a,b/pay?sslmode=require&sslfactory=a.B&targetServerType=secondary&password=hush",
            ),
            ("SPRING_DATASOURCE_USERNAME", "u"),
        ],
        ..Given::default()
    };
    assert_eq!(given.problems(), [""; 0]);
    assert_eq!(given.noticed(NoticeKind::Doubtful), ["sandbox.active", "spring.datasource.url"]);
    let notices = given.load().notices;
    let told = notices.iter().find(|notice| notice.key == "spring.datasource.url").unwrap().to_string();
    assert!(told.contains("`sslfactory`, `targetServerType`") && told.contains("no effect"), "{told}");
    assert!(told.contains("environment SPRING_DATASOURCE_URL") && !told.contains("hush"), "{told}");

    let understood = "jdbc:otel:postgresql://a,b/pay?ssl=true&targetServerType=primary&connectTimeout=3";
    let understood = Sources {
        environment: vec![("SPRING_DATASOURCE_URL".to_owned(), understood.to_owned())],
        ..Sources::default()
    };
    assert!(
        load(&understood).notices.iter().all(|notice| notice.key == "sandbox.active"),
        "{:?}",
        load(&understood).notices
    );
}

#[test]
fn half_a_client_certificate_is_a_problem() {
    const BY_ADDRESS: [(&[(&str, &str)], &str); 2] = [
        (&[("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/pay?sslcert=/c.pem")], "database.ssl-key"),
        (&[("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/pay?sslkey=/c.pk8")], "database.ssl-cert"),
    ];
    for (environment, setting) in BY_ADDRESS {
        let problems = Given { environment, ..Given::default() }.problems();
        assert!(problems.len() == 1 && problems[0].contains(setting), "{problems:?}");
    }
    let unencrypted = Given {
        environment: &[(
            "SPRING_DATASOURCE_URL",
            "jdbc:postgresql://db/pay?sslmode=disable&sslcert=/c.pem&sslkey=/c.pk8",
        )],
        ..Given::default()
    };
    assert_eq!(unencrypted.noticed(NoticeKind::Doubtful), ["database.ssl-mode", "sandbox.active"]);
}

#[test]
fn an_embedded_implementation_between_services_of_digit_is_reported() {
    let given = |flags| Given {
        flags,
        toml: Some(
            "[server]\npublic-url = \"https://city.example\"\n[callback]\nallowed-hosts = \"city.example\"\n[sandbox]\nactive = true\nbeside-digit = true\n",
        ),
        ..Given::default()
    };
    const THREE: [&str; 3] = ["egov.collectionservice.host", "egov.idgen.host", "egov.userservice.host"];
    let only = given(&[("egov.bankaccountservice.host", "egf-master")]);
    assert_eq!(only.noticed(NoticeKind::Doubtful), THREE);
    let told: String = only.load().notices.iter().map(ToString::to_string).collect();
    for variable in ["EGOV_COLLECTIONSERVICE_HOST", "EGOV_IDGEN_HOST", "EGOV_USERSERVICE_HOST"] {
        assert!(told.contains(variable), "{told}");
    }
    let two = given(&[("egov.idgen.host", "idgen"), ("egov.collectionservice.host", "collections")]);
    assert_eq!(two.noticed(NoticeKind::Doubtful), ["egov.userservice.host"]);
    assert!(two.load().into_config().is_ok(), "any mix works");
    let all = given(&[(THREE[0], "a"), (THREE[1], "b"), (THREE[2], "c")]);
    assert_eq!(all.noticed(NoticeKind::Doubtful), [""; 0]);
    let wrong = given(&[(THREE[0], "a"), (THREE[1], "b"), (THREE[2], "ftp://c")]);
    assert_eq!((wrong.problems().len(), wrong.noticed(NoticeKind::Doubtful).len()), (1, 0), "told once");
    assert_eq!(given(&[]).noticed(NoticeKind::Doubtful), [""; 0], "without DIGIT it is not missed");
}

#[test]
fn settings_without_effect_for_an_external_or_embedded_service_are_reported() {
    let embedded = Given {
        properties: Some(concat!(
            "egov.idgen.path=x\negov.collectionservice.payment.create.path=x\negov.userservice.search.path=x\n",
            "egov.bankaccountservice.path=x\npg.is.user.create.enabled=false\nbank-account.pb=1\n",
        )),
        ..Given::default()
    };
    assert_eq!(
        embedded.noticed(NoticeKind::Idle),
        [
            "egov.bankaccountservice.path",
            "egov.collectionservice.payment.create.path",
            "egov.idgen.path",
            "egov.userservice.search.path",
            "pg.is.user.create.enabled",
        ]
    );
    let called = Given {
        properties: Some(
            "egov.bankaccountservice.host=egf-master:8080\nbank-account.pb=1\ncallback.allowed-hosts=city.example\n",
        ),
        ..Given::default()
    };
    assert_eq!(called.noticed(NoticeKind::Idle), ["bank-account.pb"]);
    assert_eq!(called.config().services.bank_accounts.unwrap().host, "http://egf-master:8080");
}

#[test]
fn a_format_is_the_affair_of_the_service_that_numbers() {
    let mut given = Given { properties: Some("egov.idgen.ack.format=[fancy:new]\n"), ..Given::default() };
    assert!(given.problem().starts_with("egov.idgen.ack.format"));
    given.flags = &[("egov.idgen.host", "http://egov-idgen"), ("callback.allowed-hosts", "city.example")];
    assert_eq!(given.config().services.idgen.unwrap().id_format, "[fancy:new]");
}

#[test]
fn the_right_to_issue_a_receipt_outlasts_two_calls_to_the_collection_service() {
    const HOST: (&str, &str) = ("egov.collectionservice.host", "http://collections");
    const PAGES: (&str, &str) = ("notification.url", "https://city.example");
    let slow = Given { flags: &[HOST, PAGES, ("services.timeout-ms", "30000")], ..Given::default() };
    let problem = slow.problem();
    assert!(problem.starts_with("services.timeout-ms: ") && problem.contains("less than 27000"), "{problem}");
    let short =
        Given { toml: Some("receipts.lease-ms = 30000\n"), flags: &[HOST, PAGES], ..Given::default() };
    let problem = short.problem();
    assert!(problem.starts_with("receipts.lease-ms: ") && problem.contains("x.toml:1"), "{problem}");
    let tight =
        Given { toml: Some("receipts.lease-ms = 33333\n"), flags: &[HOST, PAGES], ..Given::default() };
    let problem = tight.problem();
    assert!(problem.contains("more than 33333"), "the database takes its time between the calls: {problem}");
    let alone = Given { toml: Some("receipts.lease-ms = 1000\n"), ..Given::default() };
    assert_eq!(alone.problems(), [""; 0], "the embedded implementation answers at once");
    let enough =
        Given { toml: Some("receipts.lease-ms = 33334\n"), flags: &[HOST, PAGES], ..Given::default() };
    assert_eq!(enough.config().services.limits.total_timeout.as_secs(), 15);
}

#[test]
fn an_invalid_host_is_reported_with_its_place() {
    let given = Given {
        properties: Some(
            "egov.idgen.host=ftp://x\negov.userservice.host=http://u:hush@x\ncallback.allowed-hosts=city.example\n",
        ),
        ..Given::default()
    };
    let problems = given.problems();
    assert!(
        problems[0].contains("x.properties:1") && problems[0].contains("to fix: give a host name"),
        "{problems:?}"
    );
    assert!(problems.len() == 2 && !problems.concat().contains("hush"), "{problems:?}");
}
