//! The replicas: started, watched as a supervisor would, killed and stopped for a while.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::disturbances::Weather;
use crate::proof::random::Random;
use crate::support::{Service, free_port, pg_service};

/// The time after which a supervisor restarts a replica.
const RESTART: Duration = Duration::from_millis(300);

/// The settings common to all starts of all replicas.
pub(crate) struct Settings {
    /// Where each replica has a folder of its own.
    pub(crate) folder: PathBuf,
    /// The names and values of settings.
    pub(crate) set: Vec<(&'static str, String)>,
    /// Settings that must not appear in a list of processes.
    pub(crate) secret: Vec<(&'static str, String)>,
}

impl Settings {
    fn command(&self, folder: &Path) -> Command {
        let mut command = pg_service(folder);
        command.envs(self.secret.iter().map(|(name, value)| (name, value)));
        command.args(["--log-level", "warn"]);
        for (name, value) in &self.set {
            command.args(["--set", &format!("{name}={value}")]);
        }
        command
    }
}

enum State {
    Running(Service),
    /// Suspended until that moment.
    Stopped(Service, Instant),
    /// To be started at that moment.
    Dead(Instant),
}

struct Replica {
    folder: PathBuf,
    port: u16,
    state: State,
}

/// Three of the same service.
pub(crate) struct Replicas {
    settings: Settings,
    all: Vec<Replica>,
    /// Faults that a supervisor must not see.
    faults: Vec<String>,
    /// The number of times a replica ended by itself while its database was unavailable.
    pub(crate) gave_up: u64,
    /// The number of times one was killed, or gave up.
    pub(crate) deaths: Arc<AtomicU64>,
}

impl Replicas {
    /// Ports for that many.
    pub(crate) fn ports(count: usize) -> Vec<u16> {
        (0..count).map(|_| free_port()).collect()
    }

    /// One on each port, all started at the same moment.
    pub(crate) fn launch(settings: Settings, ports: &[u16]) -> Replicas {
        let mut replicas =
            Replicas { settings, all: Vec::new(), faults: Vec::new(), gave_up: 0, deaths: Arc::default() };
        for &port in ports {
            let folder = replicas.settings.folder.join(format!("replica-{port}"));
            std::fs::create_dir(&folder).unwrap();
            replicas.all.push(Replica { folder, port, state: State::Dead(Instant::now()) });
        }
        replicas.start_the_dead(Instant::now());
        replicas
    }

    /// The address of each.
    pub(crate) fn urls(ports: &[u16]) -> Vec<String> {
        ports.iter().map(|port| format!("http://127.0.0.1:{port}/pg-service")).collect()
    }

    fn start_the_dead(&mut self, now: Instant) {
        for replica in &mut self.all {
            if matches!(replica.state, State::Dead(until) if until <= now) {
                let command = self.settings.command(&replica.folder);
                let log = replica.folder.join("log");
                replica.state = State::Running(Service::launch(command, replica.port, &log));
            }
        }
    }

    /// Acts as a supervisor for this time.
    pub(crate) async fn supervise(&mut self, time: Duration, weather: &Weather) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let now = Instant::now();
            for replica in &mut self.all {
                replica.state = match std::mem::replace(&mut replica.state, State::Dead(now)) {
                    State::Stopped(service, until) if until <= now => {
                        service.signal("CONT");
                        State::Running(service)
                    }
                    State::Running(mut service) => match service.has_ended() {
                        None => State::Running(service),
                        Some(status) => {
                            self.deaths.fetch_add(1, Ordering::SeqCst);
                            // Without its database it cannot start. Nothing else is a reason to end.
                            if weather.database_was_unavailable_within(Duration::from_secs(10)) {
                                self.gave_up += 1;
                            } else {
                                let log = service.log();
                                self.faults.push(format!("a replica ended with {status}:\n{log}"));
                            }
                            State::Dead(now + RESTART)
                        }
                    },
                    other @ (State::Stopped(..) | State::Dead(_)) => other,
                };
            }
            self.start_the_dead(now);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// `kill -9` for one of them, which is started again some time later.
    pub(crate) fn kill_one(&mut self, random: &mut Random) {
        let away = match random.below(10) {
            0..6 => 0,
            6..9 => random.below(500),
            _ => random.below(3000),
        };
        let replica = self.pick(random);
        if let State::Running(service) | State::Stopped(service, _) = &mut replica.state {
            service.kill();
        }
        replica.state = State::Dead(Instant::now() + Duration::from_millis(away));
        self.deaths.fetch_add(1, Ordering::SeqCst);
    }

    /// Suspends one of them for this time, as on a machine that hangs.
    pub(crate) fn stop_one(&mut self, time: Duration, random: &mut Random) {
        let replica = self.pick(random);
        let until = Instant::now() + time;
        replica.state = match std::mem::replace(&mut replica.state, State::Dead(until)) {
            State::Running(service) => {
                service.signal("STOP");
                State::Stopped(service, until)
            }
            other @ (State::Stopped(..) | State::Dead(_)) => other,
        };
    }

    fn pick(&mut self, random: &mut Random) -> &mut Replica {
        let count = u64::try_from(self.all.len()).unwrap();
        let place = usize::try_from(random.below(count)).unwrap();
        &mut self.all[place]
    }

    /// Waits until all of them answer that all is well.
    pub(crate) async fn all_answer(&mut self, weather: &Weather) {
        while !self.all.iter().all(|replica| matches!(replica.state, State::Running(_))) {
            self.supervise(Duration::from_millis(100), weather).await;
        }
        for replica in &mut self.all {
            if let State::Running(service) = &mut replica.state {
                service.answers().await;
            }
        }
    }

    /// Asks all of them to stop, and waits until they have. Returns the faults of each.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        for replica in &self.all {
            if let State::Running(service) = &replica.state {
                service.signal("TERM");
            }
        }
        for replica in &mut self.all {
            if let State::Running(service) = &mut replica.state {
                let status = service.ended().await;
                if !status.success() {
                    self.faults.push(format!("a replica stopped with {status}:\n{}", service.log()));
                }
            }
        }
        self.faults
    }
}
