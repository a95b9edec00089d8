//! `openapi`: the API's document, made from the endpoints.

use std::process::ExitCode;

use crate::cli::OpenapiArgs;
use crate::failure::Outcome;
use crate::terminal::say;

pub(super) fn run(args: &OpenapiArgs) -> Outcome<ExitCode> {
    let text = if args.postman { payment_http::postman() } else { payment_http::document() };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}
