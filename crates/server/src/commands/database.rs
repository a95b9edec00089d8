//! Helpers of commands that read the database, beside a running service or without one.

use std::time::Duration;

use jiff::tz::TimeZone;
use payment_domain::{Personal, Timestamp, Transaction, TxnId};
use payment_service::PersonalData;
use payment_store::StoreError;

use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};

/// A note below output without personal data.
pub(super) const MASKED: &str = "Personal data is hidden; --show-personal-data shows it.";

/// The database for messages, without a password.
pub(super) fn shown(config: &Config) -> String {
    match &config.database {
        Database::Embedded => format!("the data folder {}", config.data_dir.display()),
        Database::Postgres { shown_url, .. } => shown_url.clone(),
    }
}

pub(super) fn transaction_id(text: &str) -> Outcome<TxnId> {
    TxnId::new(text)
        .map_err(|error| Failure::new(format!("`{text}` cannot be a transaction id")).because(&error))
}

pub(super) fn no_such_transaction(database: &str, id: &TxnId) -> Failure {
    Failure::new(format!("there is no transaction {id} in {database}"))
        .try_this("check the id, and that the settings name the database of the service that made it")
}

pub(super) fn unreadable(error: &StoreError) -> Failure {
    Failure::new("the database could not answer").because(error)
}

pub(super) fn amount(txn: &Transaction) -> String {
    match txn.amount_text() {
        Some(amount) => format!("{amount} {}", txn.currency_code()),
        None => "none".to_owned(),
    }
}

/// The gateway with its own words.
pub(super) fn gateway_words(txn: &Transaction) -> String {
    let details = &txn.gateway_details;
    let said = [
        &details.txn_id,
        &details.payment_mode,
        &details.bank_txn_no,
        &details.status_code,
        &details.status_message,
    ];
    let said: Vec<&str> = said.into_iter().filter_map(|text| text.as_deref()).collect();
    format!("{}  {}", txn.gateway, said.join(", "))
}

/// The payer: name, mobile number, id.
pub(super) fn payer_words(txn: &Transaction, personal: PersonalData) -> String {
    let show = |text: &Personal| match personal {
        PersonalData::Shown => text.expose().to_owned(),
        PersonalData::Masked => text.masked(),
    };
    format!("{}, {}, {}", show(&txn.payer.name), show(&txn.payer.mobile_number), txn.payer.uuid)
}

/// A moment in the configured time zone.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d %H:%M:%S%.3f")
}

pub(super) fn second(at: Timestamp, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d %H:%M:%S")
}

fn formatted(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => format!("{} ms", at.as_millis()),
    }
}

/// A duration, rounded to its largest units.
pub(super) fn length(time: Duration) -> String {
    let (seconds, minutes, hours) = (time.as_secs(), time.as_secs() / 60, time.as_secs() / 3600);
    let and = |more: u64, unit: &str| if more == 0 { String::new() } else { format!(" {more} {unit}") };
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        60..3_600 => format!("{minutes} min{}", and(seconds % 60, "s")),
        3_600..172_800 => format!("{hours} h{}", and(minutes % 60, "min")),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_exact_as_it_matters() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_790, "1.7 s"),
            (61_000, "1 min 1 s"),
            (900_000, "15 min"),
            (5_400_000, "1 h 30 min"),
            (172_800_000, "2 days"),
        ] {
            assert_eq!(length(Duration::from_millis(millis)), text);
        }
    }
}
