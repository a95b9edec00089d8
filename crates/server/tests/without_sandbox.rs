//! A program built without the sandbox, as the production image is, refuses to use it: `cargo test -p
//! pg-service --no-default-features --test without_sandbox`.

#![cfg(not(feature = "sandbox"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::process::Output;

use support::{pg_service, run, stderr, stdout};

fn refuses(output: &Output, text: &str) {
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("built without the sandbox, the simulator and the demo"), "{text}");
    assert!(text.contains("--target sandbox"), "{text}");
}

#[test]
fn commands_that_need_it_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["demo"][..],
        &["demo", "--gateway", "axis", "--json"],
        &["simulate"],
        &["simulate", "--write-properties", "x"],
    ] {
        let output = run(folder.path(), arguments);
        refuses(&output, &stderr(&output));
    }
}

#[test]
fn settings_that_need_the_sandbox_are_refused_and_no_default_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["serve"][..], &["check-config"]] {
        let output =
            pg_service(folder.path()).env("SANDBOX_ACTIVE", "true").args(arguments).output().unwrap();
        refuses(&output, &(stdout(&output) + &stderr(&output)));
    }
    let output = run(folder.path(), &["check-config"]);
    assert!(
        output.status.success() && stdout(&output).contains("no gateway is offered"),
        "{}",
        stdout(&output)
    );
}
