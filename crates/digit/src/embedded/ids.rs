//! Transaction ids, made here from a sequence in the store.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use payment_domain::{Clock, RequestInfo, TenantId, Timestamp, TxnId};

use super::Registers;
use super::calendar::local_time;
use super::id_format::{IdFormat, Ingredients};
use crate::{BoxError, DigitError, TransactionIds};

/// The name of this embedded implementation in errors.
const SERVICE: &str = "the id register";
/// The size of a process's first block of numbers: the numbers a restart may skip.
const FIRST_BLOCK: u32 = 25;
const LARGEST_BLOCK: u32 = 12_800;
/// A block that is used up faster than this was too small.
const LASTING: Duration = Duration::from_secs(2);

/// Makes ids of one [`IdFormat`] with numbers that [`Registers`] hands out.
///
/// Numbers are taken in blocks, so that an id costs no commit of its own; the rest of a block is never used
/// when the process ends. Under load blocks grow, so that waiting for one stays rare.
pub struct SequenceIds {
    registers: Arc<dyn Registers>,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    format: IdFormat,
    sequences: Vec<Sequence>,
}

impl SequenceIds {
    /// Ids of that format, dated by the clock in that time zone.
    pub fn new(
        registers: Arc<dyn Registers>,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        format: IdFormat,
    ) -> SequenceIds {
        let sequences = format.sequences().iter().map(|name| Sequence::new(name)).collect();
        SequenceIds { registers, clock, zone, format, sequences }
    }

    async fn make(&self, tenant: &TenantId) -> Result<TxnId, BoxError> {
        let now = self.clock.now();
        let mut numbers = Vec::with_capacity(self.sequences.len());
        for sequence in &self.sequences {
            numbers.push(sequence.next(self.registers.as_ref(), now).await?);
        }
        let mut entropy = Ok(());
        let mut random = || {
            getrandom::u64().unwrap_or_else(|error| {
                entropy = Err(error);
                0
            })
        };
        let id = self.format.render(&mut Ingredients {
            now: local_time(now, &self.zone),
            tenant,
            numbers: &numbers,
            random: &mut random,
        });
        entropy?;
        id.ok_or_else(|| "the format made an id that is not valid".into())
    }
}

#[async_trait]
impl TransactionIds for SequenceIds {
    async fn next(&self, _info: &RequestInfo, tenant: &TenantId) -> Result<TxnId, DigitError> {
        // Numbers that were taken for nothing are lost without harm: repeating is safe.
        self.make(tenant).await.map_err(|source| DigitError::NotSent { service: SERVICE, source })
    }
}

#[derive(Debug, Clone, Copy)]
struct Block {
    next: u64,
    end: u64,
    /// How many were taken at once, and when.
    size: u32,
    taken_at: Timestamp,
    /// The number of attempts to refill that have failed so far.
    failures: u64,
}

struct Sequence {
    name: String,
    block: Mutex<Block>,
    /// Held by the one request that refills, while the others wait for it.
    refilling: tokio::sync::Mutex<()>,
}

impl Sequence {
    fn new(name: &str) -> Sequence {
        let block = Block { next: 0, end: 0, size: 0, taken_at: Timestamp::from_millis(0), failures: 0 };
        Sequence { name: name.to_owned(), block: Mutex::new(block), refilling: tokio::sync::Mutex::new(()) }
    }

    fn block(&self) -> std::sync::MutexGuard<'_, Block> {
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next number of the block, or the number of failed refills when there is none.
    fn at_hand(&self) -> Result<u64, u64> {
        let mut block = self.block();
        if block.next < block.end {
            block.next += 1;
            Ok(block.next - 1)
        } else {
            Err(block.failures)
        }
    }

    /// The next number. Of many that find the block empty one refills it; when that fails, those
    /// that waited for it fail with it instead of each trying again.
    async fn next(&self, registers: &dyn Registers, now: Timestamp) -> Result<u64, BoxError> {
        loop {
            let failures_before = match self.at_hand() {
                Ok(number) => return Ok(number),
                Err(failures) => failures,
            };
            let _turn = self.refilling.lock().await;
            match self.at_hand() {
                Ok(number) => return Ok(number),
                Err(failures) if failures != failures_before => {
                    return Err(format!("no numbers of {} could be taken", self.name).into());
                }
                Err(_) => self.refill(registers, now).await?,
            }
        }
    }

