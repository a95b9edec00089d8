//! The lines of the payments' histories under their seals: each in exactly one, and as it was sealed.

use payment_domain::Timestamp;
use payment_store::audit::sealing::{Covered, GAP_WATCHED, HistoryLine, LineKey, Progress, Seal, Span};
use payment_store::{HistoryLines, Store};
use serde_json::Value;

use super::{Broken, Place, Stop};

/// The lines that are read at once.
const PAGE: u32 = 1_000;

#[derive(Default)]
pub(super) struct Histories {
    /// Gaps are kept, also those that are not looked at any more.
    progress: Progress,
    earlier_through: Option<LineKey>,
    earlier_is_done: bool,
    newest_seal: Option<(i64, Timestamp)>,
    pub(super) lines: u64,
    pub(super) unsealed: u64,
}

impl Histories {
    pub(super) async fn check(
        &mut self,
        store: &dyn Store,
        number: i64,
        entry: &Value,
        seal: &Seal,
    ) -> Result<(), Stop> {
        let at = entry["at"].as_i64().unwrap_or_default();
        self.newest_seal = Some((number, Timestamp::from_millis(at)));
        let lines = match &seal.covers {
            Covered::Positions(spans) => {
                if !self.progress.pass(spans, at) {
                    return Err(twice(number));
                }
                at_positions(store, number, spans).await?
            }
            Covered::Earlier { after, through, is_last } => {
                if self.earlier_is_done || *after != self.earlier_through {
                    return Err(twice(number));
                }
                self.earlier_through.clone_from(through);
                self.earlier_is_done = *is_last;
                earlier(store, after.as_ref(), through.as_ref()).await?
            }
        };
        match seal.first_changed(&lines) {
            None => {
                self.lines += u64::try_from(lines.len()).unwrap_or_default();
                Ok(())
            }
            Some(place) => Err(Stop::Broken(match lines.get(place) {
                Some(line) => Broken::line(line, number, "it is not as it was sealed"),
                None => Broken::entry(number, "a line of a history that it seals is missing"),
            })),
        }
    }

    /// Counts the lines that are in no seal yet, and looks for those that can be in none.
    pub(super) async fn finish(&mut self, store: &dyn Store, last_entry: i64) -> Result<(), Stop> {
        let (sealed_by, newest) = self.newest_seal.unwrap_or((last_entry, Timestamp::from_millis(0)));
        let oldest = newest.minus(GAP_WATCHED).as_millis();
        for gap in &self.progress.gaps {
            let mut after = gap.span.from - 1;
            loop {
                let which = HistoryLines::Positions(Span { from: after + 1, to: gap.span.to });
                let lines = store.history_lines(&which, PAGE).await?;
                let Some(last) = lines.last().and_then(|line| line.position) else { break };
                if gap.since_ms < oldest {
                    return Err(inserted(&lines, sealed_by));
                }
                self.unsealed += u64::try_from(lines.len()).unwrap_or_default();
                after = last;
            }
        }
        let mut after = self.progress.through;
        loop {
            let which = HistoryLines::Positions(Span { from: after.saturating_add(1), to: i64::MAX });
            let lines = store.history_lines(&which, PAGE).await?;
            let Some(last) = lines.last().and_then(|line| line.position) else { break };
            self.unsealed += u64::try_from(lines.len()).unwrap_or_default();
            after = last;
        }
        let is_done = self.earlier_is_done || store.earlier_lines_are_sealed().await?;
        let mut after = self.earlier_through.clone();
        loop {
            let lines = store.history_lines(&HistoryLines::Earlier { after }, PAGE).await?;
            let Some(last) = lines.last() else { return Ok(()) };
            if is_done {
                return Err(inserted(&lines, sealed_by));
            }
            self.unsealed += u64::try_from(lines.len()).unwrap_or_default();
            after = Some(last.key());
        }
    }
}

fn twice(number: i64) -> Stop {
    Stop::Broken(Broken::entry(number, "it seals lines of histories that an earlier entry has sealed"))
}

fn inserted(lines: &[HistoryLine], sealed_by: i64) -> Stop {
    let why = "it is in no seal: it was inserted later";
    Stop::Broken(match lines.first() {
        Some(line) => Broken::line(line, sealed_by, why),
        None => Broken::entry(sealed_by, why),
    })
}

/// The lines at these positions: one at each.
async fn at_positions(store: &dyn Store, sealed_by: i64, spans: &[Span]) -> Result<Vec<HistoryLine>, Stop> {
    let mut found: Vec<HistoryLine> = Vec::new();
    for span in spans {
        let mut expected = span.from;
        while expected <= span.to {
            let which = HistoryLines::Positions(Span { from: expected, to: span.to });
            let lines = store.history_lines(&which, PAGE).await?;
            let before = expected;
            for line in &lines {
                match line.position {
                    Some(position) if position == expected => expected += 1,
                    Some(position) if position < expected => {
                        let why = "there are two lines at its position";
                        return Err(Stop::Broken(Broken::line(line, sealed_by, why)));
                    }
                    Some(_) | None => break,
                }
            }
            let is_missing = usize::try_from(expected - before).is_ok_and(|read| read < lines.len());
            if is_missing || lines.is_empty() {
                let place = Place::HistoryLine {
                    position: Some(expected),
                    txn_id: None,
                    entry_number: None,
                    sealed_by,
                };
                return Err(Stop::Broken(Broken { place, why: "it is missing".to_owned() }));
            }
            found.extend(lines);
        }
        // A second line at the last position.
        let last = HistoryLines::Positions(Span { from: span.to, to: span.to });
        if let [_, second, ..] = store.history_lines(&last, 2).await?.as_slice() {
            return Err(Stop::Broken(Broken::line(second, sealed_by, "there are two lines at its position")));
        }
    }
    Ok(found)
}

async fn earlier(
    store: &dyn Store,
    after: Option<&LineKey>,
    through: Option<&LineKey>,
) -> Result<Vec<HistoryLine>, Stop> {
    let mut found: Vec<HistoryLine> = Vec::new();
    let Some(through) = through else { return Ok(found) };
    let mut after = after.cloned();
    loop {
        let lines = store.history_lines(&HistoryLines::Earlier { after: after.clone() }, PAGE).await?;
        let Some(last) = lines.last().map(HistoryLine::key) else { return Ok(found) };
        let is_beyond = last > *through;
        found.extend(lines.into_iter().filter(|line| line.key() <= *through));
        if is_beyond || last == *through {
            return Ok(found);
        }
        after = Some(last);
    }
}
