//! Figures of a period: each number is that of its list, by tenant, gateway and day, as far as the caller sees them.

use std::collections::BTreeMap;

use payment_domain::Currency;
use payment_service::access;
use payment_store::figures::{FigureSum, Figures, FiguresBy, FiguresQuery, FiguresState, PendingDay};
use payment_store::{TenantScope, common_scopes};

use super::period::{self, Period};
use crate::context::Context;
use crate::failure::Failure;
use crate::format;
use crate::language::fill;
use crate::links::Link;
use crate::plot::{Plot, SERIES, Series};
use crate::tables::{Cell, Row, Shown, Table};

/// Tenants with a row of their own; the sums are of all.
const TENANTS: usize = 300;
/// Longer periods are shown by month.
const DAYS_SHOWN: u64 = 62;

pub(crate) struct FiguresView {
    pub(crate) periods: Vec<PeriodView>,
    pub(crate) shown: String,
    pub(crate) problem: Option<&'static str>,
    /// As typed.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) tenant: String,
    /// Freshness.
    pub(crate) notes: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) collections: Option<Shown>,
    pub(crate) left_out: Option<String>,
}

pub(crate) struct PeriodView {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

/// The caller's tenants in these roles, narrowed to the one that is chosen; `None` without such a role.
pub(crate) fn scopes(context: &Context, roles: &[payment_domain::Role]) -> Option<Vec<TenantScope>> {
    let held = context.caller.as_ref()?.identity.scopes(roles).ok()?;
    Some(match context.query.text("tenant") {
        Some(root) => common_scopes(&held, &[TenantScope { root: root.to_owned() }]),
        None => common_scopes(&held, &held),
    })
}

/// The figures for callers who may see payments.
pub(crate) async fn view(context: &Context) -> Result<Option<FiguresView>, Failure> {
    let t = context.language.texts();
    let Some(within) = scopes(context, access::PAYMENTS) else { return Ok(None) };
    let state = context.payments().ports.store.figures_state().await?;
    let chosen = Period::chosen(context);
    let word = context.query.text("period").unwrap_or("today");
    let tenant = context.query.text("tenant");
    let choices = period::choices(context).into_iter().filter(|(value, _)| *value != "days");
    let text = |name| context.query.text(name).unwrap_or_default().to_owned();
    let mut view = FiguresView {
        periods: choices
            .map(|(value, name)| PeriodView {
                name,
                href: context.link("/").with("period", value).with_all([("tenant", tenant)]).href(),
                is_current: value == word,
            })
            .collect(),
        shown: chosen.as_ref().map(|period| period.shown(context)).unwrap_or_default(),
        problem: chosen.is_none().then_some(t.figures.period_wrong),
        from: chosen.as_ref().map_or_else(|| text("from"), |period| period.from.clone()),
        to: chosen.as_ref().map_or_else(|| text("to"), |period| period.to.clone()),
        tenant: tenant.unwrap_or_default().to_owned(),
        notes: notes(context, &state),
        tables: Vec::new(),
        collections: None,
        left_out: None,
    };
    if let Some(period) = chosen
        && state.counted_from.is_some()
    {
        fill_in(context, &mut view, &period, within).await?;
    }
    Ok(Some(view))
}

/// When the figures were counted and verified.
fn notes(context: &Context, state: &FiguresState) -> Vec<String> {
    let t = context.language.texts();
    let moment = |at| format::moment(context, at);
    let (Some(from), Some(counted_at)) = (&state.counted_from, state.counted_at) else {
        return vec![t.figures.figures_not_counted.to_owned()];
    };
    let mut notes =
        vec![t.figures.figures_rule.to_owned(), fill(t.figures.figures_counted, [&moment(counted_at)])];
    if !state.is_complete {
        notes.push(fill(t.figures.figures_incomplete, [&format::day_shown(from)]));
    }
    notes.push(match state.verified.at {
        Some(at) => fill(t.figures.figures_verified, [&moment(at), &format::count(state.verified.days)]),
        None => t.figures.figures_not_verified.to_owned(),
    });
    if let Some((at, day)) = &state.verified.differed {
        notes.push(fill(t.figures.figures_differed, [&format::day_shown(day), &moment(*at)]));
    }
    notes
}

async fn fill_in(
    context: &Context,
    view: &mut FiguresView,
    period: &Period,
    within: Vec<TenantScope>,
) -> Result<(), Failure> {
    let store = &context.payments().ports.store;
    let query = |by, period: &Period| FiguresQuery {
        within: within.clone(),
        from_day: period.from.clone(),
        to_day: period.to.clone(),
        by,
    };
    let by_tenant = store.figure_sums(&query(FiguresBy::Tenant, period)).await?;
    let by_gateway = store.figure_sums(&query(FiguresBy::Gateway, period)).await?;
    let plotted = period.of_plot(context);
    let by_month = plotted.days > DAYS_SHOWN;
    let by = if by_month { FiguresBy::MonthAndGateway } else { FiguresBy::DayAndGateway };
    let by_day = store.figure_sums(&query(by, &plotted)).await?;
    let pending = store.pending_by_day(&within).await?;
    view.collections = collections(context, &plotted, by_month, &by_day)?;
    let tenants = grouped(by_tenant, |sum| sum.tenant.clone());
    if tenants.len() > TENANTS {
        let left = fill(context.language.texts().figures.others_left_out, [&TENANTS.to_string()]);
        view.left_out = Some(left);
    }
    view.tables = vec![
        tenants_table(context, period, tenants),
        gateways_table(context, period, grouped(by_gateway, |sum| sum.gateway.clone())),
        pending_table(context, &pending),
    ];
    Ok(())
}

/// Figures, their amounts by currency.
#[derive(Debug, Clone, Default)]
struct Sums {
    figures: Figures,
    paid: BTreeMap<String, i64>,
    refunded: BTreeMap<String, i64>,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.figures.add(other.figures);
        for (into, from) in [(&mut self.paid, &other.paid), (&mut self.refunded, &other.refunded)] {
            for (currency, minor) in from {
                let sum = into.entry(currency.clone()).or_default();
                *sum = sum.saturating_add(*minor);
            }
        }
    }

