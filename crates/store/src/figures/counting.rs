//! Counting the figures from the histories: a line says that a payment came, or from which status it went to which.
//! Lines are numbered ([`Progress`]), and one that is committed late appears in a gap: each counts once. A day is
//! counted anew from its payments together with all lines that are not counted yet, in one snapshot
//! ([`FiguresReading`]).

use payment_domain::{StatusName, Timestamp};

use super::{DaySpan, FigureKey, FigureRows, Figures};
use crate::Fence;
use crate::audit::sealing::Progress;

/// How far the counting has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FiguresState {
    /// Counts the writes.
    pub revision: i64,
    /// The time zone of the days; `None` before the first count.
    pub zone: Option<String>,
    /// The lines that are counted.
    pub progress: Progress,
    /// The earliest day that is counted, as all later ones are; `None` before the first count.
    pub counted_from: Option<String>,
    /// Whether there are no payments and refunds before that day.
    pub is_complete: bool,
    /// When the figures were last as they are in the database.
    pub counted_at: Option<Timestamp>,
    pub verified: Verified,
}

impl FiguresState {
    pub fn is_counted(&self, day: &str) -> bool {
        self.counted_from.as_deref().is_some_and(|from| self.is_complete || day >= from)
    }
}

/// The comparison of the figures with the payments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The end of the latest one.
    pub at: Option<Timestamp>,
    /// The number of days that it compared.
    pub days: i64,
    /// The last of the older days; the next comparison goes on behind it.
    pub down_to: Option<String>,
    /// The latest day that differed, and when that was found. It was counted anew.
    pub differed: Option<(Timestamp, String)>,
}

/// The wanted parts of a [`FiguresReading`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FiguresAsk {
    /// At most so many lines behind the counted ones; those in gaps are all read.
    pub lines: u32,
    pub day: Option<DaySpan>,
    pub refunds_of: Vec<DaySpan>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct FiguresReading {
    pub state: FiguresState,
    /// The lines that are not counted yet, in the order of their positions.
    pub lines: Vec<FigureLine>,
    /// Whether there may be more of them.
    pub is_behind: bool,
    /// The largest position there is.
    pub last_position: i64,
    /// The day's figures as its payments and refunds have them.
    pub counted: FigureRows,
    /// The day's figures as they are kept.
    pub kept: FigureRows,
    /// `refunded` and `refunded_minor` of the wanted days.
    pub refunds: FigureRows,
}

/// A line of a payment's history, as far as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureLine {
    pub position: i64,
    /// `None` for the creation.
    pub from: Option<String>,
    pub to: String,
    /// `None` where the status stays, and for a payment without a time of creation.
    pub payment: Option<LinePayment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePayment {
    pub created_at: Timestamp,
    pub tenant: String,
    pub gateway: String,
    pub currency: String,
    /// Zero where the amount is unknown.
    pub minor: i64,
}

impl FigureLine {
    /// How it changes the figures of its payment's day.
    pub fn difference(&self) -> Figures {
        let mut figures = Figures::default();
        let Some(payment) = &self.payment else { return figures };
        let status = |word: &str, sign: i64| {
            StatusName::from_word(word)
                .map(|status| Figures::of_status(status, sign, sign.saturating_mul(payment.minor)))
        };
        match &self.from {
            None => figures.created = 1,
            Some(from) => figures.add(status(from, -1).unwrap_or_default()),
        }
        figures.add(status(&self.to, 1).unwrap_or_default());
        figures
    }
}

/// The day of a moment; `None` for one that is in no calendar.
pub type DayOf<'a> = &'a (dyn Fn(Timestamp) -> Option<String> + Sync);

/// The counting begins so many positions before the last line: those of lines that are committed later are among
/// them.
const TAIL: i64 = 10_000;

impl FiguresReading {
    /// The first counting in this time zone.
    pub fn begin(&self, zone: &str, fence: &Fence) -> FiguresUpdate {
        let through = self.last_position.saturating_sub(TAIL).max(0);
        let state = FiguresState {
            revision: self.state.revision,
            zone: Some(zone.to_owned()),
            progress: Progress { through, gaps: Vec::new() },
            ..FiguresState::default()
        };
        FiguresUpdate { drops_all: true, ..FiguresUpdate::of(state, fence) }
    }

