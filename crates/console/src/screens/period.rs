//! The days of which figures are shown.

use payment_service::figures::Days;

use crate::context::Context;
use crate::format;
use crate::language::fill;
use crate::links::Link;

/// The longest choice, in days.
const LONGEST: u64 = 366;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Days, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: String,
    pub(crate) to: String,
    /// About how many days it has.
    pub(crate) days: u64,
}

/// A choice of days: its word in addresses, its name.
pub(crate) fn choices(context: &Context) -> [(&'static str, &'static str); 6] {
    let t = context.language.texts();
    [
        ("today", t.figures.period_today),
        ("yesterday", t.figures.period_yesterday),
        ("7-days", t.figures.period_week),
        ("30-days", t.figures.period_thirty),
        ("month", t.figures.period_month),
        ("days", t.figures.period_own),
    ]
}

/// The days of the service's zone.
pub(crate) fn days(context: &Context) -> Days {
    Days::of(context.payments().ports.settings.time_zone.clone())
}

/// So many days before today; empty only outside of every calendar.
pub(crate) fn ago(context: &Context, number: i32) -> String {
    days(context).before(context.payments().ports.clock.now(), number).unwrap_or_default()
}

impl Period {
    /// The chosen one; `None` for a choice that cannot be read.
    pub(crate) fn chosen(context: &Context) -> Option<Period> {
        let today = ago(context, 0);
        let text = |name| context.query.text(name).unwrap_or_default().to_owned();
        let (from, to) = match context.query.text("period").unwrap_or("today") {
            "today" => (today.clone(), today),
            "yesterday" => (ago(context, 1), ago(context, 1)),
            "7-days" => (ago(context, 6), today),
            "30-days" => (ago(context, 29), today),
            "month" => days(context).month(&today)?,
            "days" => (text("from"), text("to")),
            _ => return None,
        };
        Period::of(context, &from, &to)
    }

    fn of(context: &Context, from: &str, to: &str) -> Option<Period> {
        let days = days(context);
        let (from, to) = (days.span(from)?, days.span(to)?);
        let long = to.to.since(from.from).as_secs().div_ceil(DAY_SECONDS);
        let is_in_order = from.day <= to.day && long <= LONGEST;
        is_in_order.then_some(Period { from: from.day, to: to.day, days: long })
    }

    /// The same, or seven days that end with it: one bar shows no course.
    pub(crate) fn of_plot(&self, context: &Context) -> Period {
        let days = days(context);
        let longer = days.span(&self.to).and_then(|last| days.before(last.from, 6));
        match longer {
            Some(from) if self.days < 3 => Period { from, days: 7, ..self.clone() },
            Some(_) | None => self.clone(),
        }
    }

    pub(crate) fn shown(&self, context: &Context) -> String {
        let [from, to] = [&self.from, &self.to].map(|day| format::day_shown(day));
        fill(context.language.texts().figures.period_shown, [&from, &to])
    }

    /// A list, narrowed to these days.
    pub(crate) fn of_list(&self, link: Link) -> Link {
        link.with("from", &*self.from).with("to", &*self.to)
    }

    /// Every day of it, or every month where a bar for each day would be too thin: their names in sums with their
    /// bounds.
    pub(crate) fn places(&self, context: &Context, by_month: bool) -> Vec<(String, Period)> {
        let days = days(context);
        let mut places = Vec::new();
        let mut next = Some(self.from.clone());
        while let Some(from) = next.filter(|day| *day <= self.to) {
            let to = match by_month {
                true => days.month(&from).map_or_else(|| from.clone(), |(_, last)| last.min(self.to.clone())),
                false => from.clone(),
            };
            let name = if by_month { from.get(..7).unwrap_or_default() } else { from.as_str() };
            next = days.span(&to).and_then(|last| days.day_of(last.to));
            places.push((name.to_owned(), Period { from: from.clone(), to, days: 1 }));
        }
        places
    }
}