    fn net(&self) -> BTreeMap<String, i64> {
        let mut net = self.paid.clone();
        for (currency, minor) in &self.refunded {
            let sum = net.entry(currency.clone()).or_default();
            *sum = sum.saturating_sub(*minor);
        }
        net
    }
}

/// `₹1,000.00 + USD 5.00`
fn amounts(by_currency: &BTreeMap<String, i64>) -> String {
    let known = by_currency.iter().filter(|(_, minor)| **minor != 0);
    let known = known.filter_map(|(code, minor)| Some(format::sum(*minor, Currency::from_code(code)?)));
    let texts: Vec<String> = known.collect();
    if texts.is_empty() { format::sum(0, Currency::INR) } else { texts.join(" + ") }
}

fn grouped<K: Ord>(sums: Vec<FigureSum>, key: impl Fn(&FigureSum) -> K) -> BTreeMap<K, Sums> {
    let mut groups: BTreeMap<K, Sums> = BTreeMap::new();
    for sum in sums {
        let one = Sums {
            figures: sum.figures,
            paid: BTreeMap::from([(sum.currency.clone(), sum.figures.paid_minor)]),
            refunded: BTreeMap::from([(sum.currency.clone(), sum.figures.refunded_minor)]),
        };
        groups.entry(key(&sum)).or_default().add(&one);
    }
    groups
}

fn is_within(tenant: &str, root: &str) -> bool {
    tenant.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The lists of a tenant, or of the chosen ones.
struct Lists<'a> {
    context: &'a Context,
    tenant: Option<&'a str>,
}

impl<'a> Lists<'a> {
    fn of(context: &'a Context, tenant: Option<&'a str>) -> Lists<'a> {
        Lists { context, tenant: tenant.or(context.query.text("tenant")) }
    }

    fn payments(&self, status: Option<&str>) -> Link {
        self.context.link("/payments").with_all([("status", status), ("tenant", self.tenant)])
    }

    fn refunds(&self) -> Link {
        self.context.link("/refunds").with("status", "SUCCEEDED").with_all([("tenant", self.tenant)])
    }
}

