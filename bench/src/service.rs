//! The service under load: the release binary, started with a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::load::{Connection, post};

/// A running service.
pub(crate) struct Service {
    pub(crate) address: String,
    pub(crate) folder: PathBuf,
    pub(crate) binary: PathBuf,
    process: Child,
    /// From starting the process to its first answer.
    pub(crate) first_answer: Duration,
}

/// Builds the release binary; returns its path.
pub(crate) async fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--package", "pg-service"]);
    // What cargo told this program about itself would make build scripts run again.
    for (name, _) in std::env::vars_os() {
        let about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if about_us.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            build.env_remove(name);
        }
    }
    let built = build.status().await?;
    ensure!(built.success(), "pg-service cannot be built");
    let own = std::env::current_exe()?;
    Ok(own.parent().context("this program lies in no folder")?.join("pg-service"))
}

impl Service {
    pub(crate) async fn start(binary: &Path, folder: &Path) -> Result<Service> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let started = Instant::now();
        let process = Command::new(binary)
            .args(["serve", "--port", &port.to_string(), "--log-level", "warn", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let health = b"GET /pg-service/health HTTP/1.1\r\nHost: bench\r\n\r\n";
        let first_answer = loop {
            ensure!(started.elapsed() < Duration::from_secs(20), "the service does not answer");
            if TcpStream::connect(&address).await.is_ok() {
                let answer = Connection::open(&address).await?.exchange(health).await?;
                ensure!(answer.status == 200, "the service is not healthy");
                break started.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        Ok(Service { address, folder: folder.to_owned(), binary: binary.to_owned(), process, first_answer })
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        let pid = self.process.id().context("the service has ended")?;
        Ok(std::fs::read_to_string(format!("/proc/{pid}/{name}"))?)
    }

    /// Resident memory in KiB: what the process holds now, and what is its own of that.
    pub(crate) fn memory_kib(&self) -> Result<(u64, u64)> {
        let status = self.proc_file("status")?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).context("no such field")
        };
        Ok((field("VmRSS:")?, field("RssAnon:")?))
    }

    /// Processor time used so far, user and system.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = self.proc_file("stat")?;
        let fields: Vec<&str> = stat.rsplit(')').next().context("an odd stat")?.split_whitespace().collect();
        let ticks: u64 = fields.get(11).context("utime")?.parse::<u64>()?
            + fields.get(12).context("stime")?.parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10)) // a tick is a hundredth of a second
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.process.id().context("the service has ended")?;
        Command::new("kill").arg(pid.to_string()).status().await?;
        let status = self.process.wait().await?;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}

const REQUEST_INFO: &str = r#"{"apiId":"Rainmaker","ver":".01","ts":"","action":"_create","did":"1","key":"","msgId":"20170310130900|en_IN","authToken":"bench","userInfo":{"id":1,"uuid":"a6f9b1c4-0000-4000-8000-000000000001","userName":"asha","name":"Asha Rani","type":"SYSTEM","mobileNumber":"9876543210","tenantId":"pb","roles":[{"id":1,"name":"Citizen","code":"CITIZEN","tenantId":"pb"}]}}"#;

/// The bill of the request of this number in a run.
pub(crate) fn bill(run: &str, number: usize) -> String {
    format!("BENCH-{run}-{number}")
}

/// Creates a payment of a bill of its own, by one of a thousand payers.
pub(crate) fn create(run: &str, number: usize) -> Vec<u8> {
    let (bill, payer) = (bill(run, number), number % 1000);
    post(
        "/pg-service/transaction/v1/_create",
        &format!(
            r#"{{"RequestInfo":{REQUEST_INFO},"Transaction":{{"tenantId":"pb.amritsar","txnAmount":"100.00","billId":"{bill}","module":"PT","consumerCode":"PT-107-{number}","taxAndPayments":[{{"taxAmount":100,"amountPaid":100,"billId":"{bill}"}}],"productInfo":"Property tax","gateway":"SANDBOX","callbackUrl":"https://city.example.org/digit-ui/citizen/payment/success/PT?x=1","additionalDetails":{{"isWhatsapp":false}},"user":{{"name":"Payer {payer}","mobileNumber":"98{payer:08}","tenantId":"pb"}}}}}}"#
        ),
    )
}

/// Looks a transaction up by its id.
pub(crate) fn search(txn_id: &str) -> Vec<u8> {
    post(
        &format!("/pg-service/transaction/v1/_search?txnId={txn_id}"),
        &format!(r#"{{"RequestInfo":{REQUEST_INFO}}}"#),
    )
}

/// Asks how a transaction stands.
pub(crate) fn update(txn_id: &str) -> Vec<u8> {
    post(
        &format!("/pg-service/transaction/v1/_update?transactionId={txn_id}"),
        &format!(r#"{{"RequestInfo":{REQUEST_INFO}}}"#),
    )
}

/// Pays on the sandbox's page, as a browser would but without going back: the service is asked later.
pub(crate) async fn pay(connection: &mut Connection, redirect_url: &str) -> Result<()> {
    let path = redirect_url.splitn(4, '/').nth(3).context("a redirect URL has a path")?;
    let page = connection.exchange(format!("GET /{path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes()).await?;
    let page = String::from_utf8(page.body)?;
    let field = |name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split('"').next()
    };
    let form = format!(
        "order={}&token={}&choice=say-nothing",
        field("order").context("the pay page has no order")?,
        field("token").context("the pay page has no token")?
    );
    let request = format!(
        "POST /pg-service/sandbox/pay HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = connection.exchange(request.as_bytes()).await?;
    ensure!(answer.status == 303, "the sandbox answers {} to a payment", answer.status);
    Ok(())
}