    /// The figures with every line that was read, and with the day and the refunds that were asked for. A day is
    /// left out while there may be more lines. `completes` says that nothing is older than the counted days and the
    /// day that was asked for.
    pub fn update(
        &self,
        ask: &FiguresAsk,
        completes: bool,
        day_of: DayOf<'_>,
        at: Timestamp,
        fence: &Fence,
    ) -> FiguresUpdate {
        let mut state = self.state.clone();
        let day = ask.day.as_ref().filter(|_| !self.is_behind).map(|span| span.day.clone());
        if let Some(day) = &day
            && state.counted_from.as_ref().is_none_or(|from| day < from)
        {
            state.counted_from = Some(day.clone());
        }
        state.is_complete |= completes && !self.is_behind;
        state.progress.take(self.lines.iter().map(|line| line.position), at);
        if !self.is_behind {
            state.counted_at = Some(at);
        }
        let is_added = |of: &str| day.as_deref() != Some(of) && state.is_counted(of);
        let mut differences = self.differences(day_of);
        differences.retain(|key, _| is_added(&key.day));
        let refund_days = ask.refunds_of.iter().map(|span| span.day.clone());
        let refund_days: Vec<String> = refund_days.filter(|of| is_added(of)).collect();
        let refunds = self.refunds.iter().filter(|(key, _)| refund_days.contains(&key.day));
        let refunds = refunds.map(|(key, figures)| (key.clone(), *figures)).collect();
        FiguresUpdate {
            differences,
            refund_days,
            refunds,
            day: day.map(|day| (day, self.counted.clone())),
            ..FiguresUpdate::of(state, fence)
        }
    }

    /// Whether the kept figures of the day that was asked for, with the lines that are not counted yet, are those of
    /// its payments, and of its refunds unless they are left out.
    pub fn agrees(&self, day_of: DayOf<'_>, with_refunds: bool) -> bool {
        let day = self.counted.keys().chain(self.kept.keys()).next().map(|key| key.day.clone());
        let Some(day) = day else { return true };
        let mut expected = self.kept.clone();
        for (key, difference) in self.differences(day_of) {
            if key.day == day {
                expected.entry(key).or_default().add(difference);
            }
        }
        let compared = |rows: &FigureRows| -> FigureRows {
            let of = |(key, figures): (&FigureKey, &Figures)| {
                let figures = match with_refunds {
                    true => *figures,
                    false => Figures { refunded: 0, refunded_minor: 0, ..*figures },
                };
                (!figures.is_nothing()).then(|| (key.clone(), figures))
            };
            rows.iter().filter_map(of).collect()
        };
        compared(&expected) == compared(&self.counted)
    }

    fn differences(&self, day_of: DayOf<'_>) -> FigureRows {
        let mut all = FigureRows::new();
        for line in &self.lines {
            let Some(payment) = &line.payment else { continue };
            let Some(day) = day_of(payment.created_at) else { continue };
            let key = FigureKey {
                day,
                tenant: payment.tenant.clone(),
                gateway: payment.gateway.clone(),
                currency: payment.currency.clone(),
            };
            all.entry(key).or_default().add(line.difference());
        }
        all.retain(|_, difference| !difference.is_nothing());
        all
    }
}

/// Figures that are stored together with the state that they rest on.
#[derive(Debug, Clone)]
pub struct FiguresUpdate {
    /// As it shall be; its revision is that of the state which was read.
    pub state: FiguresState,
    /// Whether all figures are dropped first: their days are of another time zone.
    pub drops_all: bool,
    /// Added to the kept ones.
    pub differences: FigureRows,
    /// Days whose refunds take the place of the kept ones.
    pub refund_days: Vec<String>,
    pub refunds: FigureRows,
    /// A day whose figures take the place of the kept ones.
    pub day: Option<(String, FigureRows)>,
    pub fence: Fence,
}

