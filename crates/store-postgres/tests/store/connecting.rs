//! Reaching a server: which host, which schema, with which TLS.

use std::path::Path;
use std::sync::Arc;

use crate::support::{Database, number, options, refusal};
use payment_store::contract::sample;
use payment_store::{Store, StoreError};
use payment_store_postgres::{PostgresHost, PostgresOptions, PostgresStore, SslMode};
use payment_testing::postgres::{PostgresServer, connect};
use payment_testing::tls::Certificates;

#[tokio::test]
async fn a_schema_of_ones_own_is_used_and_nothing_else() {
    let database = Database::create().await;
    let client = database.client().await;
    client.batch_execute("CREATE SCHEMA \"pb-state\"").await.unwrap();
    let options = PostgresOptions { schema: Some("pb-state".to_owned()), ..database.options() };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(options.clone()).await.unwrap());
    sample::stored(&store, sample::new_transaction("T1", "B1")).await;
    assert_eq!(number(&client, "SELECT count(*) FROM \"pb-state\".eg_pg_transactions").await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 0);
    let odd = PostgresOptions { schema: Some("x; DROP TABLE y".to_owned()), ..options };
    assert!(matches!(PostgresStore::connect(odd).await, Err(StoreError::Failed(_))));
}

#[tokio::test]
async fn a_server_that_refuses_us_is_a_lasting_failure_and_an_unreachable_one_passes() {
    let database = Database::create().await;
    let elsewhere = PostgresOptions { database: "no_such_database".to_owned(), ..database.options() };
    assert!(matches!(PostgresStore::connect(elsewhere).await, Err(StoreError::Failed(_))));
    let port = payment_testing::ports::Port::reserve();
    let unreachable = PostgresHost { name: "127.0.0.1".to_owned(), port: port.number() };
    let down = PostgresOptions { hosts: vec![unreachable.clone()], ..database.options() };
    assert!(matches!(PostgresStore::connect(down).await, Err(StoreError::Unavailable(_))));
    let mut hosts = database.options().hosts;
    hosts.insert(0, unreachable);
    let second = PostgresOptions { hosts, ..database.options() };
    assert!(PostgresStore::connect(second).await.is_ok(), "the next server is tried");
}

#[tokio::test]
async fn the_connection_is_encrypted_and_the_server_verified_as_configured() {
    let certificates = Certificates::create();
    let server = PostgresServer::builder().tls(certificates.certificate(), certificates.key()).start().await;
    let by = |name: &str, ssl_mode: SslMode| {
        let hosts = vec![PostgresHost { name: name.to_owned(), port: server.port() }];
        let root_certificate = Some(certificates.authority());
        PostgresOptions { hosts, ssl_mode, root_certificate, ..options(&server.url()) }
    };
    for ssl_mode in [SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let store: Arc<dyn Store> =
            Arc::new(PostgresStore::connect(by("127.0.0.1", ssl_mode)).await.unwrap());
        store.ping().await.unwrap();
    }
    let plain = PostgresStore::connect(by("127.0.0.1", SslMode::Disable)).await;
    assert!(matches!(plain, Err(StoreError::Failed(_))), "the server speaks nothing but TLS");

    // Made out to localhost and 127.0.0.1, reached as another.
    assert!(PostgresStore::connect(by("127.0.0.2", SslMode::VerifyFull)).await.is_err());
    let strangers = Certificates::create();
    for ssl_mode in [SslMode::VerifyCa, SslMode::VerifyFull] {
        let root_certificate = Some(strangers.authority());
        let options = PostgresOptions { root_certificate, ..by("127.0.0.1", ssl_mode) };
        assert!(PostgresStore::connect(options).await.is_err(), "another authority: {ssl_mode:?}");
    }
    let nothing = PostgresOptions {
        root_certificate: Some("/nonexistent/root.pem".into()),
        ..by("127.0.0.1", SslMode::VerifyFull)
    };
    assert!(matches!(PostgresStore::connect(nothing).await, Err(StoreError::Failed(_))));
}

#[tokio::test]
async fn the_client_proves_who_it_is_by_its_certificate() {
    let certificates = Certificates::create();
    let server = PostgresServer::builder()
        .tls(certificates.certificate(), certificates.key())
        .client_certificates(certificates.authority())
        .start()
        .await;
    let client = connect(&server.socket()).await.unwrap();
    for sql in ["CREATE ROLE payments_client LOGIN", "CREATE DATABASE payments OWNER payments_client"] {
        client.batch_execute(sql).await.unwrap();
    }
    let url = |certificate: &Path, key: &Path| {
        format!(
            "jdbc:postgresql://127.0.0.1:{}/payments?user={}&sslmode=verify-full&sslrootcert={}&sslcert={}&sslkey={}",
            server.port(),
            Certificates::CLIENT,
            certificates.authority().display(),
            certificate.display(),
            key.display(),
        )
    };
    let (certificate, key) = (certificates.client_certificate(), certificates.client_key());
    let (der, pkcs8) = (certificate.with_extension("der"), key.with_extension("pk8"));
    // Distinguished by their contents, not by their names.
    let misnamed = certificate.with_file_name("client.crt");
    std::fs::copy(&pkcs8, &misnamed).unwrap();
    for (certificate, key) in
        [(&certificate, &key), (&der, &pkcs8), (&certificate, &pkcs8), (&der, &misnamed)]
    {
        let options = options(&url(certificate, key));
        let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(options).await.unwrap());
        store.ping().await.unwrap();
    }

    let strangers = Certificates::create();
    let refused = [
        PostgresOptions { client_certificate: None, client_key: None, ..options(&url(&certificate, &key)) },
        options(&url(&strangers.client_certificate(), &strangers.client_key())),
        options(&url(&certificate, &key).replace(Certificates::CLIENT, "postgres")),
    ];
    for options in refused {
        assert!(PostgresStore::connect(options).await.is_err(), "another than the certificate's holder");
    }
    let not_a_pair = refusal(options(&url(&certificate, &strangers.client_key()))).await;
    assert!(not_a_pair.contains("client.key cannot be used"), "{not_a_pair}");
    let nowhere = refusal(options(&url(Path::new("/nowhere.pem"), &key))).await;
    assert!(nowhere.contains("/nowhere.pem cannot be used"), "{nowhere}");
}
