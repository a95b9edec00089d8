//! The directory of payers: one record for a name and mobile number in a state.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use payment_domain::{Clock, Payer, Personal, RequestInfo};

use super::{Registers, StoredPayer};
use crate::{DigitError, PayerDetails, Payers};

/// The name of this embedded implementation in errors.
const SERVICE: &str = "the payer directory";
/// How many payers each of the two generations of the cache remembers.
const GENERATION: usize = 4_096;

/// Finds payers in [`Registers`] by state, mobile number and name, and registers those it does not
/// know. Payers seen lately are answered from memory.
///
/// A uuid that a client sends is not looked at, as the user service searches by name and number
/// only: whoever pays must not be taken for somebody else by naming an id.
pub struct PayerDirectory {
    registers: Arc<dyn Registers>,
    clock: Arc<dyn Clock>,
    recent: Mutex<Recent>,
    hasher: RandomState,
}

impl PayerDirectory {
    /// A directory whose new entries are dated by the clock.
    pub fn new(registers: Arc<dyn Registers>, clock: Arc<dyn Clock>) -> PayerDirectory {
        PayerDirectory { registers, clock, recent: Mutex::default(), hasher: RandomState::new() }
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Payers for PayerDirectory {
    async fn find_or_create(&self, _info: &RequestInfo, details: &PayerDetails) -> Result<Payer, DigitError> {
        let state = details.tenant_id.state();
        let (mobile, name) = (&details.mobile_number, &details.name);
        let hash = self.hasher.hash_one((state, mobile.expose(), name.expose()));
        let remembered = self.recent().find(hash, state, mobile, name);
        let payer = match remembered {
            Some(payer) => payer,
            None => {
                let new_uuid = uuid::Uuid::new_v4().to_string();
                let payer = self
                    .registers
                    .payer(state, details, &new_uuid, self.clock.now())
                    .await
                    // Finding or registering somebody twice does no harm: repeating is safe.
                    .map_err(|source| DigitError::NotSent { service: SERVICE, source })?;
                let entry = Entry {
                    state: state.to_owned(),
                    mobile: mobile.clone(),
                    name: name.clone(),
                    payer: payer.clone(),
                };
                self.recent().remember(hash, entry);
                payer
            }
        };
        Ok(Payer {
            uuid: payer.uuid,
            user_name: payer.user_name,
            name: name.clone(),
            mobile_number: mobile.clone(),
            email_id: payer.email_id,
            tenant_id: state.to_owned(),
        })
    }
}

#[derive(Clone)]
struct Entry {
    state: String,
    mobile: Personal,
    name: Personal,
    payer: StoredPayer,
}

/// Payers seen lately, in two generations: when the younger is full, it becomes the older and the
/// former older one is forgotten. What is asked for again moves to the younger.
#[derive(Default)]
struct Recent {
    younger: HashMap<u64, Entry>,
    older: HashMap<u64, Entry>,
}

impl Recent {
    fn find(&mut self, hash: u64, state: &str, mobile: &Personal, name: &Personal) -> Option<StoredPayer> {
        // Two payers may share a hash; they are told apart by what they are.
        let is_asked_for =
            |entry: &Entry| entry.state == state && entry.mobile == *mobile && entry.name == *name;
        if let Some(entry) = self.younger.get(&hash) {
            return is_asked_for(entry).then(|| entry.payer.clone());
        }
        let entry = self.older.remove(&hash)?;
        let found = is_asked_for(&entry).then(|| entry.payer.clone());
        self.remember(hash, entry);
        found
    }

    fn remember(&mut self, hash: u64, entry: Entry) {
        if self.younger.len() >= GENERATION {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(hash, entry);
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::{SystemClock, TenantId};

    use super::*;
    use crate::embedded::memory::MemoryRegisters;

    fn details(name: &str, mobile: &str, tenant: &str) -> PayerDetails {
        PayerDetails {
            name: Personal::new(name),
            mobile_number: Personal::new(mobile),
            email_id: Some(Personal::new("asha@example.org")),
            user_name: None,
            uuid: None,
            tenant_id: TenantId::new(tenant).unwrap(),
        }
    }

    async fn find(directory: &PayerDirectory, details: &PayerDetails) -> Payer {
        directory.find_or_create(&RequestInfo::default(), details).await.unwrap()
    }

    #[tokio::test]
    async fn a_payer_is_registered_once_for_the_whole_state() {
        let registers = Arc::new(MemoryRegisters::default());
        let directory = PayerDirectory::new(registers.clone(), Arc::new(SystemClock));
        let first = find(&directory, &details("Asha", "9876543210", "pb.amritsar")).await;
        let mut again = details("Asha", "9876543210", "pb.jalandhar");
        again.uuid = Some("somebody-else".to_owned());
        let again = find(&directory, &again).await;
        assert_eq!(first, again);
        assert_eq!(first.tenant_id, "pb");
        assert_eq!(first.user_name, Personal::new("9876543210"));
        assert_eq!(first.uuid.len(), 36);
        assert_eq!(registers.payers_asked(), 1, "a known payer is answered from memory");
        let restarted = PayerDirectory::new(registers, Arc::new(SystemClock));
        assert_eq!(find(&restarted, &details("Asha", "9876543210", "pb.amritsar")).await, first);
    }

    #[tokio::test]
    async fn another_name_number_or_state_is_another_payer() {
        let directory = PayerDirectory::new(Arc::new(MemoryRegisters::default()), Arc::new(SystemClock));
        let mut uuids = std::collections::HashSet::new();
        for (name, mobile, tenant) in [
            ("Asha", "9876543210", "pb.amritsar"),
            ("Ravi", "9876543210", "pb.amritsar"),
            ("Asha", "9876543211", "pb.amritsar"),
            ("Asha", "9876543210", "ka.bengaluru"),
        ] {
            assert!(uuids.insert(find(&directory, &details(name, mobile, tenant)).await.uuid));
        }
    }

    #[test]
    fn payers_that_share_a_hash_are_told_apart() {
        let entry = |name: &str, uuid: &str| Entry {
            state: "pb".to_owned(),
            mobile: Personal::new("1"),
            name: Personal::new(name),
            payer: StoredPayer { uuid: uuid.to_owned(), user_name: Personal::new("1"), email_id: None },
        };
        let mut recent = Recent::default();
        recent.remember(7, entry("Asha", "a"));
        assert_eq!(recent.find(7, "pb", &Personal::new("1"), &Personal::new("Ravi")), None);
        recent.remember(7, entry("Ravi", "r"));
        let ravi = recent.find(7, "pb", &Personal::new("1"), &Personal::new("Ravi"));
        assert_eq!(ravi.map(|payer| payer.uuid).as_deref(), Some("r"));
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_who_comes_again() {
        let entry = || Entry {
            state: "pb".to_owned(),
            mobile: Personal::new("1"),
            name: Personal::new("Asha"),
            payer: StoredPayer { uuid: "a".to_owned(), user_name: Personal::new("1"), email_id: None },
        };
        let mut recent = Recent::default();
        for hash in 0..20_000 {
            recent.remember(hash, entry());
            assert!(recent.find(0, "pb", &Personal::new("1"), &Personal::new("Asha")).is_some());
            assert!(recent.younger.len() + recent.older.len() <= 2 * GENERATION);
        }
    }

    #[tokio::test]
    async fn a_failing_store_may_be_asked_again() {
        let registers = Arc::new(MemoryRegisters::default());
        let directory = PayerDirectory::new(registers.clone(), Arc::new(SystemClock));
        registers.fails(true);
        let details = details("Asha", "9876543210", "pb");
        let refused = directory.find_or_create(&RequestInfo::default(), &details).await;
        assert!(matches!(refused, Err(DigitError::NotSent { .. })));
        registers.fails(false);
        find(&directory, &details).await;
    }
}
