//! Ports that stay reserved while their server is down.

use std::fs::{self, File, TryLockError};
use std::net::TcpListener;

/// Below the ports of outgoing connections (from 32768 on), so that the kernel gives none of
/// these while a server is stopped.
const FIRST: u16 = 10_000;
const LAST: u16 = 19_999;

/// A loopback port, reserved among all tests of this user until dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Its lock is the reservation.
    _reservation: File,
}

impl Port {
    /// Reserves a port without a listener.
    ///
    /// # Panics
    /// When no port is free, or reservations cannot be written to the temporary folder.
    #[must_use]
    pub fn reserve() -> Self {
        let user = rustix::process::getuid().as_raw();
        let folder = std::env::temp_dir().join(format!("payment-testing-ports-{user}"));
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let mut random = [0; 2];
        getrandom::fill(&mut random).expect("the system gives random bytes");
        let count = LAST - FIRST + 1;
        let start = u16::from_ne_bytes(random) % count;
        for step in 0..count {
            let number = FIRST + (start + step) % count;
            let reservation =
                File::create(folder.join(number.to_string())).expect("reservations are writable");
            match reservation.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => panic!("a port cannot be reserved: {error}"),
            }
            if TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Self { number, _reservation: reservation };
            }
        }
        panic!("no port between {FIRST} and {LAST} is free");
    }

    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_until_it_is_dropped() {
        let ports: Vec<Port> = (0..50).map(|_| Port::reserve()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ports.len());
    }
}
