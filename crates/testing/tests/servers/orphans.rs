//! A server ends with the test that started it, even when that is killed and can clean nothing up.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use payment_testing::postgres::PostgresServer;

/// The line by which the killed test announces its server's port.
const ANNOUNCEMENT: &str = "listens on port ";

/// Set for the test that is killed; without it that one ends at once.
const TOLD_TO_STAY: &str = "PAYMENT_TESTING_STAY";

#[test]
fn a_server_does_not_outlive_a_killed_test() {
    // The data of the killed test's server, in a folder that the user postgres can read.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "orphans::a_test_that_never_ends", "--nocapture"])
        .env("TMPDIR", folder.path())
        .env(TOLD_TO_STAY, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let port: u16 = BufReader::new(test.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(ANNOUNCEMENT)?.1.parse().ok())
        .expect("the other test starts a server");
    TcpStream::connect(("127.0.0.1", port)).unwrap();

    test.kill().unwrap();
    test.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < deadline, "the server still listens");
        thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
#[ignore = "started, and killed, by the test above"]
async fn a_test_that_never_ends() {
    if std::env::var_os(TOLD_TO_STAY).is_none() {
        return;
    }
    let server = PostgresServer::start().await;
    println!("{ANNOUNCEMENT}{}", server.port());
    std::future::pending::<()>().await;
}
