//! Personal API tokens: one holder for each uuid, and the tokens that each caller may see.

use std::sync::Arc;

use futures_util::future::join_all;
use payment_domain::{AuditAction, Grant, Personal, Role, TenantId};

use super::sample::at;
use super::{Promise, audit};
use crate::{
    ApiToken, ApiTokenQuery, AuditQuery, HolderKind, Issued, NewApiToken, Revocation, Revoked, Store,
    TenantScope, TokenHolder, TokenReach,
};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(an_api_token_is_found_by_its_digest_alone),
        Promise::of(a_holder_has_one_uuid_and_a_uuid_one_holder),
        Promise::of(of_tokens_for_one_name_issued_at_once_all_have_one_uuid),
        Promise::of(the_use_of_a_token_is_noted_once_a_minute),
        Promise::of(a_token_is_revoked_once_and_stays_so),
        Promise::of(tokens_beyond_the_callers_tenants_are_neither_seen_nor_revoked),
    ]
}

fn grant(role: Role, tenant: &str) -> Grant {
    Grant { role, tenant: TenantId::new(tenant).unwrap() }
}

fn token(nth: u8, uuid: &str, name: &str, grants: Vec<Grant>) -> NewApiToken {
    NewApiToken {
        id: format!("pgs_{nth:08}"),
        digest: [nth; 32],
        label: format!("laptop {nth}"),
        holder: TokenHolder { uuid: uuid.to_owned(), name: Personal::new(name), kind: HolderKind::Person },
        grants,
        issued_at: at(i64::from(nth)),
        issued_by: "root".to_owned(),
        expires_at: at(1_000),
        audit: audit::about(AuditAction::TokenIssued, &format!("pgs_{nth:08}")),
    }
}

fn stored(new: NewApiToken) -> ApiToken {
    let NewApiToken { id, digest: _, label, holder, mut grants, issued_at, issued_by, expires_at, audit: _ } =
        new;
    grants.sort_by(|one, other| (&one.tenant, one.role.code()).cmp(&(&other.tenant, other.role.code())));
    ApiToken {
        id,
        label,
        holder,
        grants,
        issued_at,
        issued_by,
        expires_at,
        last_used_at: None,
        revocation: None,
    }
}

fn all() -> ApiTokenQuery {
    ApiTokenQuery { reach: TokenReach::All, valid_at: None, limit: 100 }
}

fn within(roots: &[&str], own_uuid: &str) -> TokenReach {
    let scopes = roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect();
    TokenReach::Within { scopes, own_uuid: own_uuid.to_owned() }
}

fn ids(tokens: &[ApiToken]) -> Vec<&str> {
    tokens.iter().map(|token| token.id.as_str()).collect()
}

async fn an_api_token_is_found_by_its_digest_alone(store: Arc<dyn Store>) {
    let both = vec![grant(Role::Viewer, "pb"), grant(Role::RefundMaker, "pb.amritsar")];
    let first = token(1, "u-1", "Asha Rani", both);
    let program = NewApiToken {
        holder: TokenHolder {
            uuid: "u-2".to_owned(),
            name: Personal::new("ledger"),
            kind: HolderKind::Program,
        },
        ..token(2, "u-2", "", vec![grant(Role::Auditor, "pb"), grant(Role::Admin, "pb")])
    };
    for new in [&first, &program] {
        assert_eq!(store.issue_api_token(new.clone()).await.unwrap(), Issued::Now);
        assert_eq!(store.api_token(&new.digest).await.unwrap(), Some(stored(new.clone())));
    }
    assert_eq!(store.api_token(&[3; 32]).await.unwrap(), None);
    assert_eq!(store.api_tokens(&all()).await.unwrap(), [stored(program), stored(first.clone())]);
    let one = ApiTokenQuery { limit: 1, ..all() };
    assert_eq!(store.api_tokens(&one).await.unwrap().len(), 1);
    assert!(stored(first.clone()).is_valid(at(999)) && !stored(first).is_valid(at(1_000)));
}

async fn a_holder_has_one_uuid_and_a_uuid_one_holder(store: Arc<dyn Store>) {
    let viewer = || vec![grant(Role::Viewer, "pb")];
    let issue = async |new| store.issue_api_token(new).await.unwrap();
    assert_eq!(issue(token(1, "u-1", "Asha Rani", viewer())).await, Issued::Now);
    assert_eq!(issue(token(2, "u-2", " asha  RANI ", viewer())).await, Issued::NameTaken);
    assert_eq!(issue(token(3, "u-1", "Balbir Singh", viewer())).await, Issued::UuidTaken);
    let program =
        TokenHolder { uuid: "u-1".to_owned(), name: Personal::new("Asha Rani"), kind: HolderKind::Program };
    let as_program = NewApiToken { holder: program, ..token(4, "u-1", "", viewer()) };
    assert_eq!(issue(as_program).await, Issued::UuidTaken);
    assert_eq!(issue(token(5, "u-1", "asha rani", viewer())).await, Issued::Now);
    let found = store.api_tokens(&all()).await.unwrap();
    let entries = store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(entries.len(), 2, "what was not issued was not recorded");
    assert_eq!(ids(&found), ["pgs_00000005", "pgs_00000001"]);
    assert!(found.iter().all(|token| token.holder.name.expose() == "Asha Rani"), "as it was said first");
}

