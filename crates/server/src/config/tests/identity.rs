//! The proof of callers' identities, and ids that cannot be guessed.

use secrecy::ExposeSecret;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const USERS: (&str, &str) = ("egov.userservice.host", "http://egov-user:8080");
const HEADER: (&str, &str) = ("identity.proof", "header");

fn given(flags: &'static [(&'static str, &'static str)]) -> Given {
    // Beside DIGIT payers are sent back to named hosts alone.
    Given { flags, properties: Some("callback.allowed-hosts=city.example\n"), ..Given::default() }
}

#[test]
fn tokens_are_the_proof_where_there_is_a_user_service() {
    assert!(matches!(Given::default().config().identity, IdentityProof::Believed));
    assert!(matches!(given(&[USERS]).config().identity, IdentityProof::Token(_)));
    assert!(given(&[USERS]).load().effective().contains("token"));
    let believed = given(&[USERS, ("identity.proof", "believed")]);
    assert!(matches!(believed.config().identity, IdentityProof::Believed));
    assert!(given(&[("identity.proof", "token")]).problem().contains("set egov.userservice.host"));
    assert!(given(&[("identity.proof", "trust")]).problem().starts_with("identity.proof: `trust`"));
    let path = given(&[USERS, ("egov.userservice.details.path", "user/v2/_details")]);
    assert_eq!(path.config().services.tokens.unwrap().details_path, "user/v2/_details");
    assert_eq!(path.noticed(NoticeKind::Idle), [""; 0]);
}

#[test]
fn a_header_is_proof_only_with_a_strong_secret() {
    let secret = Given {
        environment: &[("PG_SERVICE_IDENTITY_HEADER_SECRET", SECRET)],
        ..given(&[HEADER, ("identity.header.name", "X-Gateway")])
    };
    match secret.config().identity {
        IdentityProof::Header { name, secret } => {
            assert_eq!((name.as_str(), secret.expose_secret()), ("x-gateway", SECRET));
        }
        other @ (IdentityProof::Token(_) | IdentityProof::Believed) => panic!("{other:?}"),
    }
    assert!(!secret.load().effective().contains(SECRET));
    let missing = given(&[HEADER]);
    assert!(missing.problem().starts_with("identity.header.secret: must be set"));
    for weak in ["0123456789abcdef0123456789abcde", "0123456789abcdef 123456789abcdef"] {
        let environment = vec![("PG_SERVICE_IDENTITY_HEADER_SECRET", weak)].leak();
        let problem = Given { environment, ..given(&[HEADER]) }.problem();
        assert!(
            problem.starts_with("identity.header.secret: cannot be used") && !problem.contains(weak),
            "{problem}"
        );
    }
    let name =
        Given { environment: secret.environment, ..given(&[HEADER, ("identity.header.name", "no header")]) };
    assert!(name.problem().starts_with("identity.header.name: "));
    let idle = Given { environment: secret.environment, ..given(&[("identity.header.name", "X-Gateway")]) };
    assert_eq!(idle.noticed(NoticeKind::Idle), ["identity.header.name", "identity.header.secret"]);
}

#[test]
fn identity_without_proof_beyond_this_machine_is_warned_about() {
    let everywhere = ("server.address", "0.0.0.0");
    let open = Given { flags: vec![everywhere].leak(), ..Given::default() };
    assert_eq!(open.noticed(NoticeKind::Doubtful), ["callback.allowed-hosts", "identity.proof"]);
    assert_eq!(open.problems(), [""; 0], "a warning never stops the start");
    assert!(open.load().notices[1].to_string().contains("claim to be an employee"));
    let chosen = Given { flags: vec![everywhere, ("identity.proof", "believed")].leak(), ..Given::default() };
    assert_eq!(chosen.noticed(NoticeKind::Doubtful), ["callback.allowed-hosts", "identity.proof"]);
    let loopback = given(&[("server.address", "::1"), ("identity.proof", "believed")]);
    assert_eq!(loopback.noticed(NoticeKind::Doubtful), [""; 0]);
    let token = Given { flags: vec![everywhere, USERS].leak(), ..Given::default() };
    assert!(!token.noticed(NoticeKind::Doubtful).contains(&"identity.proof".to_owned()));
}

#[test]
fn ids_of_our_own_are_not_guessed_and_digits_service_is_given_the_originals_format() {
    assert_eq!(Given::default().config().embedded.id_format.random_digits(), 9);
    let called = given(&[("egov.idgen.host", "http://egov-idgen")]);
    assert_eq!(
        called.config().services.idgen.unwrap().id_format,
        "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]"
    );
    let short = given(&[("egov.idgen.ack.format", "PB_[SEQ_A]_[d{2}]")]);
    assert_eq!(short.noticed(NoticeKind::Doubtful), ["egov.idgen.ack.format"]);
    assert_eq!(short.config().embedded.id_format.random_digits(), 2, "it is as it was set");
    let long = given(&[("egov.idgen.ack.format", "PB_[SEQ_A]_[d{8}]")]);
    assert_eq!(long.noticed(NoticeKind::Doubtful), [""; 0]);
}

#[test]
fn digits_roles_give_ours_as_they_are_mapped() {
    use payment_domain::RequestInfo;
    use serde_json::json;

    let given =
        given(&[USERS, ("roles.PG_REFUND_MAKER", "FINANCE, CASHIER"), ("refund.trusted-role", "FLOW")]);
    let roles = given.config().roles;
    let rights = |code: &str| {
        let user = json!({"userInfo": {"uuid": "u", "type": "EMPLOYEE", "roles": [{"code": code, "tenantId": "pb"}]}});
        roles.rights(&serde_json::from_value::<RequestInfo>(user).unwrap())
    };
    for (code, given) in [("CASHIER", 1), ("PG_REFUND_MAKER", 0), ("PG_VIEWER", 1), ("FLOW", 0)] {
        assert_eq!(rights(code).grants.len(), given, "{code}");
    }
    assert_eq!(rights("FLOW").trusted.len(), 1);
    assert!(
        Given { flags: &[("roles.PG_ADMIN", "A B")], ..Given::default() }
            .problem()
            .contains("roles.PG_ADMIN")
    );
}

#[test]
fn nothing_real_is_configured_when_the_sandbox_stands_alone() {
    assert!(Given::default().config().stands_alone());
    assert!(!given(&[USERS]).config().stands_alone());
    assert!(!given(&[("egov.collectionservice.host", "http://collection:8080")]).config().stands_alone());
    assert!(
        !given(&[("identity.proof", "believed"), ("egov.idgen.host", "http://idgen")])
            .config()
            .stands_alone()
    );
}
