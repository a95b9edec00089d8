//! Personal API tokens: their issuers, and the identities they prove.

use std::time::Duration;

use payment_domain::{Grant, Personal, RequestInfo, Role, TenantId};
use payment_service::{Denied, Identity, IssuedToken, Rights, TokenError, TokenIssuer, TokenWish};
use payment_store::{AuditQuery, HolderKind, TokenHolder};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{World, world};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn at(tenant: &str) -> TenantId {
    TenantId::new(tenant).unwrap()
}

fn grants(grants: &[(Role, &str)]) -> Vec<Grant> {
    grants.iter().map(|(role, tenant)| Grant { role: *role, tenant: at(tenant) }).collect()
}

fn wish(uuid: &str, name: &str, given: &[(Role, &str)]) -> TokenWish {
    TokenWish {
        label: "laptop".to_owned(),
        holder: TokenHolder { uuid: uuid.to_owned(), name: Personal::new(name), kind: HolderKind::Person },
        grants: grants(given),
        life: DAY * 30,
    }
}

fn root() -> TokenIssuer {
    TokenIssuer::CommandLine { user: Personal::new("root") }
}

fn caller(uuid: &str, given: &[(Role, &str)]) -> TokenIssuer {
    let info = json!({"userInfo": {"uuid": uuid, "type": "EMPLOYEE"}});
    let rights = Rights { grants: grants(given), trusted: Vec::new() };
    let identity = Identity::vouched(serde_json::from_value(info).unwrap()).with_rights(rights);
    TokenIssuer::Caller { identity, address: Some("10.0.0.7".parse().unwrap()) }
}

async fn issued(world: &World, wish: TokenWish) -> IssuedToken {
    world.payments.tokens.issue(&root(), wish).await.unwrap()
}

async fn refused(world: &World, issuer: &TokenIssuer, wish: TokenWish) -> TokenError {
    world.payments.tokens.issue(issuer, wish).await.unwrap_err()
}

async fn identified(world: &World, secret: &str) -> Option<Identity> {
    // The request claims to be another.
    let info = json!({"apiId": "a", "authToken": "stolen", "userInfo": {"uuid": "victim", "type": "EMPLOYEE",
        "tenantId": "mh", "roles": [{"code": "PG_ADMIN", "tenantId": "mh"}]}});
    let info: RequestInfo = serde_json::from_value(info).unwrap();
    world.payments.tokens.identify(secret, &info).await.unwrap()
}

#[tokio::test]
async fn a_token_proves_its_holder_with_its_grants_and_nothing_that_the_request_says() {
    let world = world();
    let token = issued(&world, wish("U-1", " Asha Rani ", &[(Role::RefundMaker, "pb.amritsar")])).await;
    let secret = token.secret.expose_secret();
    assert!(secret.starts_with(&token.token.id) && secret.len() == 47, "{secret}");
    assert!(!format!("{token:?}").contains(secret) && !format!("{token:?}").contains("Asha"));
    let identity = identified(&world, secret).await.unwrap();
    let maker = identity.principal(&[Role::RefundMaker], &at("pb.amritsar"), None).unwrap();
    assert_eq!((maker.uuid.as_str(), maker.tenant), ("u-1", at("pb.amritsar")));
    assert!(identity.principal(&[Role::Admin], &at("mh"), None).is_err());
    let info = serde_json::to_value(identity.info()).unwrap();
    assert_eq!((&info["apiId"], &info["authToken"]), (&json!("a"), &json!(null)));
    assert!(!info.to_string().contains("victim"), "{info}");

    let mut changed = secret.to_owned();
    changed.replace_range(20..21, if &secret[20..21] == "A" { "B" } else { "A" });
    for unknown in ["", "pgs_", &changed, &secret[..46], &format!("{secret}A"), &secret.to_uppercase()] {
        assert!(identified(&world, unknown).await.is_none(), "{unknown}");
    }
}

