//! Gateways over time: success, pending payments, and the calls of all replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use askama::Template;
use payment_domain::Timestamp;
use payment_gateway::CALL_LIMITS_MS;
use payment_store::Age;
use payment_store::figures::{FigureSum, Figures, FiguresBy, FiguresQuery, GatewayReading};

use super::figures::{largest, short};
use super::period::{self, Period};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::language::fill;
use crate::page::{self, Frame};
use crate::plot::{Plot, SERIES, Series};
use crate::tables::{Cell, Row, Shown, Table};

const PLACES: usize = 24;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Places end at quarters of an hour, which are so in every zone.
const QUARTER_MS: i64 = 15 * 60 * 1000;
const DAYS: i32 = 30;

#[derive(Template)]
#[template(path = "gateways.html")]
struct GatewaysPage {
    f: Frame,
    success: Option<Shown>,
    pending: Option<Shown>,
    spans: Vec<Span>,
    calls: Vec<Shown>,
}

struct Span {
    name: &'static str,
    href: String,
    is_current: bool,
}

/// `GET /gateways`
pub(crate) async fn show(context: &Context) -> Outcome {
    let t = context.language.texts();
    let is_week = match context.query.text("span") {
        None | Some("day") => false,
        Some("week") => true,
        Some(_) => return Err(Failure::invalid(t.lists.choose_listed)),
    };
    let span = |name, value: &str, is_current| Span {
        name,
        href: context.link("/gateways").with("span", value).href(),
        is_current,
    };
    page::html(&GatewaysPage {
        success: success(context).await?,
        pending: pending(context).await?,
        spans: vec![
            span(t.figures.last_day_hours, "day", !is_week),
            span(t.figures.last_week, "week", is_week),
        ],
        calls: calls(context, if is_week { HOUR * 8 } else { HOUR }).await?,
        f: Frame::of(context, t.figures.gateways_over_time, &[(t.frame.jobs, "/jobs")]),
    })
}

/// The success rate by the day of creation, from the figures.
async fn success(context: &Context) -> Result<Option<Shown>, Failure> {
    let t = context.language.texts();
    let period = Period {
        from: period::ago(context, DAYS - 1),
        to: period::ago(context, 0),
        days: DAYS.unsigned_abs().into(),
    };
    let query = FiguresQuery {
        within: context.scopes.clone(),
        from_day: period.from.clone(),
        to_day: period.to.clone(),
        by: FiguresBy::DayAndGateway,
    };
    let sums = context.payments().ports.store.figure_sums(&query).await?;
    let mut by_place: BTreeMap<(String, String), Figures> = BTreeMap::new();
    for FigureSum { period, gateway, figures, .. } in sums {
        by_place.entry((gateway, period)).or_default().add(figures);
    }
    let decided = |figures: &Figures| figures.paid.saturating_add(figures.failed);
    let places = period.places(context, false);
    let value = |gateway: &str, place: usize| {
        let (day, _) = places.get(place)?;
        let figures = by_place.get(&(gateway.to_owned(), day.clone()))?;
        format::per_thousand(figures.paid, decided(figures))
    };
    let mut sizes = BTreeMap::new();
    for ((gateway, _), figures) in &by_place {
        let size: &mut i64 = sizes.entry(gateway.clone()).or_default();
        *size = size.saturating_add(decided(figures));
    }
    let labels = places.iter().map(|(day, _)| short(day)).collect();
    let times = Times { labels, bounds: [&period.from, &period.to].map(|day| format::day_shown(day)) };
    let course = Course {
        id: "success",
        title: t.figures.success_over_time,
        at_least: 1_000,
        value: &value,
        unit: &tenths,
    };
    over_time(context, &times, sizes, &course)
}

