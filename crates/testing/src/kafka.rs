//! Apache Kafka: the shared broker, or private ones to stop, kill, freeze and restart.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::ports::Port;
use crate::process::{POLL_INTERVAL, Server, beside};
use crate::programs;

const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// The log line of a broker that accepts requests, with any listener protocol.
const STARTED: &str = "Kafka Server started";

/// The shared broker's address, `KAFKA_BOOTSTRAP_SERVERS`. Other tests use it too: choose unique names of
/// topics and groups.
///
/// # Panics
/// When it is not set.
#[must_use]
pub fn bootstrap_servers() -> String {
    crate::required("KAFKA_BOOTSTRAP_SERVERS")
}

/// Settings of a broker; see [`Broker::builder`].
#[derive(Debug, Default)]
pub struct BrokerBuilder {
    settings: Vec<(String, String)>,
    login: Option<(String, String)>,
    tls: Option<(PathBuf, PathBuf)>,
}

impl BrokerBuilder {
    /// A line of the broker's properties, such as `num.partitions` `1`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Admits only this user with this password, by SASL PLAIN.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Uses only TLS, with this certificate and key (PEM files, which are copied).
    #[must_use]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls = Some((certificate.into(), key.into()));
        self
    }

    /// Kafka's name of the client listener's protocol.
    fn protocol(&self) -> &'static str {
        match (&self.login, &self.tls) {
            (None, None) => "PLAINTEXT",
            (None, Some(_)) => "SSL",
            (Some(_), None) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        }
    }

    /// Sets the broker up, starts it and waits until it accepts requests.
    ///
    /// # Panics
    /// When Kafka is not installed, or does not start; with its log.
    pub async fn start(self) -> Broker {
        let mut broker = beside(move || Broker::set_up(&self)).await;
        broker.start_again().await;
        broker
    }
}

/// A single-node cluster on loopback with its own ports and data; three partitions per topic by default.
/// Killed and removed when dropped.
#[derive(Debug)]
pub struct Broker {
    running: Option<Server>,
    port: Port,
    /// For inter-broker and controller traffic.
    inner: [Port; 2],
    folder: TempDir,
}

impl Broker {
    /// A running broker.
    ///
    /// # Panics
    /// As [`BrokerBuilder::start`].
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A broker with particular settings.
    #[must_use]
    pub fn builder() -> BrokerBuilder {
        BrokerBuilder::default()
    }

    /// Its address, `host:port`, constant across restarts.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    /// Starts it on its data and waits until it accepts requests. No effect while it runs.
    ///
    /// # Panics
    /// When it does not start; with its log.
    pub async fn start_again(&mut self) {
        if self.running.as_mut().is_some_and(|server| server.ended().is_none()) {
            return;
        }
        let log = File::create(self.log()).expect("the log is writable");
        let mut command = java();
        command.arg("kafka.Kafka").arg(self.properties());
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        let mut server = Server::start(command, Signal::KILL);
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let said = fs::read_to_string(self.log()).unwrap_or_default();
            if said.contains(STARTED) {
                break;
            }
            assert!(server.ended().is_none() && Instant::now() < deadline, "Kafka did not start:\n{said}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.running = Some(server);
    }

    /// Stops it gracefully and waits for its end. No effect when stopped.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(&mut self) {
        self.end(Signal::TERM).await;
    }

    /// Kills it, as in a crash. No effect when stopped.
    ///
    /// # Panics
    /// When it does not die.
    pub async fn kill(&mut self) {
        self.end(Signal::KILL).await;
    }

    /// Suspends it: connections stay open, without answers until [`Self::thaw`].
    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Resumes it after [`Self::freeze`].
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(server) = &mut self.running {
            server.signal(signal);
        }
    }

    async fn end(&mut self, signal: Signal) {
        let Some(server) = self.running.take() else { return };
        beside(move || server.end(signal, STOP_LIMIT)).await;
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("broker.properties")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn set_up(builder: &BrokerBuilder) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("payment-kafka-")
            .tempdir()
            .expect("the temporary folder is writable");
        let broker =
            Self { running: None, port: Port::reserve(), inner: [Port::reserve(), Port::reserve()], folder };
        fs::write(broker.properties(), broker.configured(builder)).expect("a file in our folder");
        let mut format = java();
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            "cGF5bWVudC1zZXJ2aWNlcw",
            "--config",
        ]);
        format.arg(broker.properties());
        programs::run(&mut format);
        broker
    }

    /// The contents of its properties file.
    fn configured(&self, builder: &BrokerBuilder) -> String {
        let clients = format!("CLIENTS://127.0.0.1:{}", self.port.number());
        let [itself, controller] = self.inner.each_ref().map(Port::number);
        let protocol = builder.protocol();
        let mut properties = common_properties();
        for (name, value) in [
            (
                "listeners",
                format!("{clients},ITSELF://127.0.0.1:{itself},CONTROLLER://127.0.0.1:{controller}"),
            ),
            ("advertised.listeners", format!("{clients},ITSELF://127.0.0.1:{itself}")),
            (
                "listener.security.protocol.map",
                format!("CLIENTS:{protocol},ITSELF:PLAINTEXT,CONTROLLER:PLAINTEXT"),
            ),
            ("inter.broker.listener.name", "ITSELF".to_owned()),
            ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
            ("log.dirs", self.folder.path().join("data").display().to_string()),
        ] {
            line(&mut properties, name, &value);
        }
        if let Some((user, password)) = &builder.login {
            line(&mut properties, "sasl.enabled.mechanisms", "PLAIN");
            line(
                &mut properties,
                "listener.name.clients.plain.sasl.jaas.config",
                &format!(
                    "org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}=\"{password}\";"
                ),
            );
        }
        if let Some((certificate, key)) = &builder.tls {
            let store = self.folder.path().join("server.pem");
            let pem = [key, certificate].map(|path| {
                fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            });
            fs::write(&store, pem.concat()).expect("a file in our folder");
            line(&mut properties, "listener.name.clients.ssl.keystore.type", "PEM");
            line(
                &mut properties,
                "listener.name.clients.ssl.keystore.location",
                &store.display().to_string(),
            );
        }
        for (name, value) in &builder.settings {
            line(&mut properties, name, value);
        }
        properties
    }
}

/// A later line of the same name has precedence.
fn line(properties: &mut String, name: &str, value: &str) {
    writeln!(properties, "{name}={value}").expect("text grows");
}

/// The properties that `scripts/services` gives every broker.
fn common_properties() -> String {
    let path = programs::workspace().join("scripts/kafka/broker.properties");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) + "\n"
}

/// Java with the jars that `scripts/services` fetched; killed at its end.
fn java() -> Command {
    let workspace = programs::workspace();
    let jars = workspace.join("target/services/kafka/jars");
    assert!(jars.is_dir(), "Kafka is not installed: run `scripts/services start`");
    let mut command = programs::bound_to_us(&programs::program("java"), "KILL", false);
    command.args(["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    let log_settings = workspace.join("scripts/kafka/log4j2.properties");
    command.arg(format!("-Dlog4j2.configurationFile={}", log_settings.display()));
    command.arg("-cp").arg(jars.join("*"));
    command
}