#[tokio::test]
async fn a_token_ends_when_it_expires_or_is_revoked() {
    let world = world();
    let first = issued(&world, wish("u-1", "Asha", &[(Role::Viewer, "pb")])).await;
    let second = issued(&world, wish("u-1", "Asha", &[(Role::Viewer, "pb")])).await;
    assert_ne!(first.token.id, second.token.id);
    let tokens = &world.payments.tokens;
    tokens.revoke(&root(), &second.token.id).await.unwrap();
    assert!(identified(&world, second.secret.expose_secret()).await.is_none());
    assert!(matches!(tokens.revoke(&root(), &second.token.id).await, Err(TokenError::Before(_))));
    assert!(matches!(tokens.revoke(&root(), "pgs_unknown0").await, Err(TokenError::NotFound)));
    assert!(identified(&world, first.secret.expose_secret()).await.is_some());
    let listed = tokens.list(&root(), true).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].last_used_at.is_some());
    world.clock.advance(DAY * 30);
    assert!(identified(&world, first.secret.expose_secret()).await.is_none());
    assert_eq!(tokens.list(&root(), true).await.unwrap(), []);
    assert_eq!(tokens.list(&root(), false).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_admin_issues_tokens_of_their_tenants_and_none_that_lets_them_refund() {
    let world = world();
    let admin = caller("admin-1", &[(Role::Admin, "pb")]);
    let maker = [(Role::RefundMaker, "pb.amritsar")];
    let tokens = &world.payments.tokens;
    let own = refused(&world, &admin, wish("ADMIN-1", "Admin", &maker)).await;
    assert!(matches!(own, TokenError::OwnRefunds));
    let foreign = refused(&world, &admin, wish("u-1", "Asha", &[(Role::Viewer, "mh")])).await;
    assert!(matches!(foreign, TokenError::Denied(Denied::Role { .. })));
    let others = caller("u-9", &[(Role::Operator, "pb"), (Role::Auditor, "pb"), (Role::RefundChecker, "pb")]);
    let denied = refused(&world, &others, wish("u-1", "Asha", &[(Role::Viewer, "pb")])).await;
    assert!(matches!(denied, TokenError::Denied(_)), "{denied:?}");
    assert_eq!(tokens.list(&others, false).await.unwrap(), [], "their own");
    for lesser in [
        caller("", &[(Role::Admin, "pb")]),
        TokenIssuer::Caller { identity: Identity::unproven(&RequestInfo::default()), address: None },
    ] {
        let denied = refused(&world, &lesser, wish("u-1", "Asha", &[(Role::Viewer, "pb")])).await;
        assert!(matches!(denied, TokenError::Denied(_)), "{denied:?}");
        assert!(tokens.list(&lesser, false).await.is_err() && tokens.revoke(&lesser, "x").await.is_err());
    }
    let token = tokens.issue(&admin, wish("u-1", "Asha", &maker)).await.unwrap().token;
    assert_eq!(token.issued_by, "admin-1");
    let city = caller("admin-2", &[(Role::Admin, "pb.nabha")]);
    assert_eq!(tokens.list(&city, false).await.unwrap(), []);
    assert!(matches!(tokens.revoke(&city, &token.id).await, Err(TokenError::NotFound)));
    assert_eq!(tokens.list(&admin, false).await.unwrap().len(), 1);

    let audit = world.store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(audit.len(), 1, "one was issued");
    for told in ["token.issued", "admin-1", "PG_REFUND_MAKER", "pb.amritsar", &token.id] {
        assert!(audit[0].entry.contains(told), "{told}: {}", audit[0].entry);
    }
}

#[tokio::test]
async fn people_issue_tokens_for_themselves_with_their_own_roles_and_none_that_refunds() {
    let world = world();
    let tokens = &world.payments.tokens;
    let asha = caller("u-1", &[(Role::Operator, "pb"), (Role::RefundMaker, "pb")]);
    let own = |given: &[(Role, &str)]| wish("u-1", "Asha", given);
    let token = tokens.issue_own(&asha, own(&[(Role::Operator, "pb.amritsar")])).await.unwrap();
    assert_eq!(token.token.issued_by, "u-1");
    let refused = async |wish| tokens.issue_own(&asha, wish).await.unwrap_err();
    let named = |wish: TokenWish| TokenWish { label: "another".to_owned(), ..wish };
    assert!(matches!(refused(own(&[(Role::Operator, "pb")])).await, TokenError::LabelTaken));
    let maker = refused(named(own(&[(Role::RefundMaker, "pb")]))).await;
    assert!(matches!(maker, TokenError::OwnRefunds), "{maker:?}");
    for more in [(Role::Auditor, "pb"), (Role::Operator, "mh"), (Role::Admin, "pb")] {
        assert!(matches!(refused(named(own(&[more]))).await, TokenError::Denied(_)), "{more:?}");
    }
    let long = TokenWish { life: DAY * 91, ..named(own(&[(Role::Operator, "pb")])) };
    assert!(matches!(refused(long).await, TokenError::OwnLife));
    let renamed = TokenWish {
        holder: TokenHolder { name: Personal::new("Asha Rani"), ..token.token.holder.clone() },
        ..named(own(&[(Role::Operator, "pb")]))
    };
    let second = tokens.issue_own(&asha, renamed).await.unwrap();
    assert_eq!(second.token.holder, token.token.holder, "one holder, whatever they are called since");
    let bala = caller("u-2", &[(Role::Operator, "pb")]);
    assert_eq!(tokens.list(&bala, false).await.unwrap(), []);
    assert!(matches!(tokens.revoke(&bala, &token.token.id).await, Err(TokenError::NotFound)));
    assert_eq!(tokens.list(&asha, true).await.unwrap().len(), 2);
    tokens.revoke(&asha, &token.token.id).await.unwrap();
    assert_eq!(tokens.list(&asha, true).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_person_never_counts_as_two() {
    let world = world();
    issued(&world, wish("u-1", "Asha Rani", &[(Role::RefundMaker, "pb")])).await;
    let checker = &[(Role::RefundChecker, "pb")];
    let again = refused(&world, &root(), wish("u-2", "asha rani", checker)).await;
    assert!(matches!(again, TokenError::NameTaken));
    let other = refused(&world, &root(), wish("U-1", "Balbir", checker)).await;
    assert!(matches!(other, TokenError::UuidTaken));
    let mut program = wish("p-1", "ledger", checker);
    program.holder.kind = HolderKind::Program;
    assert!(matches!(refused(&world, &root(), program).await, TokenError::ProgramChecks));
    issued(&world, wish("u-1", "Asha Rani", checker)).await;
}

#[tokio::test]
async fn accounts_and_refunds_of_one_tenant_are_in_different_hands() {
    let world = world();
    issued(&world, wish("u-1", "Asha", &[(Role::Admin, "pb.amritsar")])).await;
    for maker in [(Role::RefundMaker, "pb"), (Role::RefundChecker, "pb.amritsar.east")] {
        let mixed = refused(&world, &root(), wish("u-1", "Asha", &[maker])).await;
        assert!(matches!(mixed, TokenError::AdminWithRefunds { .. }), "{mixed:?}");
    }
    let both = [(Role::RefundMaker, "pb"), (Role::Admin, "pb")];
    assert!(matches!(
        refused(&world, &root(), wish("u-2", "Balbir", &both)).await,
        TokenError::AdminWithRefunds { .. }
    ));
    issued(&world, wish("u-1", "Asha", &[(Role::RefundMaker, "pb.nabha")])).await;
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused() {
    let world = world();
    let good = || wish("u-1", "Asha", &[(Role::Viewer, "pb")]);
    for wrong in [
        TokenWish { label: " ".to_owned(), ..good() },
        TokenWish { label: "a\nb".to_owned(), ..good() },
        TokenWish { grants: Vec::new(), ..good() },
        TokenWish { life: DAY * 367, ..good() },
        TokenWish { life: DAY / 2, ..good() },
        wish(" ", "Asha", &[(Role::Viewer, "pb")]),
        wish("u-1", "", &[(Role::Viewer, "pb")]),
        wish("u-1", &"x".repeat(201), &[(Role::Viewer, "pb")]),
    ] {
        assert!(matches!(refused(&world, &root(), wrong).await, TokenError::Invalid(_)));
    }
}