    async fn refill(&self, registers: &dyn Registers, now: Timestamp) -> Result<(), BoxError> {
        let size = {
            let block = self.block();
            match block.size {
                0 => FIRST_BLOCK,
                size if now.since(block.taken_at) < LASTING => size.saturating_mul(2).min(LARGEST_BLOCK),
                _ => FIRST_BLOCK,
            }
        };
        let taken = registers.take_numbers(&self.name, size).await;
        let mut block = self.block();
        match taken {
            Ok(first) => {
                *block = Block {
                    next: first,
                    end: first.saturating_add(u64::from(size)),
                    size,
                    taken_at: now,
                    failures: block.failures,
                };
                Ok(())
            }
            Err(error) => {
                block.failures += 1;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use payment_domain::ManualClock;

    use super::*;
    use crate::embedded::calendar::indian_standard_time;
    use crate::embedded::memory::MemoryRegisters;

    /// 2026-11-22T15:40:00+05:30
    const NOON: Timestamp = Timestamp::from_millis(1_795_342_200_000);

    fn ids(registers: &Arc<MemoryRegisters>, format: &str) -> Arc<SequenceIds> {
        let clock = Arc::new(ManualClock::at(NOON));
        Arc::new(SequenceIds::new(registers.clone(), clock, indian_standard_time(), format.parse().unwrap()))
    }

    async fn next(ids: &SequenceIds) -> Result<String, DigitError> {
        let tenant = TenantId::new("pb.amritsar").unwrap();
        ids.next(&RequestInfo::default(), &tenant).await.map(|id| id.as_str().to_owned())
    }

    async fn take(ids: &Arc<SequenceIds>, count: usize) -> Vec<Result<String, DigitError>> {
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let ids = ids.clone();
                tokio::spawn(async move { next(&ids).await })
            })
            .collect();
        let mut taken = Vec::new();
        for task in tasks {
            taken.push(task.await.unwrap());
        }
        taken
    }

    #[tokio::test]
    async fn ids_have_digits_form() {
        let ids = ids(&Arc::default(), "PB_PG_[cy:yyyy_MM_dd]_[SEQ_EG_PG_TXN]_[d{2}]");
        let id = next(&ids).await.unwrap();
        assert!(id.starts_with("PB_PG_2026_11_22_000001_") && id.len() == 26, "{id}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_at_once_get_different_ids_from_few_blocks() {
        let registers = Arc::new(MemoryRegisters::default());
        let ids = ids(&registers, "[SEQ_A]");
        let taken: HashSet<String> = take(&ids, 2_000).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(taken.len(), 2_000);
        assert!(registers.blocks_taken() <= 8, "{} blocks", registers.blocks_taken());
    }

    #[tokio::test]
    async fn a_restart_and_a_second_replica_never_repeat_an_id() {
        let registers = Arc::new(MemoryRegisters::default());
        let mut seen = HashSet::new();
        let replicas = [ids(&registers, "[SEQ_A]"), ids(&registers, "[SEQ_A]")];
        for _ in 0..100 {
            for replica in &replicas {
                assert!(seen.insert(next(replica).await.unwrap()));
            }
        }
        let restarted = ids(&registers, "[SEQ_A]");
        for _ in 0..100 {
            assert!(seen.insert(next(&restarted).await.unwrap()));
        }
    }

    #[tokio::test]
    async fn a_failed_refill_fails_its_waiters_and_no_later_request() {
        let registers = Arc::new(MemoryRegisters::default());
        let ids = ids(&registers, "[SEQ_A]");
        registers.hold();
        let waiting = {
            let ids = ids.clone();
            tokio::spawn(async move { take(&ids, 50).await })
        };
        registers.until_a_caller_waits().await;
        registers.fails(true);
        registers.release();
        let failed = waiting.await.unwrap();
        assert!(failed.iter().all(|id| matches!(id, Err(DigitError::NotSent { .. }))));
        assert_eq!(registers.blocks_asked(), 1, "one attempt is shared by all who waited");
        registers.fails(false);
        assert_eq!(next(&ids).await.unwrap(), "000001");
    }

    #[tokio::test]
    async fn a_cancelled_refill_blocks_no_other_request() {
        let registers = Arc::new(MemoryRegisters::default());
        let ids = ids(&registers, "[SEQ_A]");
        registers.hold();
        let gives_up = {
            let ids = ids.clone();
            tokio::spawn(async move { next(&ids).await })
        };
        registers.until_a_caller_waits().await;
        gives_up.abort();
        assert!(gives_up.await.unwrap_err().is_cancelled());
        registers.release();
        assert!(next(&ids).await.is_ok());
    }
}