/// A row has the payments of its tenant and of those below, as the lists have.
fn tenants_table(context: &Context, period: &Period, tenants: BTreeMap<String, Sums>) -> Table {
    let t = context.language.texts();
    let mut all = Sums::default();
    tenants.values().for_each(|sums| all.add(sums));
    let mut most: Vec<&String> = tenants.keys().collect();
    most.sort_by_key(|tenant| std::cmp::Reverse(tenants.get(*tenant).map_or(0, |sums| sums.figures.created)));
    most.truncate(TENANTS);
    most.sort_unstable();
    let row = |name: &str, tenant: Option<&str>, sums: &Sums| {
        let lists = Lists::of(context, tenant);
        let number = |number: i64, link: Link| Cell::linked(format::count(number), &period.of_list(link));
        let figures = &sums.figures;
        Row {
            name: name.to_owned(),
            cells: vec![
                number(figures.created, lists.payments(None)),
                number(figures.paid, lists.payments(Some("SUCCESS"))),
                Cell::of(amounts(&sums.paid)),
                number(figures.refunded, lists.refunds()),
                Cell::of(amounts(&sums.refunded)),
                Cell::of(amounts(&sums.net())),
                number(figures.pending, lists.payments(Some("PENDING"))),
                number(figures.failed, lists.payments(Some("FAILURE"))),
            ],
        }
    };
    let mut rows = vec![row(t.figures.all_tenants, None, &all)];
    for tenant in most {
        let mut sums = Sums::default();
        let below =
            tenants.range(tenant.clone()..).take_while(|(other, _)| other.starts_with(tenant.as_str()));
        below.filter(|(other, _)| is_within(other, tenant)).for_each(|(_, of)| sums.add(of));
        rows.push(row(tenant, Some(tenant), &sums));
    }
    let head = [
        t.frame.tenant,
        t.figures.begun_count,
        t.figures.paid_count,
        t.figures.paid_sum,
        t.figures.refunded_count,
        t.figures.refunded_sum,
        t.figures.net_sum,
        t.words.pending,
        t.words.failure,
    ];
    Table::of(t.figures.by_tenant, head, rows)
}

fn gateways_table(context: &Context, period: &Period, gateways: BTreeMap<String, Sums>) -> Table {
    let t = context.language.texts();
    let row = |(gateway, sums): (String, Sums)| {
        let lists = Lists::of(context, None);
        let number = |number: i64, status: &str| {
            let link = lists.payments(Some(status)).with("gateway", gateway.as_str());
            Cell::linked(format::count(number), &period.of_list(link))
        };
        let Figures { paid, failed, pending, .. } = sums.figures;
        let cells = vec![
            Cell::of(format::percent(paid, paid.saturating_add(failed)).unwrap_or_else(|| "–".to_owned())),
            number(paid, "SUCCESS"),
            number(failed, "FAILURE"),
            number(pending, "PENDING"),
        ];
        Row { name: gateway, cells }
    };
    let head =
        [t.words.gateway, t.figures.success_rate, t.figures.paid_count, t.words.failure, t.words.pending];
    Table::of(t.figures.success_by_gateway, head, gateways.into_iter().map(row).collect())
}

/// The pending payments of all days, by the days since their creation.
fn pending_table(context: &Context, pending: &[PendingDay]) -> Table {
    let t = context.language.texts();
    // First and last day of each age.
    let [today, yesterday, two, six, seven, month, older] =
        [0, 1, 2, 6, 7, 29, 30].map(|days| period::ago(context, days));
    let ages: [(&'static str, Option<&str>, Option<&str>); 5] = [
        (t.figures.age_today, Some(&today), None),
        (t.figures.age_yesterday, Some(&yesterday), Some(&yesterday)),
        (t.figures.age_week, Some(&six), Some(&two)),
        (t.figures.age_month, Some(&month), Some(&seven)),
        (t.figures.age_older, None, Some(&older)),
    ];
    let age_of = |day: &str| {
        let is_of = |(_, from, to): &(_, Option<&str>, Option<&str>)| {
            from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to)
        };
        ages.iter().position(is_of)
    };
    let mut by_tenant: BTreeMap<&str, [i64; 5]> = BTreeMap::new();
    for one in pending {
        let counts = by_tenant.entry(&one.tenant).or_default();
        if let Some(count) = age_of(&one.day).and_then(|nth| counts.get_mut(nth)) {
            *count = count.saturating_add(one.pending);
        }
    }
    let row = |name: &str, tenant: Option<&str>| {
        let lists = Lists::of(context, tenant);
        let mut counts = [0_i64; 5];
        let from = by_tenant.range(tenant.unwrap_or_default()..);
        let below = from.take_while(|(other, _)| other.starts_with(tenant.unwrap_or_default()));
        for (_, of) in below.filter(|(other, _)| tenant.is_none_or(|root| is_within(other, root))) {
            counts.iter_mut().zip(of).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
        }
        let cell = |((_, from, to), count): (&(_, Option<&str>, Option<&str>), i64)| {
            let link = lists.payments(Some("PENDING")).with_all([("from", *from), ("to", *to)]);
            Cell::linked(format::count(count), &link)
        };
        Row { name: name.to_owned(), cells: ages.iter().zip(counts).map(cell).collect() }
    };
    let tenants = by_tenant.keys().copied().take(TENANTS);
    let rows: Vec<Row> = std::iter::once(row(t.figures.all_tenants, None))
        .chain(tenants.map(|tenant| row(tenant, Some(tenant))))
        .collect();
    Table::of(
        t.figures.pending_by_age,
        std::iter::once(t.frame.tenant).chain(ages.iter().map(|(name, _, _)| *name)),
        rows,
    )
}