/// The pending payments of the installation by the time since their creation, as far as they are counted.
async fn pending(context: &Context) -> Result<Option<Shown>, Failure> {
    let t = context.language.texts();
    let now = context.payments().ports.clock.now();
    let pending = context.payments().ports.store.backlog(now).await?.pending;
    let mut sizes: BTreeMap<String, i64> = BTreeMap::new();
    let mut counts: BTreeMap<(String, Age), i64> = BTreeMap::new();
    for ((gateway, age), count) in pending {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let size = sizes.entry(gateway.to_string()).or_default();
        *size = size.saturating_add(count);
        counts.insert((gateway.to_string(), age), count);
    }
    if sizes.is_empty() {
        return Ok(None);
    }
    let names = [
        t.figures.under_quarter_hour,
        t.figures.under_hour,
        t.figures.under_day,
        t.figures.under_week,
        t.figures.over_week,
    ];
    let count = |gateway: &str, age: Age| counts.get(&(gateway.to_owned(), age)).copied().unwrap_or(0);
    let all: Vec<String> = sizes.keys().cloned().collect();
    let (shown, are_more) = largest(sizes);
    let mut series: Vec<Series> = shown
        .iter()
        .map(|name| Series { name: name.clone(), values: Age::ALL.map(|age| Some(count(name, age))).into() })
        .collect();
    if are_more {
        let others: Vec<&String> = all.iter().filter(|name| !shown.contains(name)).collect();
        let sum = |age| others.iter().map(|name| count(name, age)).fold(0, i64::saturating_add);
        let values = Age::ALL.map(|age| Some(sum(age))).into();
        series.push(Series { name: t.figures.other_gateways.to_owned(), values });
    }
    let plot = Plot {
        id: "pending",
        title: t.figures.pending_by_age.to_owned(),
        description: t.figures.pending_words.to_owned(),
        places: names.map(str::to_owned).into(),
        series,
        at_least: 10,
        unit: &format::count,
    };
    let rows = all.iter().map(|name| Row {
        name: name.clone(),
        cells: Age::ALL.map(|age| Cell::of(format::count(count(name, age)))).into(),
    });
    let table = Table::of("", std::iter::once(t.words.gateway).chain(names), rows.collect());
    Shown::of(context, t.figures.pending_by_age, plot.stacked(), table).map(Some)
}

/// The calls of a gateway in a place, of all replicas.
#[derive(Default)]
struct Calls {
    made: i64,
    failed: i64,
    buckets: Vec<i64>,
    readings: i64,
    open: i64,
}

impl Calls {
    fn add(&mut self, reading: &GatewayReading) {
        self.made = self.made.saturating_add(reading.calls);
        self.failed = self.failed.saturating_add(reading.failed);
        self.buckets.resize(self.buckets.len().max(reading.buckets.len()), 0);
        self.buckets.iter_mut().zip(&reading.buckets).for_each(|(sum, one)| *sum = sum.saturating_add(*one));
        self.readings = self.readings.saturating_add(1);
        self.open = self.open.saturating_add(i64::from(reading.is_open));
    }

    /// The limit in milliseconds within which 95 of 100 calls ended.
    fn within(&self) -> Option<i64> {
        let enough = self.made.saturating_mul(95).div_euclid(100).max(1);
        let mut ended = 0_i64;
        let place = self.buckets.iter().position(|count| {
            ended = ended.saturating_add(*count);
            ended >= enough
        })?;
        let last = CALL_LIMITS_MS.len() - 1;
        CALL_LIMITS_MS.get(place.min(last)).and_then(|limit| i64::try_from(*limit).ok())
    }
}

