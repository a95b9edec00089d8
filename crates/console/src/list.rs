//! Lists: filters as they were typed, read, and shown; pages. The address is the view, without its place.

use http::StatusCode;
use payment_domain::{Currency, Money, Timestamp};
use payment_store::{TenantScope, common_scopes};

use crate::context::Context;
use crate::failure::Failure;
use crate::format;
use crate::language::{Texts, fill};
use crate::links::Link;
use crate::page::Named;
use crate::screens::export::{self, Offered};
use crate::trail::Trail;

/// The rows of a page of a list.
pub(crate) const ROWS: usize = 50;

/// The frame of a list: everything around its rows.
pub(crate) struct List {
    pub(crate) action: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) fields: Vec<Field>,
    pub(crate) chips: Vec<Chip>,
    pub(crate) first: Option<Named>,
    pub(crate) previous: Option<Named>,
    pub(crate) next: Option<Named>,
    pub(crate) exports: Offered,
    /// How far the list was searched where that is not to its end, with the address that goes on.
    pub(crate) searched: Option<Named>,
}

/// A filter that cannot be read.
pub(crate) struct Problem {
    pub(crate) field: &'static str,
    pub(crate) text: String,
}

/// A filter in force, with the address of the list without it.
pub(crate) struct Chip {
    pub(crate) text: String,
    pub(crate) remove: Option<String>,
}

/// A filter of the form.
pub(crate) struct Field {
    pub(crate) parameter: &'static str,
    pub(crate) name: &'static str,
    pub(crate) typed: String,
    /// Of an `input`.
    pub(crate) kind: &'static str,
    pub(crate) keyboard: &'static str,
    /// Those of a `select`, where there are any.
    pub(crate) choices: Vec<Choice>,
}

/// An option of a filter.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) word: String,
    pub(crate) is_chosen: bool,
}

impl Choice {
    pub(crate) fn of(value: impl Into<String>, word: impl Into<String>) -> Choice {
        Choice { value: value.into(), word: word.into(), is_chosen: false }
    }
}

/// The filters of a list while they are read. A filter that cannot be read is a problem: a list without it would show
/// more than was asked for.
pub(crate) struct Filters<'c> {
    context: &'c Context,
    t: &'static Texts,
    path: &'static str,
    list: Link,
    view: Link,
    trail: Trail,
    fields: Vec<Field>,
    chips: Vec<Waiting>,
    problems: Vec<Problem>,
}

/// A chip whose address is known when all filters are.
struct Waiting {
    text: String,
    remove: Removal,
}