/// The names of at most so many series, the largest first, and whether there are others.
pub(crate) fn largest(sizes: BTreeMap<String, i64>) -> (Vec<String>, bool) {
    let mut names: Vec<(String, i64)> = sizes.into_iter().collect();
    names.sort_by_key(|(name, size)| (std::cmp::Reverse(*size), name.clone()));
    let are_more = names.len() > SERIES;
    names.truncate(if are_more { SERIES - 1 } else { SERIES });
    (names.into_iter().map(|(name, _)| name).collect(), are_more)
}

/// Of the currency with the most payments; the table has all.
fn collections(
    context: &Context,
    period: &Period,
    by_month: bool,
    sums: &[FigureSum],
) -> Result<Option<Shown>, Failure> {
    let t = context.language.texts();
    let mut currencies: BTreeMap<&str, i64> = BTreeMap::new();
    for sum in sums {
        let count = currencies.entry(&sum.currency).or_default();
        *count = count.saturating_add(sum.figures.paid);
    }
    let most = currencies.iter().max_by_key(|(_, paid)| **paid).map(|(code, _)| *code);
    let Some(currency) = most.and_then(Currency::from_code) else { return Ok(None) };
    let places = period.places(context, by_month);
    let mut sizes = BTreeMap::new();
    let mut values: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| sum.currency == currency.code()) {
        let size: &mut i64 = sizes.entry(sum.gateway.clone()).or_default();
        *size = size.saturating_add(sum.figures.paid_minor);
        values.insert((&sum.period, &sum.gateway), sum.figures.paid_minor);
    }
    let all: Vec<String> = sizes.keys().cloned().collect();
    let (shown, are_more) = largest(sizes);
    let value = |place: &str, gateway: &str| values.get(&(place, gateway)).copied().unwrap_or(0);
    let mut series: Vec<Series> = shown
        .iter()
        .map(|gateway| Series {
            name: gateway.clone(),
            values: places.iter().map(|(place, _)| Some(value(place, gateway))).collect(),
        })
        .collect();
    if are_more {
        let others: Vec<&String> = all.iter().filter(|gateway| !shown.contains(gateway)).collect();
        let of =
            |place: &str| others.iter().map(|gateway| value(place, gateway)).fold(0, i64::saturating_add);
        let values = places.iter().map(|(place, _)| Some(of(place))).collect();
        series.push(Series { name: t.figures.other_gateways.to_owned(), values });
    }
    let [from, to] = [&period.from, &period.to].map(|day| format::day_shown(day));
    let title = format!("{}: {}", t.figures.collections, period.shown(context));
    let plot = Plot {
        id: "collections",
        title: title.clone(),
        description: fill(t.figures.collections_words, [&from, &to, currency.code()]),
        places: places.iter().map(|(place, _)| short(place)).collect(),
        series,
        at_least: 0,
        unit: &|minor| format::sum(minor, currency),
    };
    let table = collections_table(context, &places, sums);
    Shown::of(context, &title, plot.stacked(), table).map(Some)
}

/// `22-11` of a day, `11-2026` of a month.
pub(crate) fn short(place: &str) -> String {
    match (place.get(5..7), place.get(8..10)) {
        (Some(month), Some(day)) => format!("{day}-{month}"),
        (Some(month), None) => format!("{month}-{}", place.get(..4).unwrap_or_default()),
        (None, _) => place.to_owned(),
    }
}

fn collections_table(context: &Context, places: &[(String, Period)], sums: &[FigureSum]) -> Table {
    let t = context.language.texts();
    let lists = Lists::of(context, None);
    let of = |place: &str| {
        grouped(sums.iter().filter(|sum| sum.period == place).cloned().collect(), |sum| sum.gateway.clone())
    };
    let rows = places.iter().flat_map(|(place, period)| {
        let paid = of(place).into_iter().filter(|(_, sums)| sums.figures.paid != 0);
        paid.map(|(gateway, sums)| {
            let link = lists.payments(Some("SUCCESS")).with("gateway", gateway.as_str());
            let cells = vec![
                Cell::of(gateway.clone()),
                Cell::linked(format::count(sums.figures.paid), &period.of_list(link)),
                Cell::of(amounts(&sums.paid)),
            ];
            Row { name: short(place), cells }
        })
        .collect::<Vec<_>>()
    });
    Table::of(
        t.figures.collections,
        [t.figures.day, t.words.gateway, t.figures.paid_count, t.figures.paid_sum],
        rows.collect(),
    )
}