async fn calls(context: &Context, width: Duration) -> Result<Vec<Shown>, Failure> {
    let t = context.language.texts();
    let now = context.payments().ports.clock.now().as_millis();
    let end = now.div_euclid(QUARTER_MS).saturating_add(1).saturating_mul(QUARTER_MS);
    let width_ms = i64::try_from(width.as_millis()).unwrap_or(QUARTER_MS);
    let places = i64::try_from(PLACES).unwrap_or(0);
    let begin = end.saturating_sub(width_ms.saturating_mul(places));
    let found = context.payments().ports.store.gateway_readings(Timestamp::from_millis(begin)).await?;
    let mut by_place: BTreeMap<(String, usize), Calls> = BTreeMap::new();
    for reading in &found {
        let place = reading.until.as_millis().saturating_sub(begin).div_euclid(width_ms);
        if let Ok(place) = usize::try_from(place) {
            by_place.entry((reading.gateway.clone(), place)).or_default().add(reading);
        }
    }
    let mut sizes: BTreeMap<String, i64> = BTreeMap::new();
    for ((gateway, _), calls) in &by_place {
        let size = sizes.entry(gateway.clone()).or_default();
        *size = size.saturating_add(calls.made);
    }
    let ends: Vec<Timestamp> = (1..=places)
        .map(|nth| Timestamp::from_millis(begin.saturating_add(nth.saturating_mul(width_ms))))
        .collect();
    let is_day = width == HOUR;
    let times = Times {
        labels: ends.iter().map(|at| format::hour(context, *at, !is_day)).collect(),
        bounds: [begin, end].map(|at| format::moment(context, Timestamp::from_millis(at))),
    };
    let of = |gateway: &str, place: usize| by_place.get(&(gateway.to_owned(), place));
    let errors = |gateway: &str, place| {
        of(gateway, place).and_then(|calls| format::per_thousand(calls.failed, calls.made))
    };
    let latency = |gateway: &str, place| of(gateway, place).and_then(Calls::within);
    let breaker = |gateway: &str, place| {
        of(gateway, place).and_then(|calls| format::per_thousand(calls.open, calls.readings))
    };
    let courses = [
        Course {
            id: "errors",
            title: t.figures.errors_over_time,
            at_least: 50,
            value: &errors,
            unit: &tenths,
        },
        Course {
            id: "latency",
            title: t.figures.latency_over_time,
            at_least: 100,
            value: &latency,
            unit: &format::count,
        },
        Course {
            id: "breaker",
            title: t.figures.breaker_over_time,
            at_least: 1_000,
            value: &breaker,
            unit: &tenths,
        },
    ];
    let shown = courses.map(|course| over_time(context, &times, sizes.clone(), &course));
    Ok(shown.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// `97.5` of tenths of a percent.
fn tenths(value: i64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// The places of a course: a label of each, and the bounds of all.
struct Times {
    labels: Vec<String>,
    bounds: [String; 2],
}

/// Values of gateways over time.
struct Course<'a> {
    id: &'static str,
    title: &'static str,
    /// The least end of the axis.
    at_least: i64,
    /// Of a gateway at a place.
    value: &'a dyn Fn(&str, usize) -> Option<i64>,
    unit: &'a dyn Fn(i64) -> String,
}

/// A line for each of the largest gateways; the table has all.
fn over_time(
    context: &Context,
    times: &Times,
    sizes: BTreeMap<String, i64>,
    course: &Course<'_>,
) -> Result<Option<Shown>, Failure> {
    let Course { id, title, at_least, value, unit } = *course;
    let t = context.language.texts();
    if sizes.is_empty() {
        return Ok(None);
    }
    let all: BTreeSet<String> = sizes.keys().cloned().collect();
    let (shown, _) = largest(sizes);
    let count = times.labels.len();
    let series = shown.iter().take(SERIES).map(|gateway| Series {
        name: gateway.clone(),
        values: (0..count).map(|place| value(gateway, place)).collect(),
    });
    let [from, to] = &times.bounds;
    let plot = Plot {
        id,
        title: title.to_owned(),
        description: fill(t.figures.over_time_words, [from, to]),
        places: times.labels.clone(),
        series: series.collect(),
        at_least,
        unit,
    };
    let row = |(place, label): (usize, &String)| {
        let text = |gateway: &String| value(gateway, place).map_or_else(|| "–".to_owned(), unit);
        let cells: Vec<Cell> = all.iter().map(|gateway| Cell::of(text(gateway))).collect();
        let has_any = all.iter().any(|gateway| value(gateway, place).is_some());
        has_any.then(|| Row { name: label.clone(), cells })
    };
    let rows = times.labels.iter().enumerate().filter_map(row).collect();
    let table = Table::of("", std::iter::once(t.operations.when).chain(all.iter().map(String::as_str)), rows);
    Shown::of(context, title, plot.lines(), table).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duration_is_the_limit_that_95_of_100_calls_kept() {
        let reading = |buckets: [i64; 10]| GatewayReading {
            until: Timestamp::from_millis(1),
            from: Timestamp::from_millis(0),
            gateway: "AXIS".to_owned(),
            node: "n".to_owned(),
            calls: buckets.iter().sum(),
            failed: 0,
            buckets: buckets.into(),
            is_open: false,
        };
        for (buckets, within) in [
            ([0; 10], None),
            ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], Some(50)),
            ([95, 5, 0, 0, 0, 0, 0, 0, 0, 0], Some(50)),
            ([94, 5, 1, 0, 0, 0, 0, 0, 0, 0], Some(100)),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 3], Some(30_000)),
        ] {
            let mut calls = Calls::default();
            calls.add(&reading(buckets));
            assert_eq!(calls.within(), within, "{buckets:?}");
        }
    }
}
