//! Payments of an earlier service with unknown values are never settled.

use crate::support::{caller, declined, paid, world_in_postgres};
use payment_domain::Status;
use payment_gateway::Answer;
use payment_service::Asked;

/// The amount cannot be compared with the gateway's, or the meaning of the state is unknown: no report
/// succeeds or fails such a payment.
#[tokio::test]
async fn a_payment_whose_amount_or_status_is_unknown_is_shown_and_never_settled() {
    let world = world_in_postgres();
    for (nth, (column, value)) in
        [("txn_amount", "-5"), ("txn_amount", "NULL"), ("txn_status", "'REVERSED'"), ("currency", "'KWD'")]
            .iter()
            .enumerate()
    {
        let id = world.pending(&format!("B{nth}"), "100").await;
        let adopted = format!(
            "ALTER TABLE eg_pg_transactions ALTER txn_amount DROP NOT NULL;
             UPDATE eg_pg_transactions SET version = NULL, txn_amount_minor = NULL,
                 {column} = {value} WHERE txn_id = '{id}'"
        );
        world.database.execute(&adopted).await;
        for outcome in [paid("100"), paid("0"), declined()] {
            world.gateway.answers(outcome);
            let settled = world.payments.settlement.settle(&id, &Answer::default(), &caller()).await.unwrap();
            assert!(matches!(settled.asked, Asked::Unusable(_)), "{:?}", settled.asked);
            assert_eq!(settled.txn.status, Status::Pending);
        }
        assert_eq!(world.steps(&id).await, [">PENDING"]);
        assert_eq!(world.claims(&format!("B{nth}")).await.len(), 1, "its bill stays held");
    }
}
