//! The tenant of a review case: stored with it by the database, for replicas of a previous version, too.

use payment_store::contract::sample;
use payment_store::{AttentionQuery, TenantScope};

use crate::support::Database;

#[tokio::test]
async fn a_case_is_found_by_its_tenant_whoever_stored_it() {
    let database = Database::create().await;
    let store = database.store().await;
    let txn = sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    let client = database.client().await;
    // As the statements of a previous version.
    let raise = "INSERT INTO eg_pg_attention (txn_id, kind, raised_at, evidence)
        SELECT 'T1', kind, 1, '{}' FROM unnest(ARRAY['refunded', 'late-success']) AS kind";
    client.batch_execute(raise).await.unwrap();
    let tenants = client.query("SELECT tenant_id FROM eg_pg_attention", &[]).await.unwrap();
    let tenants: Vec<Option<String>> = tenants.iter().map(|row| row.get(0)).collect();
    assert_eq!(tenants, vec![Some(txn.tenant_id.as_str().to_owned()); 2]);
    // Stored before the column was there.
    client
        .batch_execute("UPDATE eg_pg_attention SET tenant_id = NULL WHERE kind = 'refunded'")
        .await
        .unwrap();
    for (root, found) in [(txn.tenant_id.as_str(), 2), ("pb.elsewhere", 0)] {
        let within = vec![TenantScope { root: root.to_owned() }];
        let query = AttentionQuery { within: Some(within.clone()), limit: 9, ..AttentionQuery::default() };
        assert_eq!(store.attention_cases(&query).await.unwrap().len(), found, "{root}");
        assert_eq!(store.open_cases(&within).await.unwrap().len(), found, "{root}");
    }
}
