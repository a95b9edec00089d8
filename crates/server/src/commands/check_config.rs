//! `check-config`: everything that is wrong with the configuration, and what is in effect.

use std::process::ExitCode;

use crate::config::{Loaded, Notice, NoticeKind};
use crate::failure::Outcome;
use crate::service;
use crate::terminal::{Paint, say};

pub(super) fn run(loaded: &Loaded) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    let mut out = loaded.effective();
    notices(&mut out, paint, "Worth a look", loaded, NoticeKind::Doubtful);
    notices(&mut out, paint, "Without effect", loaded, NoticeKind::Idle);
    notices(&mut out, paint, "Unknown", loaded, NoticeKind::Unknown);
    let unusable = loaded.config().map(service::check).unwrap_or_default();
    if !unusable.is_empty() {
        for failure in &unusable {
            out.push_str(&paint.bad(&format!("{failure}\n")));
        }
        say(out.trim_end())?;
        return Ok(ExitCode::FAILURE);
    }
    if loaded.problems.is_empty() {
        out.push_str(&paint.good("No problems."));
        say(&out)?;
        return Ok(ExitCode::SUCCESS);
    }
    out.push_str(&paint.bad(&match loaded.problems.len() {
        1 => "1 problem:".to_owned(),
        count => format!("{count} problems:"),
    }));
    for problem in &loaded.problems {
        out.push_str(&format!("\n\n  {problem}"));
    }
    say(&out)?;
    Ok(ExitCode::FAILURE)
}

fn notices(out: &mut String, paint: Paint, title: &str, loaded: &Loaded, kind: NoticeKind) {
    let notices: Vec<&Notice> = loaded.notices.iter().filter(|notice| notice.kind == kind).collect();
    if notices.is_empty() {
        return;
    }
    out.push_str(&format!("{}\n", paint.waiting(title)));
    for notice in notices {
        out.push_str(&format!("  {notice}\n"));
    }
    out.push('\n');
}
