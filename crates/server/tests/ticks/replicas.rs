//! Three replicas of the real program, each with a way of its own to the database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use payment_testing::postgres::FreshDatabase;
use payment_testing::proxy::TcpProxy;

use crate::sandbox::SECRET;
use crate::support::{Service, free_port, pg_service};

/// The shortest lease there is.
pub(crate) const LEASE: Duration = Duration::from_secs(1);
const COUNT: usize = 3;

/// One replica.
pub(crate) struct Replica {
    /// Its name in the records of runs, and as which the database knows its connections.
    pub(crate) name: String,
    pub(crate) proxy: TcpProxy,
    service: Option<Service>,
    port: u16,
    log: PathBuf,
    database: String,
}

pub(crate) struct Replicas {
    all: Vec<Replica>,
    folder: PathBuf,
    sandbox: String,
}

impl Replicas {
    /// Brings the database up to date; nothing runs yet.
    pub(crate) fn prepare(folder: &Path, database: &FreshDatabase, sandbox: &str) -> Replicas {
        let migrated = pg_service(folder)
            .env("PG_SERVICE_SPRING_DATASOURCE_URL", database.url())
            .arg("migrate")
            .output()
            .unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let all = (1..=COUNT).map(|number| {
            let name = format!("replica-{number}");
            let proxy = TcpProxy::in_front_of(database.url());
            let database = format!("{}?ApplicationName={name}", proxy.url(database.url()));
            let log = folder.join(format!("{name}.log"));
            Replica { name, proxy, service: None, port: free_port(), log, database }
        });
        Replicas { all: all.collect(), folder: folder.to_owned(), sandbox: sandbox.to_owned() }
    }

    pub(crate) async fn start_all(&mut self) {
        for place in 0..self.all.len() {
            self.launch(place);
        }
        for replica in &mut self.all {
            replica.service().answers().await;
        }
    }

    /// Starts one and does not wait for it.
    pub(crate) fn launch(&mut self, place: usize) {
        let replica = &mut self.all[place];
        let mut command = pg_service(&self.folder);
        command.env("PG_SERVICE_SANDBOX_SECRET", SECRET);
        command.env("PG_SERVICE_SPRING_DATASOURCE_URL", &replica.database);
        command.args(["--log-level", "warn"]);
        for setting in [
            "sandbox.active=true".to_owned(),
            format!("sandbox.url={}", self.sandbox),
            format!("scheduler.node-name={}", replica.name),
            format!("scheduler.lease-ms={}", LEASE.as_millis()),
            "reconciliation.daily-cron=* * * * * *".to_owned(),
            // Slow enough for a run to fill a good part of its second.
            "reconciliation.calls-at-once=3".to_owned(),
            "pg.earlyReconcileJobRunInterval.mins=1".to_owned(),
            // Creates whose answer was lost with their replica are given up soon.
            "order.life-mins=1".to_owned(),
            "gateways.failures-in-a-row=1000".to_owned(),
            "receipts.lease-ms=12000".to_owned(),
            "database.pool-size=6".to_owned(),
            "server.shutdown-wait-secs=5".to_owned(),
        ] {
            command.args(["--set", &setting]);
        }
        replica.service = Some(Service::launch(command, replica.port, &replica.log));
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.all.iter().map(|replica| format!("http://127.0.0.1:{}/pg-service", replica.port)).collect()
    }

    /// The place of the replica of this name.
    pub(crate) fn place(&self, name: &str) -> usize {
        self.all.iter().position(|replica| replica.name == name).expect("a replica of ours")
    }

    pub(crate) fn at(&mut self, place: usize) -> &mut Replica {
        &mut self.all[place]
    }

    /// Asks all to leave, and waits until they have.
    pub(crate) async fn stop_all(&mut self) {
        for replica in &mut self.all {
            replica.service().signal("TERM");
        }
        for replica in &mut self.all {
            let status = replica.service().ended().await;
            let log = replica.service().log();
            assert!(status.success(), "{} stops in order: {status}\n{log}", replica.name);
        }
    }

    /// The number of times a replica found that its run was over.
    pub(crate) fn lost_leases(&self) -> usize {
        let lost = |replica: &Replica| {
            let log = std::fs::read_to_string(&replica.log).unwrap_or_default();
            log.matches("the lease of a run is lost").count()
        };
        self.all.iter().map(lost).sum()
    }

    /// Lines that must not be in a log.
    pub(crate) fn panics(&self) -> Vec<String> {
        let all = self.all.iter().flat_map(|replica| {
            let log = std::fs::read_to_string(&replica.log).unwrap_or_default();
            let panics: Vec<String> =
                log.lines().filter(|line| line.contains("panic")).map(str::to_owned).collect();
            panics
        });
        all.collect()
    }
}

impl Replica {
    /// Its process.
    pub(crate) fn service(&mut self) -> &mut Service {
        self.service.as_mut().expect("it was started")
    }
}
