//! Gauges of open work.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use payment_service::BacklogGauges;
use payment_store::contract::sample;
use payment_testing::store::ObservedStore;

use crate::support::world;

/// Five moments of one replica: an early one, an hour later, one at which the database is unavailable, one after
/// the payment has failed; and a replica that publishes no events.
#[test]
fn open_work_is_shown_by_age_until_it_is_done_and_the_sample_tells_its_moment() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let numbers = recorder.handle();
    let shown = |wanted: &str| {
        let text = numbers.render();
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(wanted))
            .map(|line| line[wanted.len()..].trim().to_owned())
            .collect();
        lines.sort();
        lines
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let world = world();
            let clock = world.clock.clone();
            clock.set(sample::at(0));
            let observed = Arc::new(ObservedStore::new(world.store.clone()));
            let txn = sample::stored(&world.store, sample::new_transaction("T1", "B1")).await;
            let mut gauges = BacklogGauges::new(observed.clone(), clock.clone(), true);
            gauges.sample().await.unwrap();
            let young = r#"{gateway="SANDBOX",age="under_15m"}"#;
            assert_eq!(shown("transactions_pending"), [format!("{young} 1")]);
            assert_eq!(shown("receipts_due").len(), 10, "zero is shown, too");
            assert_eq!(shown("outbox_oldest_seconds"), ["0"]);
            assert_eq!(shown("outbox_waiting"), ["2"]);
            assert_eq!(shown("backlog_sampled_timestamp_seconds"), ["1790000000"]);

            clock.advance(Duration::from_secs(3_600));
            gauges.sample().await.unwrap();
            let old = r#"{gateway="SANDBOX",age="1h_to_1d"}"#;
            let pending = [format!("{old} 1"), format!("{young} 0")];
            assert_eq!(shown("transactions_pending"), pending);
            assert_eq!(shown("outbox_oldest_seconds"), ["3600"]);

            observed.is_available(false);
            clock.advance(Duration::from_secs(3_600));
            gauges.sample().await.unwrap_err();
            assert_eq!(shown("transactions_pending"), pending);
            assert_eq!(shown("backlog_sampled_timestamp_seconds"), ["1790003600"], "as old as it is");

            observed.is_available(true);
            sample::applied(&world.store, sample::failure(&txn)).await;
            gauges.sample().await.unwrap();
            assert_eq!(shown("transactions_pending"), [format!("{old} 0"), format!("{young} 0")]);

            let calls = observed.take_calls();
            assert_eq!((calls["backlog"], calls["outbox_backlog"]), (4, 3));
            let mut silent = BacklogGauges::new(observed.clone(), clock, false);
            silent.sample().await.unwrap();
            assert_eq!(observed.take_calls().keys().collect::<Vec<_>>(), [&"backlog"]);
        });
    });
}
