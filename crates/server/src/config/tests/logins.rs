//! The logins of the console.

use payment_domain::Role;
use secrecy::ExposeSecret;

use super::*;

const ISSUER: (&str, &str) = ("console.oidc.issuer", "https://id.example.org/realms/city/");
const CLIENT: (&str, &str) = ("console.oidc.client-id", "pg-console");
const USERS: (&str, &str) = ("egov.userservice.host", "http://egov-user:8080");

fn given(flags: &[(&'static str, &'static str)]) -> Given {
    // Beside DIGIT payers are sent back to named hosts alone.
    let flags = flags.to_vec().leak();
    Given { flags, properties: Some("callback.allowed-hosts=city.example\n"), ..Given::default() }
}

#[test]
fn a_provider_is_named_to_the_last_slash_and_its_roles_are_mapped() {
    let roles = ("console.oidc.roles", "/pg/finance = PG_REFUND_MAKER@pb.amritsar, a=b=PG_AUDITOR");
    let tenants = ("console.oidc.tenants-claim", "tenants");
    let set = given(&[ISSUER, CLIENT, roles, tenants, ("console.oidc.scopes", "profile  groups")]);
    let login = set.config().console.logins.provider.unwrap();
    assert_eq!((login.client.issuer.as_str(), login.name.as_str()), (ISSUER.1, "id.example.org"));
    assert_eq!(login.client.scopes, ["profile", "groups"]);
    assert!(login.client.client_secret.is_none() && login.claims.refunds_by_subject);
    let given_roles: Vec<_> = login
        .claims
        .roles
        .iter()
        .map(|role| (role.value.as_str(), role.role, role.tenant.is_some()))
        .collect();
    assert_eq!(given_roles, [("/pg/finance", Role::RefundMaker, true), ("a=b", Role::Auditor, false)]);
    assert!(given(&[]).config().console.logins.provider.is_none());
    assert_eq!(given(&[CLIENT]).noticed(NoticeKind::Idle), ["console.oidc.client-id"]);
}

#[test]
fn a_provider_that_cannot_be_used_is_a_problem() {
    assert!(given(&[ISSUER]).problem().starts_with("console.oidc.client-id: must be set"));
    for wrong in ["http://id.example.org", "id.example.org", "https://id.example.org?x=1", "ftp://localhost"]
    {
        let problem = given(&[("console.oidc.issuer", wrong), CLIENT]).problem();
        assert!(problem.starts_with("console.oidc.issuer: "), "{wrong}: {problem}");
    }
    assert!(
        given(&[("console.oidc.issuer", "http://127.0.0.1:9400"), CLIENT])
            .config()
            .console
            .logins
            .provider
            .is_some()
    );
    for wrong in ["finance", "finance=PG_KING@pb", "=PG_VIEWER@pb", "finance=PG_VIEWER@", "finance=PG_VIEWER"]
    {
        let problem = given(&[ISSUER, CLIENT, ("console.oidc.roles", wrong)]).problem();
        assert!(problem.starts_with("console.oidc.roles: "), "{wrong}: {problem}");
    }
    let path = given(&[("console.url", "https://console.example.org/pg-service/console"), ISSUER, CLIENT]);
    assert!(path.problem().starts_with("console.url: must not have a path"));
}

#[test]
fn beside_digit_no_person_counts_as_two() {
    let unnamed = given(&[USERS, ISSUER, CLIENT]);
    assert!(!unnamed.config().console.logins.provider.unwrap().claims.refunds_by_subject);
    assert!(unnamed.noticed(NoticeKind::Doubtful).contains(&"console.oidc.uuid-claim".to_owned()));
    let named = given(&[USERS, ISSUER, CLIENT, ("console.oidc.uuid-claim", "digit_uuid")]);
    assert!(!named.noticed(NoticeKind::Doubtful).contains(&"console.oidc.uuid-claim".to_owned()));
}

#[test]
fn employees_log_in_where_there_is_a_user_service() {
    let employees = given(&[USERS]).config().console.logins.employees.unwrap();
    assert_eq!((employees.host.as_str(), employees.path.as_str()), (USERS.1, "user/oauth/token"));
    assert_eq!(
        (employees.client_id.as_str(), employees.client_secret.expose_secret()),
        ("egov-user-client", "")
    );
    let off = given(&[USERS, ("console.digit.enabled", "false")]);
    assert!(off.config().console.logins.employees.is_none());
    assert!(given(&[("console.digit.enabled", "true")]).problem().contains("set egov.userservice.host"));
}

#[test]
fn secrets_of_logins_are_not_shown() {
    let environment: &[(&str, &str)] = &[
        ("PG_SERVICE_CONSOLE_OIDC_CLIENT_SECRET", "hush-1"),
        ("PG_SERVICE_CONSOLE_DIGIT_CLIENT_SECRET", "hush-2"),
    ];
    let set = Given { environment, ..given(&[USERS, ISSUER, CLIENT]) };
    let logins = set.config().console.logins;
    assert_eq!(logins.employees.as_ref().unwrap().client_secret.expose_secret(), "hush-2");
    assert!(!format!("{logins:?}").contains("hush") && !set.load().effective().contains("hush"));
}
