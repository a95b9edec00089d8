//! The way of payers' browsers, and the addresses that have to be reachable for it.

use payment_gateways::account::RedirectThrough::{Application, Service};
use payment_service::Redirects;

use super::*;

const LOCAL: &str = "http://127.0.0.1:9000/pg-service";
const DIGIT: (&str, &str) = ("EGOV_COLLECTIONSERVICE_HOST", "http://collection-services");
const HOSTS: (&str, &str) = ("PG_SERVICE_CALLBACK_ALLOWEDHOSTS", "city.example.org");
const PUBLIC: (&str, &str) = ("PG_SERVICE_SERVER_PUBLICURL", "https://city.example.org/pg-service");
const THROUGH_SERVICE: (&str, &str) = ("PG_SERVICE_REDIRECT_THROUGH", "service");
const THROUGH_APPLICATION: (&str, &str) = ("PG_SERVICE_REDIRECT_THROUGH", "application");
const PAYU: [(&str, &str); 3] =
    [("PAYU_ACTIVE", "true"), ("PAYU_MERCHANT_KEY", "K"), ("PAYU_MERCHANT_SALT", "S")];
const PAYTM: [(&str, &str); 4] = [
    ("PAYTM_ACTIVE", "true"),
    ("PAYTM_MERCHANT_ID", "M"),
    ("PAYTM_MERCHANT_SECRET_KEY", "0123456789abcdef"),
    ("PAYTM_MERCHANT_WEBSITE", "W"),
];
const V3: (&str, &str) = ("PG_SERVICE_PAYTM_PROTOCOL", "v3");

fn loaded(parts: &[&[(&str, &str)]]) -> Loaded {
    let environment = parts.concat().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    load(&Sources { environment: environment.collect(), ..Sources::default() })
}

fn config(parts: &[&[(&str, &str)]]) -> Config {
    loaded(parts).into_config().unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The one problem.
fn problem(parts: &[&[(&str, &str)]]) -> String {
    let problems: Vec<String> = loaded(parts).problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

#[test]
fn beside_digit_payers_are_led_through_the_application_until_there_is_a_public_url() {
    let stock = config(&[&[DIGIT, HOSTS], &PAYU]);
    assert_eq!(stock.redirect.through, Application);
    assert_eq!(stock.redirects(LOCAL), Redirects::Application { public_url: None });
    let public = config(&[&[DIGIT, HOSTS, PUBLIC], &PAYU]);
    assert_eq!(public.redirect.through, Service);
    assert_eq!(
        public.redirects(LOCAL),
        Redirects::Service { public_url: PUBLIC.1.to_owned(), upyog_form: false }
    );
    let chosen = config(&[&[DIGIT, HOSTS, PUBLIC, THROUGH_APPLICATION], &PAYU]);
    assert_eq!(chosen.redirects(LOCAL), Redirects::Application { public_url: Some(PUBLIC.1.to_owned()) });
    let told = loaded(&[&[DIGIT, HOSTS], &PAYU]).effective();
    let line = told.lines().find(|line| line.contains("redirect.through")).unwrap();
    assert!(line.contains("application") && line.contains("worked out"), "{line}");
}

#[test]
fn alone_payers_are_led_through_the_service_at_the_address_it_listens_on() {
    assert_eq!(
        config(&[]).redirects(LOCAL),
        Redirects::Service { public_url: LOCAL.to_owned(), upyog_form: false }
    );
    let application = config(&[&[THROUGH_APPLICATION]]);
    assert_eq!(application.redirects(LOCAL), Redirects::Application { public_url: Some(LOCAL.to_owned()) });
}

#[test]
fn beside_digit_no_payer_is_redirected_to_an_address_of_this_machine() {
    let problem_of_service = problem(&[&[DIGIT, HOSTS, THROUGH_SERVICE], &PAYU]);
    assert!(problem_of_service.starts_with("server.public-url: must be set"), "{problem_of_service}");
    let loopback = ("PG_SERVICE_SERVER_PUBLICURL", "http://localhost:9000/pg-service");
    let told: Vec<String> =
        loaded(&[&[DIGIT, HOSTS, loopback], &PAYU]).notices.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|notice| notice.starts_with("server.public-url: is an address of this machine")));
}

