//! Secrets are not shown, and may lie in files.

use super::*;

#[test]
fn secrets_are_hidden_wherever_the_configuration_is_shown() {
    let given = Given {
        toml: Some(concat!(
            "[payu]\nactive = true\nmerchant.key = \"K1\"\nmerchant.salt = \"hush-salt\"\n",
            "[sandbox]\nsecret = \"hush-sandbox-0123456789-0123456789\"\n",
        )),
        ..Given::default()
    };
    let loaded = given.load();
    let shown = loaded.effective();
    assert!(shown.contains("payu.merchant.salt") && shown.contains("(hidden)"), "{shown}");
    let debug = format!("{:?}", loaded.into_config().unwrap());
    for text in [shown, debug] {
        assert!(!text.contains("hush"), "{text}");
    }
    let short = Given { toml: Some("sandbox.secret = \"hush\"\n"), ..Given::default() };
    assert!(!short.problems()[0].contains("hush"));
}

#[test]
fn a_secret_may_lie_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("salt");
    std::fs::write(&path, "from-a-file\n").unwrap();
    let sources = |environment: &[(&str, &str)]| Sources {
        environment: environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..Sources::default()
    };
    let path = path.to_str().unwrap();
    let active = [("PAYU_ACTIVE", "true"), ("PAYU_MERCHANT_KEY", "K1"), ("PAYU_MERCHANT_SALT_FILE", path)];
    let loaded = load(&sources(&active));
    assert_eq!(loaded.values.get("payu.merchant.salt").map(|value| value.expose()), Some("from-a-file"));
    assert_eq!(loaded.into_config().unwrap().gateways.len(), 1);

    let twice = load(&sources(&[("PAYU_MERCHANT_SALT_FILE", path), ("PAYU_MERCHANT_SALT", "x")]));
    assert!(twice.problems[0].to_string().contains("both"), "{:?}", twice.problems);
    let missing = load(&sources(&[("PAYU_MERCHANT_SALT_FILE", "/nowhere/salt")]));
    assert!(missing.problems[0].to_string().contains("/nowhere/salt"), "{:?}", missing.problems);
}

#[test]
fn passed_on_client_properties_can_be_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "hush-1\n").unwrap();
    let given = |environment: &[(&str, &str)], flags: Vec<Flag>| {
        load(&Sources {
            environment: environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            flags,
            ..Sources::default()
        })
    };
    let environment = [
        ("KAFKA_CONFIG_BOOTSTRAP_SERVER_CONFIG", "kafka:9093"),
        ("PG_SERVICE_KAFKA_CLIENT_SASL_USERNAME", "u"),
        ("PG_SERVICE_KAFKA_CLIENT_SASL_PASSWORD_FILE", path.to_str().unwrap()),
        ("SPRING_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", "x required password=\"hush-2\";"),
        ("SPRING_KAFKA_SSL_KEY_PASSWORD", "hush-3"),
        ("SPRING_DATASOURCE_URL", "postgres://u:hush-4@db/x"),
        ("SPRING_DATASOURCE_PASSWORD", "hush-5"),
        ("PG_SERVICE_OPERATORS_TOKEN", "hush-6-0123456789-0123456789"),
    ];
    let loaded = given(&environment, Vec::new());
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    assert_eq!(loaded.values.get("kafka.client.sasl.password").map(|value| value.expose()), Some("hush-1"));
    let shown = loaded.effective();
    assert!(
        shown.contains("postgres://u:***@db/x") && shown.contains("kafka.client.sasl.username"),
        "{shown}"
    );
    let notices = format!("{:?}", loaded.notices);
    let debug = format!("{:?}", loaded.into_config().unwrap());
    for text in [shown, debug, notices] {
        assert!(!text.contains("hush"), "{text}");
    }
    let flag = |name: &str, value: &str| Flag {
        name: name.to_owned(),
        value: value.to_owned(),
        flag: "--set".to_owned(),
    };
    for (name, value, instead) in [
        ("kafka.client.sasl.password", "hush", "kafka.client.sasl.password.file=PATH"),
        ("spring.datasource.url", "postgres://u:hush@db/x", "spring.datasource.password.file=PATH"),
        ("database.password", "hush", "spring.datasource.password.file=PATH"),
    ] {
        let problem = given(&[], vec![flag(name, value)]).problems[0].to_string();
        assert!(problem.contains(instead) && !problem.contains("hush"), "{problem}");
    }
    assert!(given(&[], vec![flag("spring.datasource.url", "postgres://u@db/x")]).problems.is_empty());
}

#[test]
fn a_file_counts_more_than_a_value_of_an_earlier_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "from-a-file").unwrap();
    let properties = folder.path().join("application.properties");
    std::fs::write(&properties, "spring.datasource.password=postgres\n").unwrap();
    let loaded = load(&Sources {
        properties_file: Some(properties.clone()),
        environment: vec![("SPRING_DATASOURCE_PASSWORD_FILE".to_owned(), path.display().to_string())],
        ..Sources::default()
    });
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    assert_eq!(
        loaded.values.get("spring.datasource.password").map(|value| value.expose()),
        Some("from-a-file")
    );

    let both = format!("spring.datasource.password=\nspring.datasource.password.file={}\n", path.display());
    std::fs::write(&properties, both).unwrap();
    let loaded = load(&Sources { properties_file: Some(properties), ..Sources::default() });
    assert!(loaded.problems.is_empty(), "a blank value is none: {:?}", loaded.problems);
    assert_eq!(
        loaded.values.get("spring.datasource.password").map(|value| value.expose()),
        Some("from-a-file")
    );
}

#[test]
fn a_file_that_holds_no_secret_is_a_problem_that_shows_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    for content in [&b"\n"[..], b"hush\xff", &[b'h'; 70_000]] {
        std::fs::write(&path, content).unwrap();
        let loaded = load(&Sources {
            environment: vec![("PAYU_MERCHANT_SALT_FILE".to_owned(), path.display().to_string())],
            ..Sources::default()
        });
        let problem = loaded.problems[0].to_string();
        assert!(problem.contains("PAYU_MERCHANT_SALT_FILE") && !problem.contains("hush"), "{problem}");
        assert!(problem.len() < 500 && problem.contains("to fix"), "{problem}");
    }
}
