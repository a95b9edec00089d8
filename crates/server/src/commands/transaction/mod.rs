//! `transaction show`: the whole story of one transaction.

mod text;

use std::process::ExitCode;

use payment_service::TransactionStory;

use super::{database, personal_data, small_runtime};
use crate::cli::ShowArgs;
use crate::config::Config;
use crate::failure::Outcome;
use crate::service;
use crate::terminal::{Paint, say, say_json};

pub(super) fn show(config: &Config, args: &ShowArgs) -> Outcome<ExitCode> {
    let id = database::transaction_id(&args.id)?;
    let personal = personal_data(args.show_personal_data);
    let story = small_runtime()?
        .block_on(async {
            let store = service::open_store(config).await?;
            let read = TransactionStory::read(store.as_ref(), &id, personal).await;
            read.map_err(|error| database::unreadable(&error))
        })?
        .ok_or_else(|| database::no_such_transaction(&database::shown(config), &id))?;
    if args.json {
        say_json(&story)?;
    } else {
        say(&text::render(&story, personal, &config.embedded.time_zone, Paint::detect()))?;
    }
    Ok(ExitCode::SUCCESS)
}
