//! Figures: sums by every group within tenants, open work, readings of gateways. Their counting is tested with the
//! use case that counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use payment_domain::{AttentionKind, TenantId, Timestamp};

use super::Promise;
use super::attention::{case, new_case, raised};
use super::sample::{self, at, begun, tick};
use crate::figures::{
    FigureKey, FigureRows, FigureSum, Figures, FiguresBy, FiguresQuery, FiguresState, FiguresUpdate,
    GatewayReading, PendingDay,
};
use crate::{Applied, Fence, Store, TenantScope};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(figures_are_summed_by_each_group_within_the_tenants_alone),
        Promise::of(figures_that_rest_on_earlier_ones_store_nothing),
        Promise::of(open_work_is_counted_within_the_tenants_alone),
        Promise::of(readings_of_gateways_are_stored_once_and_forgotten),
    ]
}

fn scopes(roots: &[&str]) -> Vec<TenantScope> {
    roots.iter().map(|root| TenantScope { root: (*root).to_owned() }).collect()
}

fn key(day: &str, tenant: &str, gateway: &str, currency: &str) -> FigureKey {
    let [day, tenant, gateway, currency] = [day, tenant, gateway, currency].map(str::to_owned);
    FigureKey { day, tenant, gateway, currency }
}

fn paid(count: i64, minor: i64) -> Figures {
    Figures { created: count + 1, pending: 1, paid: count, paid_minor: minor, ..Figures::default() }
}

async fn update(store: &Arc<dyn Store>, fence: &Fence, differences: FigureRows) -> FiguresUpdate {
    let state = store.figures_state().await.unwrap();
    FiguresUpdate { differences, ..FiguresUpdate::of(state, fence) }
}

async fn figures_are_summed_by_each_group_within_the_tenants_alone(store: Arc<dyn Store>) {
    let fence = begun(&store, tick("figures", 0)).await.fence;
    let rows = FigureRows::from([
        (key("2026-10-31", "pb.amritsar", "AXIS", "INR"), paid(1, 100)),
        (key("2026-11-01", "pb.amritsar", "AXIS", "INR"), paid(2, 200)),
        (key("2026-11-01", "pb.amritsar", "PAYTM", "INR"), paid(3, 300)),
        (key("2026-11-02", "pb.amritsar", "AXIS", "USD"), paid(4, 400)),
        (key("2026-11-02", "pb.nabha", "AXIS", "INR"), Figures { failed: 5, ..Figures::default() }),
        (key("2026-11-02", "pbx", "AXIS", "INR"), paid(6, 600)),
        (key("2026-11-03", "pb", "AXIS", "INR"), paid(7, 700)),
    ]);
    for (key, figures) in rows {
        let stored = update(&store, &fence, FigureRows::from([(key, figures)])).await;
        assert_eq!(store.store_figures(stored).await.unwrap(), Applied::Stored);
    }
    let sums = async |roots: &[&str], by| -> Vec<(String, i64, i64)> {
        let (from_day, to_day) = ("2026-11-01".to_owned(), "2026-11-02".to_owned());
        let query = FiguresQuery { within: scopes(roots), from_day, to_day, by };
        let name = |sum: FigureSum| {
            let name = [sum.period, sum.tenant, sum.gateway, sum.currency].join(" ");
            (name, sum.figures.paid_minor, sum.figures.failed)
        };
        store.figure_sums(&query).await.unwrap().into_iter().map(name).collect()
    };
    let expected = |rows: &[(&str, i64, i64)]| -> Vec<(String, i64, i64)> {
        rows.iter().map(|(name, minor, failed)| ((*name).to_owned(), *minor, *failed)).collect()
    };
    let by_tenant = [(" pb.amritsar  INR", 500, 0), (" pb.amritsar  USD", 400, 0), (" pb.nabha  INR", 0, 5)];
    assert_eq!(sums(&["pb"], FiguresBy::Tenant).await, expected(&by_tenant));
    let by_gateway = [("  AXIS INR", 200, 0), ("  AXIS USD", 400, 0), ("  PAYTM INR", 300, 0)];
    assert_eq!(sums(&["pb.amritsar"], FiguresBy::Gateway).await, expected(&by_gateway));
    let by_day = [("2026-11-02  AXIS INR", 600, 5)];
    assert_eq!(sums(&["pb.nabha", "pbx"], FiguresBy::DayAndGateway).await, expected(&by_day));
    let by_month = [("2026-11  AXIS INR", 600, 0)];
    assert_eq!(sums(&["pbx"], FiguresBy::MonthAndGateway).await, expected(&by_month));
    assert_eq!(sums(&[], FiguresBy::Tenant).await, []);
    assert_eq!(sums(&["p", "pb%"], FiguresBy::Tenant).await, []);
    let pending = |day: &str, tenant: &str, pending| PendingDay {
        day: day.to_owned(),
        tenant: tenant.to_owned(),
        pending,
    };
    let all = [
        pending("2026-11-03", "pb", 1),
        pending("2026-11-02", "pb.amritsar", 1),
        pending("2026-11-01", "pb.amritsar", 2),
        pending("2026-10-31", "pb.amritsar", 1),
    ];
    assert_eq!(store.pending_by_day(&scopes(&["pb"])).await.unwrap(), all);
    assert_eq!(store.pending_by_day(&[]).await.unwrap(), []);
}

