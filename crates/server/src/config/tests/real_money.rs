//! Settings that could make receipts without money, lead payers astray, or expose data, stop the start.

use super::*;

const PAYU: [(&str, &str); 2] = [("payu.merchant.key", "K"), ("payu.active", "true")];

fn sandbox(properties: &'static str) -> bool {
    Given { properties: Some(properties), ..Given::default() }.config().sandbox.active
}

#[test]
fn the_sandbox_is_there_by_itself_only_while_nothing_real_is_configured() {
    assert!(sandbox(""));
    assert!(sandbox("server.port=1\nbank-account=1\nnotification.url=https://city.example\n"));
    for real in [
        "egov.idgen.host=idgen\ncallback.allowed-hosts=city.example\n",
        "egov.url.shortner.host=shortener\ncallback.allowed-hosts=city.example\n",
        "spring.datasource.url=jdbc:postgresql://db/x\n",
        "database.url=postgres://db/x\n",
        "kafka.config.bootstrap_server_config=kafka:9092\n",
        "spring.kafka.bootstrap-servers=kafka:9092\n",
        "payu.active=false\npayu.merchant.key=K\n",
        "axis.merchant.pwd=P\n",
        "phonepe.v2.client.id=C\n",
        "paytm.active=true\n",
        "remote.city-pay.active=false\n",
    ] {
        assert!(!sandbox(real), "{real}");
        let asked = Given {
            properties: Some(real),
            flags: &[("sandbox.active", "true"), ("server.public-url", "https://pay.example")],
            ..Given::default()
        };
        assert!(asked.config().sandbox.active, "{real}");
    }
}

#[test]
fn the_last_real_gateway_switched_off_leaves_none() {
    let given = Given {
        properties: Some(concat!(
            "egov.collectionservice.host=http://collections\nnotification.url=https://city.example\n",
            "payu.active=false\npayu.merchant.key=K\npayu.merchant.salt=S\n",
        )),
        ..Given::default()
    };
    let config = given.config();
    assert!(!config.sandbox.active && !config.gateways[0].offered);
    let told: Vec<String> = given.load().notices.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|notice| notice.contains("no gateway is offered")), "{told:?}");
}

#[test]
fn a_sandbox_beside_a_real_collection_service_is_refused_unless_it_is_allowed() {
    let mut given = Given {
        properties: Some(concat!(
            "egov.collectionservice.host=http://collections\nnotification.url=https://city.example\n",
            "sandbox.active=true\nserver.public-url=https://pay.example\n",
        )),
        ..Given::default()
    };
    let problem = given.problem();
    assert!(problem.starts_with("sandbox.active: ") && problem.contains("x.properties:3"), "{problem}");
    assert!(problem.contains("sandbox.beside-digit=true"), "{problem}");
    given.flags = &[("sandbox.beside-digit", "true")];
    assert!(given.config().sandbox.active);
    // One that stands elsewhere moves no more money.
    given.flags = &[("sandbox.url", "https://sandbox.example"), ("sandbox.merchant", "m")];
    assert!(given.problems().iter().any(|problem| problem.starts_with("sandbox.active: ")));
}

#[test]
fn a_test_environment_and_a_simulator_beside_a_real_collection_service_are_reported() {
    let beside = |url: &'static str| {
        let flags: &'static [(&str, &str)] = vec![
            PAYU[0],
            PAYU[1],
            ("payu.url", url),
            ("payu.url.status", "info.payu.in"),
            ("egov.collectionservice.host", "http://collections"),
            ("egov.idgen.host", "http://idgen"),
            ("egov.userservice.host", "http://users"),
            ("notification.url", "https://city.example"),
        ]
        .leak();
        Given { environment: &[("PAYU_MERCHANT_SALT", "S")], flags, ..Given::default() }
    };
    for no_money in ["test.payu.in", "http://127.0.0.1:9300/payu", "http://localhost:9300"] {
        assert_eq!(beside(no_money).problems(), [""; 0]);
        assert_eq!(beside(no_money).noticed(NoticeKind::Doubtful), ["payu.url"], "{no_money}");
    }
    assert_eq!(beside("secure.payu.in").noticed(NoticeKind::Doubtful), [""; 0]);
    let alone = Given { environment: &[("PAYU_MERCHANT_SALT", "S")], flags: &PAYU, ..Given::default() };
    assert_eq!(alone.noticed(NoticeKind::Doubtful), [""; 0]);
}

fn callback_hosts(flags: &'static [(&'static str, &'static str)]) -> Vec<String> {
    Given { flags, ..Given::default() }.config().settings.allowed_callback_hosts.of_others().to_vec()
}

