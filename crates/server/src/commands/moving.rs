//! `move`: the embedded database into PostgreSQL.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::{Column, Table, plain};
use super::{by_hand, refused, small_runtime};
use crate::cli::MoveArgs;
use crate::config::{Config, database_of, environment};
use crate::failure::Outcome;
use crate::service::moving::{self, Moved, Progress};
use crate::terminal::{Paint, complain, say};

pub(super) fn run(config: &Config, args: &MoveArgs) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    let actor = by_hand::actor(&by_hand::any_operator(args.by.as_deref()));
    let Some(file) = &args.to_properties else {
        let target = moving::forget_target(config, actor)?;
        say(&paint.waiting(&format!(
            "The embedded database is used again. If {target} still exists, delete it: what both of them settle or \
             pay back is paid twice."
        )))?;
        return Ok(ExitCode::SUCCESS);
    };
    let to = database_of(file, &environment()).map_err(|problems| refused(&problems))?;
    let runtime = small_runtime()?;
    if args.back {
        let target = runtime.block_on(moving::move_back(config, &to, actor))?;
        say(&paint.good(&format!("The embedded database is used again. {target} refuses every write.")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut shown = Shown::new();
    let moved = runtime.block_on(moving::move_to(config, &to, actor, &mut shown))?;
    shown.bar.finish_and_clear();
    tell(&moved, paint)
}

fn tell(moved: &Moved, paint: Paint) -> Outcome<ExitCode> {
    let mut out = format!("{}\n", paint.title(&moved.target));
    if moved.tables.is_empty() {
        out.push_str("The payments were moved here before.\n");
    } else {
        let mut table = Table::new([Column::Text("table"), Column::Number("rows"), Column::Text("digest")]);
        for (name, digest) in &moved.tables {
            table.row([plain(*name), plain(digest.rows.to_string()), plain(digest.to_string())]);
        }
        out.push_str(&table.render(paint));
        out.push('\n');
        out.push_str("Every row was read back and is the same.\n");
    }
    if let Some(books) = &moved.books {
        out.push_str(&format!(
            "The sandbox's books stay in {}: where it is used on, keep the data folder.\n",
            books.display()
        ));
    }
    out.push_str(&paint.good(
        "Moved. Start the service with the settings of this database; the embedded one refuses every write.",
    ));
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// A progress bar at a terminal, and a line for each large table elsewhere.
struct Shown {
    bar: ProgressBar,
    table: String,
    rows: u64,
    stored: u64,
}

/// The number of rows between two lines of progress where there is no terminal.
const TOLD_EVERY: u64 = 100_000;

impl Shown {
    fn new() -> Shown {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {eta} to go") {
            bar.set_style(style);
        }
        Shown { bar, table: String::new(), rows: 0, stored: 0 }
    }

    fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }
}

impl Progress for Shown {
    fn table(&mut self, name: &str, rows: u64) {
        (self.table, self.rows, self.stored) = (name.to_owned(), rows, 0);
        self.bar.set_length(rows);
        self.bar.set_position(0);
        self.bar.set_message(name.to_owned());
    }

    fn stored(&mut self, rows: usize) {
        let before = self.stored;
        self.stored += u64::try_from(rows).unwrap_or(0);
        self.bar.set_position(self.stored);
        if !self.is_visible() && before / TOLD_EVERY != self.stored / TOLD_EVERY {
            complain(&format!("{}: {} of {}", self.table, self.stored, self.rows));
        }
    }

    fn verifying(&mut self) {
        self.bar.set_message("reading every row back");
        if !self.is_visible() {
            complain("reading every row back");
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn a_file_is_needed_unless_the_target_is_lost() {
        let parses = |line: &[&str]| Cli::try_parse_from(line).is_ok();
        assert!(!parses(&["pg-service", "move"]));
        assert!(!parses(&["pg-service", "move", "--back"]));
        assert!(!parses(&["pg-service", "move", "--target-lost"]));
        assert!(parses(&["pg-service", "move", "--to-properties", "x"]));
        assert!(parses(&["pg-service", "move", "--to-properties", "x", "--back"]));
        assert!(parses(&["pg-service", "move", "--back", "--target-lost"]));
    }
}