async fn figures_that_rest_on_earlier_ones_store_nothing(store: Arc<dyn Store>) {
    let fence = begun(&store, tick("figures", 0)).await.fence;
    let one = FigureRows::from([(key("2026-11-01", "pb", "AXIS", "INR"), paid(1, 100))]);
    let (first, second) = (update(&store, &fence, one.clone()).await, update(&store, &fence, one).await);
    assert_eq!(store.store_figures(first).await.unwrap(), Applied::Stored);
    assert_eq!(store.store_figures(second.clone()).await.unwrap(), Applied::Stale);
    let state = store.figures_state().await.unwrap();
    let foreign = Fence { run_id: fence.run_id + 1, ..fence.clone() };
    let fenced = FiguresUpdate { fence: foreign, state: state.clone(), ..second };
    assert_eq!(store.store_figures(fenced).await.unwrap(), Applied::Fenced);
    assert_eq!(store.pending_by_day(&scopes(&["pb"])).await.unwrap()[0].pending, 1);
    // A state is read back as it was stored.
    let mut told = FiguresState {
        zone: Some("Asia/Kolkata".to_owned()),
        counted_from: Some("2026-11-01".to_owned()),
        is_complete: true,
        counted_at: Some(at(1)),
        ..state
    };
    told.progress.take([3, 4, 9].into_iter(), at(2));
    told.verified.at = Some(at(3));
    told.verified.days = 4;
    told.verified.down_to = Some("2026-01-01".to_owned());
    told.verified.differed = Some((at(5), "2026-02-02".to_owned()));
    let drops = FiguresUpdate { drops_all: true, ..FiguresUpdate::of(told.clone(), &fence) };
    assert_eq!(store.store_figures(drops).await.unwrap(), Applied::Stored);
    told.revision += 1;
    assert_eq!(store.figures_state().await.unwrap(), told);
    assert_eq!(store.pending_by_day(&scopes(&["pb"])).await.unwrap(), []);
}

async fn open_work_is_counted_within_the_tenants_alone(store: Arc<dyn Store>) {
    for (nth, tenant) in ["pb.amritsar", "pb.amritsar", "pb.nabha", "pbx"].into_iter().enumerate() {
        let mut txn = sample::transaction(&format!("T{nth}"), &[&format!("B{nth}")]);
        txn.tenant_id = TenantId::new(tenant).unwrap();
        let txn = sample::stored(&store, sample::new(txn)).await;
        let paid = sample::applied(&store, sample::success(&txn)).await;
        raised(&store, new_case(&paid, case(&paid, AttentionKind::ReceiptRefused, 0), "refused")).await;
    }
    for (roots, count) in [(&["pb"][..], 3), (&["pb.amritsar"], 2), (&["pb.nabha", "pbx"], 2)] {
        assert_eq!(store.receipts_due(&scopes(roots)).await.unwrap(), count, "{roots:?}");
        let cases = store.open_cases(&scopes(roots)).await.unwrap();
        assert_eq!(cases, BTreeMap::from([(AttentionKind::ReceiptRefused, count)]), "{roots:?}");
    }
    assert_eq!(store.receipts_due(&[]).await.unwrap(), 0);
    assert!(store.open_cases(&[]).await.unwrap().is_empty());
}

async fn readings_of_gateways_are_stored_once_and_forgotten(store: Arc<dyn Store>) {
    let reading = |until: i64, node: &str| GatewayReading {
        until: at(until),
        from: at(until - 10),
        gateway: "AXIS".to_owned(),
        node: node.to_owned(),
        calls: 7,
        failed: 2,
        buckets: vec![5, 2, 0],
        is_open: until == 20,
    };
    let all = vec![reading(10, "one"), reading(10, "two"), reading(20, "one")];
    let long_ago = Timestamp::from_millis(0);
    for _ in 0..2 {
        store.store_gateway_readings(all.clone(), long_ago).await.unwrap();
    }
    assert_eq!(store.gateway_readings(at(10)).await.unwrap(), all);
    assert_eq!(store.gateway_readings(at(11)).await.unwrap(), [all[2].clone()]);
    store.store_gateway_readings(Vec::new(), at(11)).await.unwrap();
    assert_eq!(store.gateway_readings(at(0)).await.unwrap(), [all[2].clone()]);
}
