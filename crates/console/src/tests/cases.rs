//! Review cases: one owner, notes that stay, no change by a stale page, each act once.

use http::StatusCode;
use payment_domain::Role;
use payment_store::AuditQuery;

use super::screens::case_of;
use super::{World, world};

const SAME: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

async fn with_case() -> World {
    let world = world();
    let id = world.pending("T1", "pb.amritsar").await;
    assert!(world.store.raise_attention(case_of(&id)).await.unwrap());
    world
}

#[tokio::test]
async fn of_two_people_who_take_a_case_at_once_one_owns_it_and_the_other_is_told() {
    let world = with_case().await;
    let (asha, bala) = (
        world.log_in("asha", &[(Role::Operator, "pb.amritsar")]).await,
        world.log_in("bala", &[(Role::Operator, "pb")]).await,
    );
    let fields = [("version", "1")];
    let (one, two) =
        tokio::join!(asha.post("/attention/1/take", &fields), bala.post("/attention/1/take", &fields));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    let (owner, other) = if one.status == StatusCode::SEE_OTHER { (&asha, &bala) } else { (&bala, &asha) };
    let late = if one.status == StatusCode::SEE_OTHER { &two } else { &one };
    late.check();
    assert!(late.words().contains("has changed meanwhile"), "{}", late.words());
    assert!(owner.get("/attention?owner=me").await.words().contains("Look the payment up"));
    assert!(other.get("/attention?owner=me").await.words().contains("Nothing matches"));
    assert!(other.get("/attention?owner=none").await.words().contains("Nothing matches"));
    assert_eq!(other.get("/attention?owner=x").await.status, StatusCode::BAD_REQUEST);
    let stale = other.post("/attention/1/resolve", &[("version", "1"), ("reason", "late")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.text);
    let page = owner.get("/attention/1").await;
    page.check();
    assert!(page.words().contains("Release the case") && !page.words().contains("Take the case"));
    assert!(other.get("/attention/1").await.words().contains("Take the case"), "it can be taken over");
    let released = owner.post("/attention/1/release", &[("version", "2")]).await;
    assert_eq!(released.location(), "/pg-service/console/attention/1?said=released");
}

#[tokio::test]
async fn a_note_that_is_sent_twice_is_kept_once_with_its_author_and_starred_for_auditors() {
    let world = with_case().await;
    let asha = world.log_in("asha", &[(Role::Operator, "pb.amritsar")]).await;
    let token = asha.token().await;
    let fields = [("form_token", token.as_str()), ("note", "called Asha Rani <script>")];
    let (one, two) = tokio::join!(
        asha.post_raw("/attention/1/note", &SAME, &fields),
        asha.post_raw("/attention/1/note", &SAME, &fields)
    );
    assert_eq!((one.status, one.location()), (StatusCode::SEE_OTHER, two.location()));
    assert_eq!(asha.post("/attention/1/note", &[("note", " ")]).await.status, StatusCode::BAD_REQUEST);
    let page = asha.get("/attention/1").await;
    page.check();
    assert_eq!(page.words().matches("called Asha Rani <script>").count(), 1, "{}", page.words());
    assert!(page.words().contains("by user u-asha"), "{}", page.words());
    let auditor = world.log_in("vera", &[(Role::Auditor, "pb")]).await;
    let starred = auditor.get("/attention/1").await;
    assert!(!starred.text.contains("Asha Rani") && !starred.text.contains("/attention/1/note"));
    let query = AuditQuery { object_kind: Some("case".to_owned()), limit: 9, ..AuditQuery::default() };
    let entries = world.store.audit_entries(&query).await.unwrap();
    assert!(entries.len() == 1 && entries[0].entry.contains("case.noted"), "{entries:?}");
    assert!(!entries[0].entry.contains("Asha Rani"), "what may name people stands apart");
}
