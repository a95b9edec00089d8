//! Clocks, which are passed in so that tests can move them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many milliseconds after the epoch.
    pub const fn from_millis(epoch_ms: i64) -> Timestamp {
        Timestamp(epoch_ms)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Saturates.
    pub fn plus(self, duration: Duration) -> Timestamp {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_add(millis))
    }

    /// This much earlier.
    pub fn minus(self, duration: Duration) -> Timestamp {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_sub(millis))
    }

    /// The time from `earlier` to this moment; zero when `earlier` lies later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Where the current time comes from.
pub trait Clock: Send + Sync {
    /// The current moment by this clock.
    fn now(&self) -> Timestamp;

    /// A reading of a stopwatch, which goes on while the computer is suspended, and which no setting of a
    /// clock moves. Only the difference of two readings has a meaning.
    fn stopwatch(&self) -> Duration;

    /// How far the computer's own clock is ahead of this one, in milliseconds; negative when it is
    /// behind.
    fn computer_ahead_ms(&self) -> i64;
}

/// The computer's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn stopwatch(&self) -> Duration {
        // Unlike `Instant`, these go on while the computer is suspended.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOCK: ClockId = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOCK: ClockId = ClockId::Monotonic;
        let reading = clock_gettime(CLOCK);
        let (seconds, nanos) = (u64::try_from(reading.tv_sec), u32::try_from(reading.tv_nsec));
        Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
    }

    fn computer_ahead_ms(&self) -> i64 {
        0
    }
}

/// Another clock's time, carried on by a stopwatch between two readings of that clock. Setting the
/// computer's own clock does not move it.
pub struct AnchoredClock {
    computer: Arc<dyn Clock>,
    anchor: Mutex<Anchor>,
}

#[derive(Clone, Copy)]
struct Anchor {
    at: Timestamp,
    stopwatch: Duration,
}

impl Anchor {
    fn moment(self, stopwatch: Duration) -> Timestamp {
        match stopwatch.checked_sub(self.stopwatch) {
            Some(since) => self.at.plus(since),
            None => self.at.minus(self.stopwatch.saturating_sub(stopwatch)),
        }
    }
}

impl AnchoredClock {
    /// A clock that shows `now`, and goes on by the stopwatch of `computer`.
    pub fn new(now: Timestamp, computer: Arc<dyn Clock>) -> AnchoredClock {
        let anchor = Anchor { at: now, stopwatch: computer.stopwatch() };
        AnchoredClock { computer, anchor: Mutex::new(anchor) }
    }

    /// Takes a reading of the other clock, which showed `shown` between the stopwatch's reading `asked` and
    /// now. This clock is corrected only as far as the reading proves it wrong, so that slow readings do not
    /// move it.
    pub fn take_reading(&self, shown: Timestamp, asked: Duration) {
        let answered = self.computer.stopwatch();
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (earliest, latest) = (shown, shown.plus(answered.saturating_sub(asked)));
        let at = anchor.moment(answered).clamp(earliest, latest);
        *anchor = Anchor { at, stopwatch: answered };
    }
}

impl Clock for AnchoredClock {
    fn now(&self) -> Timestamp {
        let anchor = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        anchor.moment(self.computer.stopwatch())
    }

    fn stopwatch(&self) -> Duration {
        self.computer.stopwatch()
    }

    fn computer_ahead_ms(&self) -> i64 {
        self.computer.now().0.saturating_sub(self.now().0)
    }
}

impl std::fmt::Debug for AnchoredClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnchoredClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A clock that tests move.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    stopwatch_ms: AtomicI64,
}

impl ManualClock {
    pub fn at(now: Timestamp) -> ManualClock {
        ManualClock { now: AtomicI64::new(now.0), stopwatch_ms: AtomicI64::new(0) }
    }

    /// Sets the clock, forward or back, without its stopwatch.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Lets time pass, by the clock and by its stopwatch.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.stopwatch_ms.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn stopwatch(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.stopwatch_ms.load(Ordering::SeqCst)).unwrap_or(0))
    }

    fn computer_ahead_ms(&self) -> i64 {
        0
    }
}

/// A length of time that may be negative, from milliseconds to seconds.
pub fn signed_seconds(millis: i64) -> f64 {
    let length = Duration::from_millis(millis.unsigned_abs()).as_secs_f64();
    length.copysign(if millis < 0 { -1.0 } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn setting_the_computers_clock_does_not_move_an_anchored_one() {
        let start = Timestamp::from_millis(1_790_000_000_000);
        let computer = Arc::new(ManualClock::at(start.plus(DAY)));
        let clock = AnchoredClock::new(start, computer.clone());
        assert_eq!((clock.now(), clock.computer_ahead_ms()), (start, 86_400_000));
        computer.advance(Duration::from_secs(5));
        computer.set(start.minus(DAY));
        assert_eq!(clock.now(), start.plus(Duration::from_secs(5)));
        assert_eq!(clock.computer_ahead_ms(), -86_405_000);
    }

    #[test]
    fn a_reading_corrects_a_clock_as_far_as_it_proves_it_wrong() {
        let start = Timestamp::from_millis(1_790_000_000_000);
        let computer = Arc::new(ManualClock::at(start));
        let clock = AnchoredClock::new(start, computer.clone());
        let second = Duration::from_secs(1);
        let read = |shown: Timestamp| {
            let asked = computer.stopwatch();
            computer.advance(second);
            clock.take_reading(shown, asked);
            clock.now()
        };
        // A second has begun: the reading lies between its bounds.
        assert_eq!(read(start.plus(Duration::from_millis(400))), start.plus(second));
        assert_eq!(read(start), start.plus(second), "it is at most a second later there");
        assert_eq!(read(start.plus(DAY)), start.plus(DAY));
        assert_eq!(read(start), start.plus(second));
    }

    #[test]
    fn the_stopwatch_of_the_computer_goes_forward() {
        let began = SystemClock.stopwatch();
        std::thread::sleep(Duration::from_millis(5));
        assert!(SystemClock.stopwatch() - began >= Duration::from_millis(5));
    }
}
