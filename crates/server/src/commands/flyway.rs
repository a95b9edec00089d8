//! The variables of the container in DIGIT's charts that migrates with Flyway.

use crate::failure::{Failure, Outcome};
use crate::terminal::say;

/// Theirs, and the setting that has the same meaning.
const TAKEN: [(&str, &str); 3] = [
    ("DB_URL", "PG_SERVICE_SPRING_DATASOURCE_URL"),
    ("FLYWAY_USER", "PG_SERVICE_SPRING_DATASOURCE_USERNAME"),
    ("FLYWAY_PASSWORD", "PG_SERVICE_SPRING_DATASOURCE_PASSWORD"),
];
const WITHOUT_EFFECT: [&str; 2] = ["SCHEMA_TABLE", "FLYWAY_LOCATIONS"];

/// Replaces the address, user and password of the database by those of Flyway, and says so.
///
/// # Errors
/// When one is not set: another database must not be migrated instead.
pub(super) fn take(environment: &mut Vec<(String, String)>) -> Outcome {
    let mut taken = Vec::new();
    for (theirs, ours) in TAKEN {
        let value = environment.iter().find(|(name, value)| name == theirs && !value.trim().is_empty());
        let (_, value) = value.ok_or_else(|| {
            Failure::new(format!("{theirs} is not set")).try_this(
                "set DB_URL, FLYWAY_USER and FLYWAY_PASSWORD, as DIGIT's chart does; without --flyway the settings of the service name the database",
            )
        })?;
        taken.push((ours.to_owned(), value.clone()));
    }
    // A secret that is named by a file as well would be a problem.
    environment.retain(|(name, _)| TAKEN.iter().all(|(_, ours)| !name.starts_with(ours)));
    environment.extend(taken);
    let idle: Vec<&str> =
        WITHOUT_EFFECT.into_iter().filter(|name| environment.iter().any(|(set, _)| set == name)).collect();
    say(
        "The service migrates by itself: this container is not needed. It does so as FLYWAY_USER in DB_URL.",
    )?;
    if !idle.is_empty() {
        say(&format!("Without effect: {}. The migrations are part of the program.", idle.join(", ")))?;
    }
    Ok(())
}