#[test]
fn a_gateway_that_needs_a_page_of_ours_is_a_problem_that_names_the_path_to_open() {
    let v3 = problem(&[&[DIGIT, HOSTS, V3], &PAYTM]);
    assert!(v3.starts_with("redirect.through: `application` is not enough for PAYTM"), "{v3}");
    assert!(
        v3.contains("open /pg-service/gateway/v1/_pay at the API gateway and set server.public-url"),
        "{v3}"
    );
    let chosen = problem(&[&[DIGIT, HOSTS, V3, THROUGH_APPLICATION], &PAYTM]);
    assert!(chosen.contains("set in: environment PG_SERVICE_REDIRECT_THROUGH"), "{chosen}");
    assert_eq!(
        config(&[&[DIGIT, HOSTS], &PAYTM]).redirect.through,
        Application,
        "the legacy protocol makes do"
    );
    let off = ("PAYTM_ACTIVE", "false");
    assert_eq!(loaded(&[&[DIGIT, HOSTS, V3, off], &PAYTM[1..]]).problems, [], "it takes no new payments");
    let open = config(&[&[DIGIT, HOSTS, V3, THROUGH_APPLICATION, PUBLIC], &PAYTM]);
    assert_eq!(open.reachable().paths[2..], ["/pg-service/gateway/v1/_pay"]);
}

#[test]
fn paths_that_must_be_reachable_are_named() {
    let stock = config(&[&[DIGIT, HOSTS], &PAYTM, &PAYU]).reachable();
    let both = ["/pg-service/transaction/v1/_create", "/pg-service/transaction/v1/_update"];
    assert_eq!((stock.through, stock.paths.as_slice()), (Application, both.map(str::to_owned).as_slice()));
    let beside = [
        "/pg-service/transaction/v1/_redirect",
        "/pg-service/gateway/v1/_pay",
        "/pg-service/gateway/v1/paytm/_callback",
        "/pg-service/gateway/v1/payu/_callback",
    ];
    assert_eq!(stock.through_service, beside);
    let service = config(&[&[DIGIT, HOSTS, PUBLIC], &PAYTM, &PAYU]).reachable();
    assert_eq!(
        (service.paths, service.through_service),
        ([&both[..], &beside].concat().iter().map(|path| (*path).to_owned()).collect(), Vec::new())
    );
    let elsewhere = ("PG_SERVICE_SERVER_PUBLICURL", "https://pay.example.org/payments/");
    let phonepe = [
        ("PHONEPE_ACTIVE", "true"),
        ("PHONEPE_MERCHANT_ID", "M"),
        ("PHONEPE_MERCHANT_SECRET_KEY", "S"),
        ("PHONEPE_MERCHANT_SECRET_INDEX", "1"),
    ];
    assert_eq!(
        config(&[&[DIGIT, HOSTS, elsewhere], &phonepe]).reachable().paths,
        [
            "/payments/transaction/v1/_create",
            "/payments/transaction/v1/_update",
            "/payments/transaction/v1/_redirect",
            "/payments/gateway/v1/phonepe/_callback",
        ],
        "below the public URL, and no page where no gateway needs one"
    );
}

#[test]
fn beside_digit_the_built_in_sandbox_needs_a_public_url() {
    let sandbox = [("PG_SERVICE_SANDBOX_ACTIVE", "true"), ("PG_SERVICE_SANDBOX_BESIDEDIGIT", "true")];
    let told = problem(&[&[DIGIT, HOSTS], &sandbox]);
    assert!(told.starts_with("sandbox.active: the sandbox's pages are pages of this service"), "{told}");
    assert!(told.contains("/pg-service/sandbox"), "{told}");
    assert_eq!(loaded(&[&[DIGIT, HOSTS, PUBLIC], &sandbox]).problems, []);
}

#[test]
fn the_page_for_upyog_needs_the_way_through_this_service() {
    let upyog = ("PG_SERVICE_REDIRECT_UPYOGFORM", "true");
    let told = problem(&[&[DIGIT, HOSTS, upyog], &PAYU]);
    assert!(told.starts_with("redirect.upyog-form: needs the payment page of this service"), "{told}");
    let through = config(&[&[DIGIT, HOSTS, PUBLIC, upyog], &PAYU]);
    assert_eq!(
        through.redirects(LOCAL),
        Redirects::Service { public_url: PUBLIC.1.to_owned(), upyog_form: true }
    );
    let page = "/pg-service/gateway/v1/_pay and what is below it".to_owned();
    assert!(through.reachable().paths.contains(&page), "{:?}", through.reachable().paths);
}
