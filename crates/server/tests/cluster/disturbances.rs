//! The replicas' dependencies fail: the database and the broker are restarted, and calls to DIGIT's services
//! go wrong.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use payment_simulator::digit::{Endpoint, Fault, PretendDigit};
use payment_testing::kafka::Broker;
use payment_testing::postgres::{PostgresServer, Stop};

use crate::proof::random::Random;

/// When the database was last unavailable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weather(Arc<Mutex<Option<Instant>>>);

impl Weather {
    /// Whether that was within the last `time`.
    pub(crate) fn database_was_unavailable_within(&self, time: Duration) -> bool {
        self.0.lock().unwrap().is_some_and(|last| last.elapsed() < time)
    }

    fn database_is_unavailable(&self) {
        *self.0.lock().unwrap() = Some(Instant::now());
    }
}

async fn pause(random: &mut Random, most_ms: u64) {
    // A random moment is the point: no event is waited for.
    tokio::time::sleep(Duration::from_millis(random.below(most_ms))).await;
}

/// Restarts the database that many times: in order and as in a crash by turns.
pub(crate) async fn restart_database(
    server: &mut PostgresServer,
    times: u64,
    weather: &Weather,
    mut random: Random,
) {
    for time in 0..times {
        tokio::time::sleep(Duration::from_secs(2)).await;
        pause(&mut random, 4000).await;
        let how = if time % 2 == 0 { Stop::Fast } else { Stop::Immediate };
        weather.database_is_unavailable();
        server.stop(how).await;
        pause(&mut random, 2500).await;
        server.start_again().await;
        weather.database_is_unavailable();
    }
}

/// Restarts the broker that many times: in order and as in a crash by turns.
pub(crate) async fn restart_broker(broker: &mut Broker, times: u64, mut random: Random) {
    for time in 0..times {
        tokio::time::sleep(Duration::from_secs(2)).await;
        pause(&mut random, 4000).await;
        if time % 2 == 0 {
            broker.kill().await
        } else {
            broker.stop().await
        }
        pause(&mut random, 2500).await;
        broker.start_again().await;
    }
}

/// Lets calls to DIGIT go wrong now and then, for as long as it is polled.
pub(crate) async fn disturb_digit(digit: &PretendDigit, mut random: Random) {
    const ENDPOINTS: [Endpoint; 6] = [
        Endpoint::Ids,
        Endpoint::ValidatePayment,
        Endpoint::CreatePayment,
        Endpoint::CreatePayment,
        Endpoint::SearchPayments,
        Endpoint::SearchUsers,
    ];
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        pause(&mut random, 400).await;
        let endpoint = ENDPOINTS[usize::try_from(random.below(6)).unwrap()];
        let fault = match random.below(10) {
            0..3 => Fault::Slow { ms: random.below(900) },
            // Longer than any call waits.
            3 => Fault::Slow { ms: 4000 },
            4..6 => Fault::Status500,
            6..9 => Fault::CutAfterWork,
            _ => Fault::CutBeforeWork,
        };
        digit.set_fault_for(endpoint, fault, 1 + u32::try_from(random.below(3)).unwrap());
    }
}
