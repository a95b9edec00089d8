//! Questions about figures and open work.

use payment_domain::Timestamp;
use payment_store::contract::sample::at;
use payment_store::figures::{
    DaySpan, FigureKey, FigureRows, Figures, FiguresAsk, FiguresBy, FiguresQuery, FiguresUpdate,
    GatewayReading,
};
use payment_store::{Applied, FigureBooks};

use crate::question::{Question, planned, question};
use crate::{FAR, fence, within};

/// A day with few payments.
fn day() -> DaySpan {
    DaySpan { day: "2000-01-02".to_owned(), from: at(7_000), to: at(7_020) }
}

pub(crate) fn all(round: i64) -> Vec<Question> {
    let mut all = counting(round);
    all.extend(showing());
    all
}

fn counting(round: i64) -> Vec<Question> {
    let ask = || FiguresAsk { lines: 50, day: Some(day()), refunds_of: vec![day()] };
    let key = || FigureKey {
        day: day().day,
        tenant: "pb.7".to_owned(),
        gateway: "AXIS".to_owned(),
        currency: "INR".to_owned(),
    };
    vec![
        question!("state of the figures", |store| store.figures_state().await.unwrap()),
        planned!("reading of the figures", |store| {
            let reading = store.figures_reading(&ask()).await.unwrap();
            assert!(!reading.counted.is_empty() && !reading.refunds.is_empty() && !reading.kept.is_empty());
        }),
        planned!("reading of the figures with a gap", |store| {
            let mut state = store.figures_state().await.unwrap();
            let reading = store.figures_reading(&ask()).await.unwrap();
            let behind = reading.last_position + 1;
            state.progress.take([behind + 1].into_iter(), at(1));
            assert!(!state.progress.gaps.is_empty());
            let update = FiguresUpdate::of(state, &fence());
            assert_eq!(store.store_figures(update).await.unwrap(), Applied::Stored);
            store.figures_reading(&ask()).await.unwrap();
            let mut state = store.figures_state().await.unwrap();
            state.progress.gaps.clear();
            state.progress.through = reading.last_position;
            let update = FiguresUpdate::of(state, &fence());
            assert_eq!(store.store_figures(update).await.unwrap(), Applied::Stored);
        }),
        question!("store figures", |store| {
            let state = store.figures_state().await.unwrap();
            let differences = FigureRows::from([(key(), Figures { created: 1, ..Figures::default() })]);
            let update = FiguresUpdate {
                day: Some((format!("1999-01-{:02}", round + 1), FigureRows::new())),
                refund_days: vec![day().day],
                differences,
                ..FiguresUpdate::of(state, &fence())
            };
            assert_eq!(store.store_figures(update).await.unwrap(), Applied::Stored);
        }),
        planned!("latest creation", |store| {
            assert!(store.latest_creation(at(20_000)).await.unwrap().is_some());
            assert_eq!(store.latest_creation(at(0)).await.unwrap(), None);
        }),
        planned!("changed refunds", |store| store.refunds_changed(FAR).await.unwrap()),
    ]
}

fn showing() -> Vec<Question> {
    let of = |root: &str, by| FiguresQuery {
        within: within(root),
        from_day: "2000-01-01".to_owned(),
        to_day: "2000-01-16".to_owned(),
        by,
    };
    let queries = [
        ("sums of a state by tenant", of("pb", FiguresBy::Tenant)),
        ("sums of a state by gateway", of("pb", FiguresBy::Gateway)),
        ("sums of a tenant by day", of("pb.7", FiguresBy::DayAndGateway)),
        ("sums of a tenant by month", of("pb.7", FiguresBy::MonthAndGateway)),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: FiguresQuery| async move {
            assert!(!store.figure_sums(&query).await.unwrap().is_empty(), "{name}");
        })
    };
    let mut all: Vec<Question> = queries.into_iter().map(ask).collect();
    let reading = || GatewayReading {
        until: FAR,
        from: at(0),
        gateway: "AXIS".to_owned(),
        node: "n".to_owned(),
        calls: 1,
        failed: 0,
        buckets: vec![1],
        is_open: false,
    };
    all.extend([
        planned!("days with pending payments", |store| assert!(
            !store.pending_by_day(&within("pb")).await.unwrap().is_empty()
        )),
        planned!("open cases by kind", |store| assert!(
            !store.open_cases(&within("pb")).await.unwrap().is_empty()
        )),
        planned!("open cases of a tenant by kind", |store| store.open_cases(&within("pb.7")).await.unwrap()),
        planned!("receipts due", |store| store.receipts_due(&within("pb")).await.unwrap()),
        question!("store readings of gateways", |store| {
            let before = Timestamp::from_millis(0);
            store.store_gateway_readings(vec![reading()], before).await.unwrap();
        }),
        planned!("readings of gateways", |store| store.gateway_readings(FAR).await.unwrap()),
    ]);
    all
}
