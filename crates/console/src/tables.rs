//! Tables of numbers, and plots with theirs beneath.

use crate::context::Context;
use crate::failure::Failure;
use crate::language::fill;
use crate::links::Link;

pub(crate) struct Table {
    pub(crate) caption: String,
    /// The first is of the names of rows.
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) href: Option<String>,
}

impl Table {
    pub(crate) fn of<'a>(
        caption: impl Into<String>,
        head: impl IntoIterator<Item = &'a str>,
        rows: Vec<Row>,
    ) -> Table {
        Table { caption: caption.into(), head: head.into_iter().map(str::to_owned).collect(), rows }
    }
}

impl Cell {
    pub(crate) fn of(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), href: None }
    }

    /// A number with its list.
    pub(crate) fn linked(text: impl Into<String>, link: &Link) -> Cell {
        Cell { text: text.into(), href: Some(link.href()) }
    }
}

/// A plot, and the table of its numbers.
pub(crate) struct Shown {
    pub(crate) title: String,
    pub(crate) svg: String,
    pub(crate) numbers: String,
    pub(crate) table: Table,
}

impl Shown {
    pub(crate) fn of(
        context: &Context,
        title: &str,
        svg: Result<String, askama::Error>,
        table: Table,
    ) -> Result<Shown, Failure> {
        let numbers = fill(context.language.texts().figures.numbers_of, [title]);
        // Two regions of a page have different names.
        let table = Table { caption: numbers.clone(), ..table };
        Ok(Shown { title: title.to_owned(), svg: svg?, numbers, table })
    }
}
