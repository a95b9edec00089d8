//! Figures, and how they are shown.

use std::time::Duration;

/// One measured thing, beside its limit where it has one.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Processor time of the measured process per request.
    pub(crate) cpu_per_request: Option<Duration>,
    /// How much of the limit's throughput was reached, and which limit that is.
    pub(crate) of_limit: Option<(f64, &'static str)>,
    /// What the ratio, or the p99, is meant to be.
    pub(crate) aim: &'static str,
}

/// `part / whole`, and zero when there is no whole.
#[allow(clippy::float_arithmetic)] // figures, not money
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[allow(clippy::float_arithmetic)]
fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[allow(clippy::print_stdout)] // the report is what the command is for
pub(crate) fn print(lines: &[Line], facts: &[(&str, String)]) {
    println!(
        "{:<34}{:>12}{:>10}{:>10}{:>12}{:>20}  aim",
        "", "requests/s", "p50 ms", "p99 ms", "cpu µs/req", "of limit"
    );
    for line in lines {
        let cpu = line.cpu_per_request.map_or("-".to_owned(), |cpu| format!("{}", cpu.as_micros()));
        let limit = line.of_limit.map_or("-".to_owned(), |(ratio, name)| format!("{ratio:.2} {name}"));
        println!(
            "{:<34}{:>12.0}{:>10.2}{:>10.2}{:>12}{:>20}  {}",
            line.name,
            line.per_second,
            millis(line.p50),
            millis(line.p99),
            cpu,
            limit,
            line.aim
        );
    }
    println!();
    for (name, value) in facts {
        println!("{name:<34}{value}");
    }
}

/// The same as one JSON document.
#[allow(clippy::print_stdout)]
pub(crate) fn print_json(lines: &[Line], facts: &[(&str, String)]) {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "name": line.name,
                "per_second": line.per_second,
                "p50_ms": millis(line.p50),
                "p99_ms": millis(line.p99),
                "cpu_us_per_request": line.cpu_per_request.map(|cpu| cpu.as_micros()),
                "of_limit": line.of_limit.map(|(ratio, _)| ratio),
                "limit": line.of_limit.map(|(_, name)| name),
                "aim": line.aim,
            })
        })
        .collect();
    let facts: serde_json::Map<String, serde_json::Value> =
        facts.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    println!("{}", serde_json::json!({ "lines": lines, "facts": facts }));
}