#[test]
fn alone_payers_are_sent_back_to_this_machine() {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
    assert_eq!(callback_hosts(&[]), LOOPBACK);
    assert_eq!(callback_hosts(&[("notification.url", "https://city.example")]), LOOPBACK);
    // The service's own pages are among those that the sandbox comes back to.
    for (set, own) in [
        (("server.public-url", "https://pay.example/pg-service"), "pay.example"),
        (("server.public-url", "http://pay.example:8080"), "pay.example:8080"),
        (("server.address", "192.0.2.7"), "192.0.2.7"),
        (("server.address", "2001:db8::7"), "[2001:db8::7]"),
    ] {
        let flags: &'static [_] = vec![set].leak();
        assert_eq!(callback_hosts(flags), [&LOOPBACK[..], &[own]].concat());
    }
    let open = Given { flags: &[("server.address", "0.0.0.0")], ..Given::default() };
    assert_eq!(open.noticed(NoticeKind::Doubtful), ["callback.allowed-hosts", "identity.proof"]);
    assert_eq!(callback_hosts(&[("server.address", "0.0.0.0")]), LOOPBACK);
}

#[test]
fn beside_digit_payers_are_sent_back_to_its_pages() {
    const IDGEN: (&str, &str) = ("egov.idgen.host", "http://idgen");
    assert_eq!(callback_hosts(&[IDGEN, ("notification.url", "https://City.example/")]), ["city.example"]);
    assert_eq!(
        callback_hosts(&[IDGEN, ("notification.url", "http://city.example:8443")]),
        ["city.example:8443"]
    );
    assert_eq!(callback_hosts(&[IDGEN, ("callback.allowed-hosts", "a.in,b.in")]), ["a.in", "b.in"]);
    for flags in
        [&[IDGEN][..], &[IDGEN, ("notification.url", ""), ("server.public-url", "https://pay.example")]]
    {
        let problem = Given { flags, ..Given::default() }.problem();
        assert!(problem.starts_with("callback.allowed-hosts: must be set"), "{problem}");
    }
    let one_tenant =
        [IDGEN, ("callback.allowed-hosts.pb", "a.in"), ("notification.url", "https://city.example")];
    assert_eq!(callback_hosts(one_tenant.to_vec().leak()), [""; 0], "what is set is all there is");
    let none = Given { flags: &[("callback.allowed-hosts", " , ")], ..Given::default() };
    assert!(none.problem().contains("names no host"));
}

#[test]
fn a_gateway_is_called_over_https_unless_it_is_on_this_machine_or_allowed() {
    for (gateway, key) in [
        ("payu.active=true\npayu.merchant.key=K\npayu.merchant.salt=S\n", "payu.url"),
        // A disabled one still answers for its existing payments.
        ("payu.active=false\npayu.merchant.key=K\npayu.merchant.salt=S\n", "payu.url.status"),
        (
            "axis.merchant.id=M\naxis.merchant.secret.key=0F\naxis.merchant.access.code=A\naxis.merchant.user=U\naxis.merchant.pwd=P\n",
            "axis.url.status",
        ),
        (
            "paytm.merchant.id=M\npaytm.merchant.website=W\npaytm.merchant.secret.key=0123456789abcdef\n",
            "paytm.v3.host",
        ),
        (
            "phonepe.merchant.id=M\nphonepe.merchant.secret.key=S\nphonepe.merchant.secret.index=1\n",
            "phonepe.merchant.host",
        ),
        ("remote.city.secret=0123456789abcdef0123456789abcdef\n", "remote.city.base-url"),
        ("sandbox.active=true\nsandbox.secret=0123456789abcdef0123456789abcdef\n", "sandbox.url"),
    ] {
        let at = |url: &str, more: &str| {
            let properties = format!("{gateway}{key}={url}\n{more}");
            Given { properties: Some(properties.leak()), ..Given::default() }
        };
        let problem = at("http://pay.example:8080/x", "").problem();
        assert!(problem.starts_with(&format!("{key}: is called over http")), "{problem}");
        assert!(problem.contains("gateways.http-hosts=pay.example"), "{problem}");
        for fine in [
            "https://pay.example",
            "pay.example",
            "http://127.0.0.9:1",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            assert_eq!(at(fine, "").problems(), [""; 0], "{key}={fine}");
        }
        for allowed in ["pay.example", "other.example,*.example", "pay.example:8080"] {
            let allowed = format!("gateways.http-hosts={allowed}\n");
            assert_eq!(at("http://pay.example:8080/x", &allowed).problems(), [""; 0], "{allowed}");
        }
        let other = at("http://pay.example:8080/x", "gateways.http-hosts=pay.example:80\n");
        assert_eq!(other.problems().len(), 1);
    }
    let unused = Given { properties: Some("payu.url=http://pay.example\n"), ..Given::default() };
    assert_eq!(unused.problems(), [""; 0], "nothing is called of a gateway without an account");
}
