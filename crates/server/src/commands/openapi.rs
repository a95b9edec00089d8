//! `openapi`: the OpenAPI document or the Postman collection.

use std::process::ExitCode;

use crate::cli::OpenapiArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::terminal::say;

pub(super) fn run(config: &Config, args: &OpenapiArgs) -> Outcome<ExitCode> {
    let document = payment_http::document(&config.server.context_path);
    let unwritable =
        |error: serde_json::Error| Failure::new("the document cannot be written").because(&error);
    let text = if args.postman {
        serde_json::to_string_pretty(&payment_http::postman(&document)).map_err(unwritable)?
    } else {
        document.to_pretty_json().map_err(unwritable)?
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}