async fn of_tokens_for_one_name_issued_at_once_all_have_one_uuid(store: Arc<dyn Store>) {
    let issued = join_all((0..20).map(|nth| {
        let uuid = format!("u-{}", nth % 4);
        store.issue_api_token(token(nth, &uuid, "Asha Rani", vec![grant(Role::RefundMaker, "pb")]))
    }))
    .await;
    let now = issued.into_iter().filter(|issued| *issued.as_ref().unwrap() == Issued::Now).count();
    let found = store.api_tokens(&all()).await.unwrap();
    assert_eq!((now, found.len()), (5, 5));
    assert!(found.iter().all(|token| token.holder == found[0].holder));
}

async fn the_use_of_a_token_is_noted_once_a_minute(store: Arc<dyn Store>) {
    store.issue_api_token(token(1, "u-1", "Asha", vec![grant(Role::Viewer, "pb")])).await.unwrap();
    for (used, noted) in [(5, 5), (6, 5), (3_600_004, 5), (3_600_005, 3_600_005), (7, 3_600_005)] {
        store.note_api_token_use("pgs_00000001", at(used)).await.unwrap();
        let token = store.api_token(&[1; 32]).await.unwrap().unwrap();
        assert_eq!(token.last_used_at, Some(at(noted)), "used at {used}");
    }
    store.note_api_token_use("pgs_unknown", at(5)).await.unwrap();
}

async fn a_token_is_revoked_once_and_stays_so(store: Arc<dyn Store>) {
    store.issue_api_token(token(1, "u-1", "Asha", vec![grant(Role::Viewer, "pb")])).await.unwrap();
    let revocation = |nth: i64| Revocation { at: at(nth), by: format!("admin-{nth}") };
    let revoke = async |id: &str, nth| {
        let audit = audit::about(AuditAction::TokenRevoked, id);
        store.revoke_api_token(id, &TokenReach::All, revocation(nth), audit).await.unwrap()
    };
    assert_eq!(revoke("pgs_00000002", 4).await, Revoked::NotFound);
    assert_eq!(revoke("pgs_00000001", 5).await, Revoked::Now);
    assert_eq!(revoke("pgs_00000001", 6).await, Revoked::Before(revocation(5)));
    let token = store.api_token(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(token.revocation, Some(revocation(5)));
    assert!(!token.is_valid(at(0)));
    let entries = store.audit_entries(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    let told = |entry: &str| entry.contains("pgs_00000001");
    assert!(entries.len() == 2 && entries.iter().all(|stored| told(&stored.entry)), "{entries:?}");
    for (valid_at, found) in [(None, 1), (Some(at(10)), 0)] {
        let query = ApiTokenQuery { valid_at, ..all() };
        assert_eq!(store.api_tokens(&query).await.unwrap().len(), found);
    }
}

async fn tokens_beyond_the_callers_tenants_are_neither_seen_nor_revoked(store: Arc<dyn Store>) {
    let of = |tenants: &[&str]| tenants.iter().map(|tenant| grant(Role::Viewer, tenant)).collect();
    for (nth, tenants) in [
        (1, &["pb"][..]),
        (2, &["pb.amritsar"]),
        (3, &["pb.amritsar", "pb.nabha"]),
        (4, &["pbx"]),
        (5, &["pb_"]),
    ] {
        store
            .issue_api_token(token(nth, &format!("u-{nth}"), &format!("name {nth}"), of(tenants)))
            .await
            .unwrap();
    }
    let revocation = || Revocation { at: at(9), by: "admin".to_owned() };
    for (reach, seen) in [
        (within(&["pb"], "x"), &[3, 2, 1][..]),
        (within(&["pb.amritsar"], "x"), &[2]),
        (within(&["pb.amritsar", "pb.nabha"], "x"), &[3, 2]),
        (within(&["mh"], "u-4"), &[4]),
        (within(&[], "x"), &[]),
        (within(&["p%", "pb.amritsa_"], "x"), &[]),
        (TokenReach::Of { uuid: "u-3".to_owned() }, &[3]),
        (TokenReach::All, &[5, 4, 3, 2, 1]),
    ] {
        let seen: Vec<String> = seen.iter().map(|nth: &u8| format!("pgs_{nth:08}")).collect();
        let found = store.api_tokens(&ApiTokenQuery { reach: reach.clone(), ..all() }).await.unwrap();
        assert_eq!(ids(&found), seen, "{reach:?}");
        for nth in 1..=5_u8 {
            let id = format!("pgs_{nth:08}");
            if !seen.contains(&id) {
                let revoked = store.revoke_api_token(&id, &reach, revocation(), Vec::new()).await.unwrap();
                assert_eq!(revoked, Revoked::NotFound, "{id} {reach:?}");
            }
        }
    }
    let own = within(&[], "u-4");
    assert_eq!(
        store.revoke_api_token("pgs_00000004", &own, revocation(), Vec::new()).await.unwrap(),
        Revoked::Now
    );
    let query = ApiTokenQuery { valid_at: Some(at(10)), ..all() };
    assert_eq!(store.api_tokens(&query).await.unwrap().len(), 4);
}
