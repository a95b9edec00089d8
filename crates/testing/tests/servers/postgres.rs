//! Databases and PostgreSQL servers of one's own.

use payment_testing::postgres::{FreshDatabase, PostgresServer, Stop, connect, database_url};
use payment_testing::tls::Certificates;

async fn databases_named(name: &str) -> i64 {
    let client = connect(&database_url()).await.unwrap();
    let row =
        client.query_one("SELECT count(*) FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn a_fresh_database_is_empty_and_gone_afterwards_even_with_a_connection_left() {
    let database = FreshDatabase::create().await;
    let name = database.name().to_owned();
    let client = connect(database.url()).await.unwrap();
    client.batch_execute("CREATE TABLE mine (id INT)").await.unwrap();
    assert_eq!(databases_named(&name).await, 1);

    drop(database);

    assert_eq!(databases_named(&name).await, 0);
    client.batch_execute("SELECT 1").await.unwrap_err();
}

/// A table with a row, and one with none.
async fn make_tables(url: String) {
    let client = connect(&url).await.unwrap();
    let tables = "CREATE TABLE begun (id INT); INSERT INTO begun VALUES (1);
        CREATE TABLE numbered (id INT GENERATED ALWAYS AS IDENTITY, at INT)";
    client.batch_execute(tables).await.unwrap();
}

#[tokio::test]
async fn a_database_with_tables_has_only_the_rows_that_it_began_with() {
    let name = FreshDatabase::create().await.name().replace("test_", "")[..16].to_owned();
    let row = async |client: &tokio_postgres::Client, sql: &str| -> (i64, Option<i32>) {
        let row = client.query_one(sql, &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    for left in
        ["SELECT", "CREATE INDEX more ON begun (id)", "CREATE SCHEMA more", "ALTER TABLE begun ADD more INT"]
    {
        let database = FreshDatabase::with_tables(&name, make_tables).await;
        let client = connect(database.url()).await.unwrap();
        assert_eq!(row(&client, "SELECT count(*), max(id) FROM begun").await, (1, Some(1)), "before {left}");
        assert_eq!(row(&client, "SELECT count(*), max(id) FROM numbered").await, (0, None), "before {left}");
        let numbered = "INSERT INTO numbered (at) VALUES (5) RETURNING 1::bigint, id";
        assert_eq!(row(&client, numbered).await, (1, Some(1)), "before {left}");
        client.batch_execute(&format!("INSERT INTO begun VALUES (2); {left}")).await.unwrap();
        let changed = "SELECT count(*), max(attnum)::int FROM pg_attribute
            WHERE attrelid = 'begun'::regclass AND attnum > 0";
        let columns = if left.starts_with("ALTER") { 2 } else { 1 };
        assert_eq!(row(&client, changed).await, (columns, i32::try_from(columns).ok()));
    }
}

#[tokio::test]
async fn many_databases_at_once_do_not_meet() {
    let (one, two, three) =
        tokio::join!(FreshDatabase::create(), FreshDatabase::create(), FreshDatabase::create());
    for database in [&one, &two, &three] {
        let client = connect(database.url()).await.unwrap();
        client.batch_execute("CREATE TABLE mine (id INT)").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_keeps_commits_through_a_stop_and_a_crash() {
    let mut server = PostgresServer::start().await;
    let client = connect(&server.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept (id INT); INSERT INTO kept VALUES (1)").await.unwrap();

    server.stop(Stop::Fast).await;
    client.batch_execute("SELECT 1").await.unwrap_err();
    connect(&server.url()).await.expect_err("no server listens");

    server.start_again().await;
    let client = connect(&server.url()).await.unwrap();
    client.batch_execute("INSERT INTO kept VALUES (2)").await.unwrap();
    server.restart(Stop::Immediate).await;

    let client = connect(&server.url()).await.unwrap();
    let count: i64 = client.query_one("SELECT count(*) FROM kept", &[]).await.unwrap().get(0);
    assert_eq!(count, 2);
}

#[tokio::test]
async fn a_server_of_ones_own_is_durable_and_takes_settings() {
    let server = PostgresServer::builder().setting("application_name", "it's mine").start().await;
    let client = connect(&server.url()).await.unwrap();
    for (name, value) in [("fsync", "on"), ("synchronous_commit", "on"), ("application_name", "it's mine")] {
        let row = client.query_one(&format!("SHOW {name}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), value, "{name}");
    }
}

#[tokio::test]
async fn a_server_is_gone_with_its_folder_when_it_is_dropped() {
    let server = PostgresServer::start().await;
    let url = server.url();
    let client = connect(&url).await.unwrap();
    let folder: String = client.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    drop(server);
    connect(&url).await.expect_err("no server listens");
    assert!(!std::path::Path::new(&folder).exists());
}

#[tokio::test]
async fn a_server_with_tls_speaks_nothing_else_over_tcp() {
    let certificates = Certificates::create();
    let server = PostgresServer::builder().tls(certificates.certificate(), certificates.key()).start().await;

    let refused = connect(&server.url()).await.expect_err("TLS is required");
    assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("28000"), "{refused:?}");
}
