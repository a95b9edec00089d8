//! Runs files of test vectors: inputs and outputs of each gateway's protocol, made with the vendors' own
//! libraries and with independent implementations.
//!
//! `tests/vectors.json` and `tests/refund_vectors.json` are run always, and whole but for [`NOT_BUILT`].
//! `GATEWAY_VECTORS=<file>` runs another file of the same form as well. Each run prints how many vectors of
//! each gateway and kind passed, failed, or use a feature that no adapter here has.

mod amount;
mod axis;
mod ccavenue;
mod hyperswitch;
mod paytm;
mod payu;
mod phonepe;
mod razorpay;
mod refunds;
mod request;
mod stripe;
mod tally;
mod vector;

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

use tally::Tally;
use vector::{Vector, Verdict};

/// The vectors of features that are not built: PAYTM's legacy request for a refund, and RAZORPAY's settlement
/// report.
const NOT_BUILT: [&str; 3] = ["paytm-r06", "paytm-r07", "razorpay-r06"];

/// Runs a vector with the adapter it is about.
fn run(vector: &Vector) -> Verdict {
    if vector.kind.starts_with("refund_") {
        return refunds::run(vector);
    }
    match vector.gateway.as_str() {
        "AXIS" => axis::run(vector),
        "CCAVENUE" => ccavenue::run(vector),
        "HYPERSWITCH" => hyperswitch::run(vector),
        "PAYTM" => paytm::run(vector),
        "PAYU" => payu::run(vector),
        "PHONEPE" => phonepe::run(vector),
        "RAZORPAY" => razorpay::run(vector),
        "STRIPE" => stripe::run(vector),
        "COMMON" => amount::run(vector),
        other => Verdict::Failed(format!("no gateway is called {other}")),
    }
}

/// Runs every vector of a file and prints the outcome; fails when one failed or none was tried. Answers with the
/// vectors that were not run.
fn run_file(path: &Path) -> Result<Vec<String>, String> {
    let in_file = |problem: &dyn Display| format!("{}: {problem}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| in_file(&error))?;
    let vectors: Vec<Vector> = serde_json::from_str(&text).map_err(|error| in_file(&error))?;
    let mut tally = Tally::default();
    for vector in &vectors {
        let verdict = std::panic::catch_unwind(|| run(vector))
            .unwrap_or_else(|_| Verdict::Failed("the adapter panicked".to_owned()));
        tally.add(vector, verdict);
    }
    // Straight to the terminal: the test harness would swallow it when all is well.
    std::io::stdout().write_all(tally.table(path).as_bytes()).map_err(|error| in_file(&error))?;
    match (tally.ran(), tally.failures()) {
        (0, _) => Err(in_file(&"no vector is for an adapter")),
        (_, []) => Ok(tally.into_not_run()),
        (_, failures) => Err(in_file(&format!("failed:\n{}", failures.join("\n")))),
    }
}

#[test]
fn every_vector_passes() {
    let not_run = run_file(&of_this_package("vectors.json"));
    assert_eq!(not_run.unwrap_or_else(|problem| panic!("{problem}")), Vec::<String>::new());
}

#[test]
fn every_vector_of_refunds_passes() {
    let not_run = run_file(&of_this_package("refund_vectors.json"));
    assert_eq!(not_run.unwrap_or_else(|problem| panic!("{problem}")), NOT_BUILT);
}

fn of_this_package(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)
}

#[test]
fn every_vector_of_the_named_file_passes() {
    let Some(path) = std::env::var_os("GATEWAY_VECTORS").map(PathBuf::from) else { return };
    // Cargo runs tests in the package's folder; a path is as a rule meant from the workspace's.
    let from_workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&path);
    let path = if path.exists() { path } else { from_workspace };
    if let Err(problem) = run_file(&path) {
        panic!("{problem}");
    }
}