impl FiguresUpdate {
    /// The state alone.
    pub fn of(state: FiguresState, fence: &Fence) -> FiguresUpdate {
        FiguresUpdate {
            state,
            drops_all: false,
            differences: FigureRows::new(),
            refund_days: Vec::new(),
            refunds: FigureRows::new(),
            day: None,
            fence: fence.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: Option<&str>, to: &str) -> FigureLine {
        FigureLine {
            position: 1,
            from: from.map(str::to_owned),
            to: to.to_owned(),
            payment: Some(LinePayment {
                created_at: Timestamp::from_millis(0),
                tenant: "pb".to_owned(),
                gateway: "AXIS".to_owned(),
                currency: "INR".to_owned(),
                minor: 500,
            }),
        }
    }

    #[test]
    fn the_lines_of_a_payment_add_up_to_its_present_status() {
        let paid = Figures { created: 1, paid: 1, paid_minor: 500, ..Figures::default() };
        for (lines, sum) in [
            (vec![line(None, "PENDING")], Figures { created: 1, pending: 1, ..Figures::default() }),
            (vec![line(None, "SUCCESS")], paid),
            (vec![line(None, "PENDING"), line(Some("PENDING"), "SUCCESS")], paid),
            (
                vec![
                    line(None, "PENDING"),
                    line(Some("PENDING"), "FAILURE"),
                    line(Some("FAILURE"), "SUCCESS"),
                ],
                paid,
            ),
            (vec![line(None, "CHARGED")], Figures { created: 1, ..Figures::default() }),
        ] {
            let mut added = Figures::default();
            lines.iter().for_each(|line| added.add(line.difference()));
            assert_eq!(added, sum, "{lines:?}");
        }
        assert!(FigureLine { payment: None, ..line(None, "PENDING") }.difference().is_nothing());
    }

    fn fence() -> Fence {
        Fence { job: "figures".to_owned(), run_id: 1 }
    }

    /// The lines that are visible in a pass, of those that are asked for.
    fn reading(state: &FiguresState, all: &[(FigureLine, u8)], pass: u8, limit: usize) -> FiguresReading {
        let visible = || all.iter().filter(|(_, commit)| *commit <= pass).map(|(line, _)| line);
        let progress = &state.progress;
        let in_gaps = |line: &&FigureLine| progress.gaps.iter().any(|gap| gap.span.holds(line.position));
        let mut lines: Vec<FigureLine> = visible().filter(in_gaps).cloned().collect();
        let behind: Vec<FigureLine> =
            visible().filter(|line| line.position > progress.through).take(limit).cloned().collect();
        let is_behind = behind.len() >= limit;
        lines.extend(behind);
        let mut counted = FigureRows::new();
        for line in visible() {
            let figures = FiguresReading { lines: vec![line.clone()], ..FiguresReading::default() };
            for (key, difference) in figures.differences(&|_| Some("2026-11-30".to_owned())) {
                counted.entry(key).or_default().add(difference);
            }
        }
        FiguresReading { state: state.clone(), lines, is_behind, counted, ..FiguresReading::default() }
    }

    proptest::proptest! {
        /// Lines are committed in any order; some updates are lost; a day is counted anew in between.
        #[test]
        fn every_line_counts_once_whenever_it_is_committed(
            commits in proptest::collection::vec(0..20_u8, 1..40),
            lost in proptest::collection::vec(proptest::bool::ANY, 20),
            anew in proptest::collection::vec(proptest::bool::ANY, 20),
            limit in 1..6_usize,
        ) {
            let day = |_| Some("2026-11-30".to_owned());
            let span = DaySpan {
                day: "2026-11-30".to_owned(),
                from: Timestamp::from_millis(0),
                to: Timestamp::from_millis(1),
            };
            let numbered = |(position, commit): (i64, &u8)| (FigureLine { position, ..line(None, "SUCCESS") }, *commit);
            let all: Vec<(FigureLine, u8)> = (1..).zip(&commits).map(numbered).collect();
            let mut state = FiguresState {
                counted_from: Some("2026-01-01".to_owned()),
                is_complete: true,
                ..FiguresState::default()
            };
            let mut kept = FigureRows::new();
            for pass in 0..70_u8 {
                let nth = usize::from(pass);
                let is_anew = anew.get(nth).copied().unwrap_or(false);
                let ask = FiguresAsk { day: is_anew.then(|| span.clone()), ..FiguresAsk::default() };
                let mut read = reading(&state, &all, pass, limit);
                read.kept = kept.clone();
                proptest::prop_assert!(read.is_behind || read.agrees(&day, true));
                let update = read.update(&ask, false, &day, Timestamp::from_millis(nth.try_into().unwrap()), &fence());
                if lost.get(nth).copied().unwrap_or(false) {
                    continue;
                }
                if let Some((_, counted)) = update.day {
                    kept = counted;
                }
                for (key, difference) in update.differences {
                    kept.entry(key).or_default().add(difference);
                }
                state = update.state;
            }
            let paid: i64 = kept.values().map(|figures| figures.paid).sum();
            proptest::prop_assert_eq!(paid, i64::try_from(commits.len()).unwrap());
        }
    }
}
