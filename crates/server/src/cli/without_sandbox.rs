//! `demo` and `simulate` in a program built without them: any use is an error.

use clap::Args;

pub(super) const DEMO: &str = "This program was built without it (feature `sandbox`).";
pub(super) const SIMULATE: &str = DEMO;

/// Any arguments.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Ignored {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "ANY")]
    _any: Vec<String>,
}

pub(crate) type DemoArgs = Ignored;
pub(crate) type SimulateArgs = Ignored;