enum Removal {
    /// It is in force where nothing is chosen.
    Never,
    Without(&'static str),
    /// By choosing this value.
    With(&'static str, &'static str),
}

impl<'c> Filters<'c> {
    pub(crate) fn of(context: &'c Context, path: &'static str) -> Filters<'c> {
        let list = context.link(path);
        let view = list.clone();
        Filters {
            context,
            t: context.language.texts(),
            path,
            list,
            view,
            trail: Trail::of(context),
            fields: Vec::new(),
            chips: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The address of the list with its filters, at its first page.
    pub(crate) fn view(&self) -> Link {
        self.view.clone()
    }

    /// The address of a later page.
    pub(crate) fn onward(&self, parameter: &'static str, value: &str) -> String {
        self.trail.onward(&self.view, parameter, value).href()
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.problems.is_empty()
    }

    /// Without a page: what cannot be read is the whole answer.
    ///
    /// # Errors
    /// [`Failure::Refused`].
    pub(crate) fn refuse_unreadable(self) -> Result<(), Failure> {
        self.problems.into_iter().next().map_or(Ok(()), |problem| Err(Failure::invalid(problem.text)))
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        if self.is_readable() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
    }

    /// A parameter of the address that is no field of the form.
    pub(crate) fn kept(&mut self, parameter: &'static str, value: &str) {
        self.view = self.view.clone().with(parameter, value);
    }

    /// A chip of such a parameter.
    pub(crate) fn chip(&mut self, name: &str, shown: &str, parameter: &'static str) {
        self.chips.push(Waiting { text: format!("{name}: {shown}"), remove: Removal::Without(parameter) });
    }

    /// A text that is compared as it is.
    pub(crate) fn text(&mut self, parameter: &'static str, name: &'static str) -> Option<String> {
        let typed = self.typed(parameter);
        self.field(parameter, name, "text", "text", typed.as_deref());
        self.chip_of(name, typed.as_deref(), parameter);
        typed
    }

    /// The tenants: the caller's, as far as they are within the chosen one. `tree` has those to choose from.
    pub(crate) fn tenants(&mut self, tree: Vec<Choice>) -> Vec<TenantScope> {
        let within = self.context.narrowed();
        let own = &self.context.scopes;
        let roots: Vec<String> = common_scopes(own, own).into_iter().map(|scope| scope.root).collect();
        let none = fill(self.t.lists.all_of_tenants, [&roots.join(", ")]);
        if tree.is_empty() {
            let typed = self.text("tenant", self.t.frame.tenant);
            if typed.is_none() {
                self.chips.push(Waiting { text: none, remove: Removal::Never });
            }
        } else {
            self.listed("tenant", self.t.frame.tenant, Some(none), tree);
        }
        within
    }

    /// One of several values; another one, that was typed, is compared as it is.
    pub(crate) fn listed(
        &mut self,
        parameter: &'static str,
        name: &'static str,
        none: Option<String>,
        mut choices: Vec<Choice>,
    ) -> Option<String> {
        let typed = self.typed(parameter);
        if let Some(typed) = &typed
            && !choices.iter().any(|choice| choice.value == *typed)
        {
            choices.push(Choice::of(typed, typed));
        }
        self.select(parameter, name, typed.as_deref(), Some(Choice::of("", self.t.lists.all)), choices);
        match (&typed, none) {
            (Some(typed), _) => self.chip_of(name, Some(typed), parameter),
            (None, Some(none)) => self.chips.push(Waiting { text: none, remove: Removal::Never }),
            (None, None) => {}
        }
        typed
    }

    /// One of several values. `none` is the chip where nothing is chosen.
    pub(crate) fn choice<T: Clone>(
        &mut self,
        parameter: &'static str,
        name: &'static str,
        none: Option<&str>,
        options: &[(&str, &str, T)],
    ) -> Option<T> {
        let typed = self.typed(parameter);
        let choices = options.iter().map(|(value, word, _)| Choice::of(*value, *word)).collect();
        self.select(parameter, name, typed.as_deref(), Some(Choice::of("", self.t.lists.all)), choices);
        let Some(typed) = typed else {
            self.chips.extend(none.map(|none| Waiting { text: none.to_owned(), remove: Removal::Never }));
            return None;
        };
        let chosen = options.iter().find(|(value, _, _)| *value == typed);
        self.chip_of(name, Some(chosen.map_or(typed.as_str(), |(_, word, _)| *word)), parameter);
        if chosen.is_none() {
            self.problem(parameter, name, self.t.lists.choose_listed);
        }
        chosen.map(|(_, _, value)| value.clone())
    }

    /// One of several values: the first is in force where nothing is chosen, and `widest` filters nothing.
    pub(crate) fn choice_with_default<T: Clone>(
        &mut self,
        parameter: &'static str,
        name: &'static str,
        widest: &'static str,
        options: &[(&'static str, &str, T)],
    ) -> Option<T> {
        let typed = self.typed(parameter);
        let value = typed.as_deref().or(options.first().map(|(value, _, _)| *value)).unwrap_or_default();
        let choices = options.iter().map(|(value, word, _)| Choice::of(*value, *word)).collect();
        self.select(parameter, name, Some(value), None, choices);
        if typed.is_none() {
            // A filter that is not in the address is in force, too.
            self.view = self.view.clone().without(parameter);
        }
        let chosen = options.iter().find(|(known, _, _)| *known == value);
        let text = format!("{name}: {}", chosen.map_or(value, |(_, word, _)| *word));
        let remove = if value == widest { Removal::Never } else { Removal::With(parameter, widest) };
        self.chips.push(Waiting { text, remove });
        if chosen.is_none() {
            self.problem(parameter, name, self.t.lists.choose_listed);
        }
        chosen.map(|(_, _, value)| value.clone())
    }

    /// The beginning of the day from and the end of the day to, both days included.
    pub(crate) fn days(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (from, to) = (self.day("from", self.t.words.from_day), self.day("to", self.t.words.to_day));
        if from.is_none() && to.is_none() {
            self.chips.push(Waiting { text: self.t.lists.any_day.to_owned(), remove: Removal::Never });
        }
        (from.flatten().map(|(begins, _)| begins), to.flatten().map(|(_, ends)| ends))
    }

    /// The amounts from and to, both included.
    pub(crate) fn amounts(&mut self) -> (Option<Money>, Option<Money>) {
        (
            self.amount("amount_from", self.t.words.amount_from),
            self.amount("amount_to", self.t.words.amount_to),
        )
    }

    /// `None` where it is not set, `Some(None)` where it cannot be read.
    fn day(&mut self, parameter: &'static str, name: &'static str) -> Option<Option<(Timestamp, Timestamp)>> {
        let typed = self.typed(parameter);
        self.field(parameter, name, "date", "text", typed.as_deref());
        self.chip_of(name, typed.as_deref().map(format::day_shown).as_deref(), parameter);
        let read = format::day(&self.context.payments().ports.settings.time_zone, &typed?);
        if read.is_none() {
            self.problem(parameter, name, self.t.lists.write_day);
        }
        Some(read)
    }

    fn amount(&mut self, parameter: &'static str, name: &'static str) -> Option<Money> {
        let typed = self.typed(parameter);
        self.field(parameter, name, "text", "decimal", typed.as_deref());
        self.chip_of(name, typed.as_deref(), parameter);
        let plain: String = typed?.chars().filter(|char| !matches!(char, ',' | '₹' | ' ')).collect();
        let read = Money::parse(&plain, Currency::INR).ok();
        if read.is_none() {
            self.problem(parameter, name, self.t.lists.write_amount);
        }
        read
    }

    /// The list, newest first.
    pub(crate) fn newest_first(self, next: Option<(&'static str, String)>) -> List {
        let words = [self.t.lists.newest, self.t.lists.newer, self.t.lists.older];
        self.finish(words, next)
    }

    /// The list, oldest first.
    pub(crate) fn oldest_first(self, next: Option<(&'static str, String)>) -> List {
        let words = [self.t.lists.oldest, self.t.lists.older, self.t.lists.newer];
        self.finish(words, next)
    }

    fn finish(
        self,
        [first, previous, next]: [&'static str; 3],
        place: Option<(&'static str, String)>,
    ) -> List {
        let exports = export::offered(self.context, self.path, &self.view);
        let Filters { list, view, trail, fields, chips, problems, .. } = self;
        let named = |name: &str, link: Link| Named { name: name.to_owned(), href: link.href() };
        let chip = |Waiting { text, remove }| Chip {
            text,
            remove: match remove {
                Removal::Never => None,
                Removal::Without(parameter) => Some(view.clone().without(parameter).href()),
                Removal::With(parameter, value) => Some(view.clone().with(parameter, value).href()),
            },
        };
        List {
            chips: chips.into_iter().map(chip).collect(),
            action: list.href(),
            problems,
            fields,
            first: (!trail.is_first()).then(|| named(first, view.clone())),
            previous: trail.back(&view).map(|link| named(previous, link)),
            next: place.map(|(parameter, value)| named(next, trail.onward(&view, parameter, &value))),
            exports,
            searched: None,
        }
    }

    fn typed(&self, parameter: &str) -> Option<String> {
        self.context.query.text(parameter).map(str::to_owned)
    }

    fn problem(&mut self, field: &'static str, name: &str, rule: &str) {
        self.problems.push(Problem { field, text: format!("{name}: {rule}") });
    }

    fn chip_of(&mut self, name: &str, shown: Option<&str>, parameter: &'static str) {
        if let Some(shown) = shown {
            self.chip(name, shown, parameter);
        }
    }

    fn field(
        &mut self,
        parameter: &'static str,
        name: &'static str,
        kind: &'static str,
        keyboard: &'static str,
        typed: Option<&str>,
    ) {
        let choices = Vec::new();
        self.push(Field { parameter, name, typed: String::new(), kind, keyboard, choices }, typed);
    }

    fn select(
        &mut self,
        parameter: &'static str,
        name: &'static str,
        typed: Option<&str>,
        none: Option<Choice>,
        choices: Vec<Choice>,
    ) {
        let mut choices: Vec<Choice> = none.into_iter().chain(choices).collect();
        for choice in &mut choices {
            choice.is_chosen = choice.value == typed.unwrap_or_default();
        }
        self.push(Field { parameter, name, typed: String::new(), kind: "", keyboard: "", choices }, typed);
    }

    fn push(&mut self, field: Field, typed: Option<&str>) {
        let typed = typed.unwrap_or_default().to_owned();
        if !typed.is_empty() {
            self.view = self.view.clone().with(field.parameter, typed.as_str());
        }
        self.fields.push(Field { typed, ..field });
    }
}

/// The rows of one page, and whether there are more, out of one row more than a page has.
pub(crate) fn one_page<T>(rows: Vec<T>) -> (Vec<T>, bool) {
    page_of(rows, ROWS)
}

/// The same of a page with so many rows.
pub(crate) fn page_of<T>(mut rows: Vec<T>, most: usize) -> (Vec<T>, bool) {
    let is_more = rows.len() > most;
    rows.truncate(most);
    (rows, is_more)
}

pub(crate) fn one_more_than_a_page() -> u32 {
    one_more_than(ROWS)
}

pub(crate) fn one_more_than(rows: usize) -> u32 {
    u32::try_from(rows + 1).unwrap_or(u32::MAX)
}
