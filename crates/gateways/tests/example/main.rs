//! The adapter of `docs/adding-a-gateway.md`: it compiles, it keeps every promise of an adapter, and the
//! document shows it as it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

#[allow(unreachable_pub, reason = "in its own folder it is public")]
mod chaipay;
mod provider;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use payment_gateway::conformance::{Promise, promises};
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("the document shows the example as it is", document_shows_the_example)];
    trials.extend(
        promises()
            .into_iter()
            .map(|promise| Trial::test(format!("CHAIPAY: {}", promise.name), move || check(&promise))),
    );
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(promise: &Promise) -> Result<(), Failed> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let provider = provider::provider().await;
        if promise.applies_to(provider.as_ref()) {
            promise.check(provider).await;
        }
    });
    Ok(())
}

/// The blocks of the document that are marked `rust,chaipay` are the example, from first to last line.
fn document_shows_the_example() -> Result<(), Failed> {
    let document = include_str!("../../../../docs/adding-a-gateway.md");
    let blocks = document.split("```rust,chaipay\n").skip(1);
    let shown: Vec<&str> =
        blocks.map(|block| block.split_once("```").map_or(block, |(code, _)| code).trim_end()).collect();
    let shown = shown.join("\n\n");
    let example = include_str!("chaipay.rs").trim_end();
    let differs = shown.lines().zip(example.lines()).find(|(shown, written)| shown != written);
    match differs {
        Some((shown, written)) => {
            Err(format!("the document says\n{shown}\nwhere the example says\n{written}").into())
        }
        None if shown.lines().count() != example.lines().count() => {
            Err("one is longer than the other".into())
        }
        None => Ok(()),
    }
}
