//! The way back through the pages of a list.
//!
//! A page begins behind a row, or before a moment. Its address has the places of the pages before it as well, so that
//! the way back leads to the same pages, also of a list that grows meanwhile, and the database is asked the same
//! questions. Of a longer way the latest places are kept.

use crate::context::Context;
use crate::links::{Link, segment};

pub(crate) const PARAMETER: &str = "trail";
const MOST: usize = 30;
/// The parameters with the place of a page, each with its letter.
const PLACES: [(&str, char); 2] = [("after", 'a'), ("before", 'b')];
const FIRST: &str = "-";

/// The place of the page, and those before it, the latest last.
pub(crate) struct Trail {
    here: String,
    before: Vec<String>,
}

impl Trail {
    pub(crate) fn of(context: &Context) -> Trail {
        let place = |(parameter, letter): (&str, char)| {
            Some(format!("{letter}{}", segment(context.query.text(parameter)?)))
        };
        let here = PLACES.into_iter().find_map(place).unwrap_or_else(|| FIRST.to_owned());
        let before = context.query.text(PARAMETER).unwrap_or_default().split(' ');
        let before = before.filter(|place| read(place).is_some() || *place == FIRST);
        Trail { here, before: before.take(MOST).map(str::to_owned).collect() }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.here == FIRST
    }

    /// A page behind this one.
    pub(crate) fn onward(&self, view: &Link, parameter: &'static str, value: &str) -> Link {
        let mut places: Vec<&str> = self.before.iter().map(String::as_str).collect();
        places.push(&self.here);
        let kept = places.get(places.len().saturating_sub(MOST)..).unwrap_or_default();
        view.clone().with(parameter, value).with(PARAMETER, kept.join(" "))
    }

    /// The page before this one, as far as it is known.
    pub(crate) fn back(&self, view: &Link) -> Option<Link> {
        let (last, before) = self.before.split_last()?;
        let Some((parameter, value)) = read(last) else { return Some(view.clone()) };
        let link = view.clone().with(parameter, value);
        Some(if before.is_empty() { link } else { link.with(PARAMETER, before.join(" ")) })
    }
}

/// The parameter and the value of a place; `None` for the first page.
fn read(place: &str) -> Option<(&'static str, String)> {
    let (parameter, letter) = PLACES.into_iter().find(|(_, letter)| place.starts_with(*letter))?;
    let value = place.strip_prefix(letter)?;
    // The name of a pair alone is decoded.
    let decoded = form_urlencoded::parse(value.as_bytes()).next().map(|(name, _)| name.into_owned());
    Some((parameter, decoded?))
}
