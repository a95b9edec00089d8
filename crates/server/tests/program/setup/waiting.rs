//! A database that is not there yet when the service starts.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use payment_testing::postgres::{PostgresServer, Stop};
use tokio::task::spawn_blocking;

use crate::support::{PATIENCE, Service, free_port, http_client, pg_service, stderr};

const NO_MIGRATION: (&str, &str) = ("PG_SERVICE_DATABASE_MIGRATE_AT_START", "false");

fn on(folder: &Path, server: &PostgresServer) -> Command {
    let mut command = pg_service(folder);
    command.env("SPRING_DATASOURCE_URL", server.url());
    command
}

/// The status of a path, once anything listens.
async fn status(service: &Service, path: &str) -> u16 {
    let (http, url) = (http_client(), format!("{}{path}", service.url()));
    let started = Instant::now();
    loop {
        match http.get(&url).send().await {
            Ok(answer) => return answer.status().as_u16(),
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}:\n{}", service.log()),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_started_before_the_database_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut server = PostgresServer::start().await;
    server.stop(Stop::Fast).await;

    let mut migrate = on(folder, &server);
    let migrating = spawn_blocking(move || migrate.arg("migrate").output());
    let mut replicas = [Vec::new(), vec![NO_MIGRATION]].map(|environment| {
        let mut command = on(folder, &server);
        command.envs(environment);
        let port = free_port();
        Service::launch(command, port, &folder.join(port.to_string()))
    });
    for replica in &mut replicas {
        assert_eq!(status(replica, "/health/liveness").await, 200);
        for path in ["/health/readiness", "/health", "/transaction/v1/_search?txnId=T"] {
            assert_eq!(status(replica, path).await, 503, "{path}");
        }
        assert!(replica.has_ended().is_none());
        assert_eq!(replica.log().matches("the start waits for the database").count(), 1, "{}", replica.log());
    }
    // Asked to stop, a replica waits no longer.
    let mut third = Service::launch(on(folder, &server), free_port(), &folder.join("third"));
    assert_eq!(status(&third, "/health/liveness").await, 200);
    third.signal("TERM");
    assert!(third.ended().await.success(), "{}", third.log());

    server.start_again().await;
    let migrated = migrating.await.unwrap().unwrap();
    assert!(
        migrated.status.success() && stderr(&migrated).contains("waiting for it"),
        "{}",
        stderr(&migrated)
    );
    for replica in &mut replicas {
        replica.answers().await;
        assert_eq!(status(replica, "/health/readiness").await, 200);
    }
}

#[tokio::test]
async fn waiting_for_the_database_ends() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let nowhere = format!("postgres://postgres@127.0.0.1:{}/postgres", free_port());
    let waits = ["--set", "database.wait-at-start-ms=1500", "--port", "0"];
    let began = Instant::now();
    let mut command = pg_service(folder);
    command.env("SPRING_DATASOURCE_URL", nowhere).args(waits);
    let ended = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let told = stderr(&ended);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot be used") && told.contains("what to do"), "{told}");
    let took = began.elapsed();
    assert!(took > Duration::from_secs(1) && took < PATIENCE, "{took:?}");
}
