//! The gauge of the age of credentials.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::{DAY, person, town};

#[test]
fn credentials_in_use_have_an_age_and_retired_ones_none() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let numbers = recorder.handle();
    let ages = || {
        let text = numbers.render();
        let lines =
            text.lines().filter(|line| line.starts_with("merchant_credential_active_timestamp_seconds{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let town = town();
            let since = |town: &super::Town| {
                let now = payment_domain::Clock::now(town.world.clock.as_ref()).as_millis();
                (now as f64 / 1000.0).to_string()
            };
            let id = town.active("pb.amritsar", None, "CITY", "one key").await;
            town.accounts.directory.refresh().await.unwrap();
            assert_eq!(ages(), [since(&town)]);
            town.world.clock.advance(DAY);
            town.rotate_to(&id, "CITY", "another key").await;
            town.accounts.directory.refresh().await.unwrap();
            assert_eq!(ages(), [since(&town)]);
            town.accounts.retire(&person("maker"), &id, None, false).await.unwrap();
            town.accounts.directory.refresh().await.unwrap();
            assert_eq!(ages(), ["NaN"]);
        });
    });
}
