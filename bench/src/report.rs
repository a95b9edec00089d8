//! Figures and their output.

use std::time::Duration;

use serde_json::json;

use crate::load::Figures;

/// One figure, with its limit where it has one.
pub(crate) struct Line {
    name: &'static str,
    per_second: f64,
    /// The median and the 99th percentile of response times.
    times: Option<(Duration, Duration)>,
    /// Processor time of the measured process per request.
    cpu_per_request: Option<Duration>,
    /// The share of a limit's throughput, and the limit's name.
    of_limit: Option<(f64, &'static str)>,
    /// The intended ratio or p99.
    aim: &'static str,
}

impl Line {
    /// A throughput alone.
    pub(crate) fn of_rate(name: &'static str, per_second: f64) -> Line {
        Line { name, per_second, times: None, cpu_per_request: None, of_limit: None, aim: "" }
    }

    pub(crate) fn of(name: &'static str, figures: &Figures) -> Line {
        let times = Some((figures.percentile(50), figures.percentile(99)));
        Line { times, cpu_per_request: figures.cpu, ..Line::of_rate(name, figures.per_second()) }
    }

    /// Compares the 99th percentile of response times with what it may be.
    pub(crate) fn within(self, longest: Duration, aim: &'static str) -> Line {
        let share = self.times.map(|(_, p99)| (ratio(millis(p99), millis(longest)), "p99 of limit"));
        Line { of_limit: share, aim, ..self }
    }

    /// Compares with a limit's throughput.
    pub(crate) fn beside(self, limit: f64, limit_name: &'static str, aim: &'static str) -> Line {
        let share = ratio(self.per_second, limit);
        self.with_ratio(share, limit_name, aim)
    }

    /// A comparison that was made elsewhere.
    pub(crate) fn with_ratio(self, ratio: f64, limit_name: &'static str, aim: &'static str) -> Line {
        Line { of_limit: Some((ratio, limit_name)), aim, ..self }
    }
}

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
    /// Named single figures, with the aim in words where there is one.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// `part / whole`, and zero when there is no whole.
#[allow(clippy::float_arithmetic)] // figures, not money
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// A duration in milliseconds.
#[allow(clippy::float_arithmetic)]
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Reports progress on standard error: a run takes minutes.
#[allow(clippy::print_stderr)]
pub(crate) fn progress(what: &str) {
    eprintln!("bench: {what}");
}

impl Report {
    #[allow(clippy::print_stdout)] // the report is what the command is for
    pub(crate) fn print(&self) {
        if !self.lines.is_empty() {
            println!(
                "{:<36}{:>12}{:>10}{:>10}{:>12}{:>20}  aim",
                "", "requests/s", "p50 ms", "p99 ms", "cpu µs/req", "of limit"
            );
        }
        for line in &self.lines {
            let (p50, p99) = line.times.map_or(("-".to_owned(), "-".to_owned()), |(p50, p99)| {
                (format!("{:.2}", millis(p50)), format!("{:.2}", millis(p99)))
            });
            let cpu = line.cpu_per_request.map_or("-".to_owned(), |cpu| cpu.as_micros().to_string());
            let limit = line.of_limit.map_or("-".to_owned(), |(ratio, name)| format!("{ratio:.2} {name}"));
            println!(
                "{:<36}{:>12.0}{p50:>10}{p99:>10}{cpu:>12}{limit:>20}  {}",
                line.name, line.per_second, line.aim
            );
        }
        if !self.lines.is_empty() {
            println!();
        }
        for (name, value) in &self.facts {
            println!("{name:<50}{value}");
        }
    }

    /// Prints one JSON document.
    #[allow(clippy::print_stdout)]
    pub(crate) fn print_json(&self) {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|line| {
                json!({
                    "name": line.name,
                    "per_second": line.per_second,
                    "p50_ms": line.times.map(|(p50, _)| millis(p50)),
                    "p99_ms": line.times.map(|(_, p99)| millis(p99)),
                    "cpu_us_per_request": line.cpu_per_request.map(|cpu| cpu.as_micros()),
                    "of_limit": line.of_limit.map(|(ratio, _)| ratio),
                    "limit": line.of_limit.map(|(_, name)| name),
                    "aim": line.aim,
                })
            })
            .collect();
        let facts: serde_json::Map<String, serde_json::Value> =
            self.facts.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        println!("{}", json!({ "lines": lines, "facts": facts }));
    }
}
