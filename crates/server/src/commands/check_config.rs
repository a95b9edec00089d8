//! `check-config`: all problems of the configuration, and the effective settings.

use std::process::ExitCode;

use payment_gateways::account::{REDIRECT_THROUGH, RedirectThrough};

use crate::config::{Loaded, Notice, NoticeKind, Reachable};
use crate::failure::Outcome;
use crate::service;
use crate::terminal::{Paint, say};

pub(super) fn run(loaded: &Loaded) -> Outcome<ExitCode> {
    let paint = Paint::detect();
    let mut out = loaded.effective();
    if let Some(config) = loaded.config() {
        reachable(&mut out, paint, &config.reachable());
    }
    notices(&mut out, paint, "Worth a look", loaded, NoticeKind::Doubtful);
    notices(&mut out, paint, "Without effect", loaded, NoticeKind::Idle);
    notices(&mut out, paint, "Unknown", loaded, NoticeKind::Unknown);
    of_the_chart(&mut out, paint, loaded);
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

/// The paths that an API gateway must open.
fn reachable(out: &mut String, paint: Paint, reachable: &Reachable) {
    let title = format!("Payers' browsers ({}={})", REDIRECT_THROUGH.key, reachable.through.as_str());
    let led = match reachable.through {
        RedirectThrough::Application => "straight to the gateway, and back to the application",
        RedirectThrough::Service => "to the gateway by this service, and back to it",
    };
    out.push_str(&format!("{}\n  are led {led}. Reachable from outside must be:\n", paint.title(&title)));
    let list = |out: &mut String, paths: &[String]| {
        for path in paths {
            out.push_str(&format!("    {path}\n"));
        }
    };
    list(out, &reachable.paths);
    if !reachable.through_service.is_empty() {
        let other = RedirectThrough::Service.as_str();
        out.push_str(&format!(
            "  With {}={other}, below server.public-url, it would be as well:\n",
            REDIRECT_THROUGH.key
        ));
        list(out, &reachable.through_service);
    }
    out.push('\n');
}

/// The variables that DIGIT's chart sets for Java, in one line.
fn of_the_chart(out: &mut String, paint: Paint, loaded: &Loaded) {
    let of_the_chart = loaded.notices.iter().filter(|notice| notice.kind == NoticeKind::Chart);
    let names: Vec<&str> = of_the_chart.map(|notice| notice.key.as_str()).collect();
    if !names.is_empty() {
        let title = paint.quiet("Set by DIGIT's chart for Java, without effect");
        out.push_str(&format!("{title}\n  {}\n\n", names.join(" ")));
    }
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
