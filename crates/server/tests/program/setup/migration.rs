//! The parties that migrate: the service, `pg-service migrate`, or the container that DIGIT's chart has for
//! Flyway.

use std::path::Path;

use payment_testing::postgres::FreshDatabase;
use url::Url;

use crate::support::{Service, free_port, pg_service, stderr, stdout};

const AT_START: (&str, &str) = ("PG_SERVICE_DATABASE_MIGRATE_AT_START", "false");

#[tokio::test]
async fn a_replica_that_must_not_migrate_starts_on_migrated_tables_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = FreshDatabase::create().await;
    let here = [("SPRING_DATASOURCE_URL", database.url()), AT_START];
    let at_once = ["--set", "database.wait-at-start-ms=0", "--port", "0"];
    let refused = pg_service(folder).envs(here).args(at_once).output().unwrap();
    let told = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("is not up to date") && told.contains("`pg-service migrate`"), "{told}");
    let check = pg_service(folder).envs(here).args(["migrate", "--check"]).output().unwrap();
    assert!(
        stdout(&check).contains("pending") && !stdout(&check).contains("applied\n"),
        "nothing was applied"
    );

    let plan = || {
        let plan = pg_service(folder).envs(here).args(["migrate", "--dry-run"]).output().unwrap();
        assert!(plan.status.success(), "{}", stderr(&plan));
        stdout(&plan)
    };
    let told = plan();
    assert!(told.contains("0001  payments  pending") && told.contains("Nothing was changed."), "{told}");
    assert!(pg_service(folder).envs(here).arg("migrate").output().unwrap().status.success());
    assert!(plan().contains("Nothing to do"), "{}", plan());
    let mut command = pg_service(folder);
    command.envs(here);
    drop(Service::start(command, free_port(), &folder.join("log")).await);
}

/// The variables of the container, for the tests' database.
fn flyway(folder: &Path, url: &str, without: &str) -> std::process::Output {
    let url = Url::parse(url).unwrap();
    let address =
        format!("jdbc:postgresql://{}:{}{}", url.host().unwrap(), url.port().unwrap_or(5432), url.path());
    let variables = [
        ("DB_URL", address.as_str()),
        ("FLYWAY_USER", url.username()),
        ("FLYWAY_PASSWORD", url.password().unwrap_or("unused")),
        ("FLYWAY_LOCATIONS", "filesystem:/flyway/sql"),
        ("SCHEMA_TABLE", "egov_pg_service_schema"),
    ];
    let variables = variables.into_iter().filter(|(name, _)| *name != without);
    pg_service(folder).envs(variables).args(["migrate", "--flyway"]).output().unwrap()
}

#[tokio::test]
async fn the_migration_container_of_digits_chart_migrates_and_says_that_it_is_not_needed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let database = FreshDatabase::create().await;
    for missing in ["DB_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"] {
        let refused = flyway(folder, database.url(), missing);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(&format!("{missing} is not set")), "{}", stderr(&refused));
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "no other database was migrated");

    for told in ["applied now", "Nothing to do"] {
        let migrated = flyway(folder, database.url(), "");
        let text = stdout(&migrated);
        assert!(migrated.status.success(), "{text}{}", stderr(&migrated));
        assert!(text.contains("this container is not needed") && text.contains(told), "{text}");
        assert!(text.contains("Without effect: SCHEMA_TABLE, FLYWAY_LOCATIONS."), "{text}");
    }
}
