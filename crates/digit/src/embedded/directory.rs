//! The directory of payers: one record for a name and mobile number in a state.

use std::sync::Arc;

use async_trait::async_trait;
use payment_domain::{Clock, Payer, RequestInfo};

use super::{Registers, StoredPayer};
use crate::payer_key::PayerKey;
use crate::{DigitError, PayerDetails, Payers};

/// The name of this embedded implementation in errors.
const SERVICE: &str = "the payer directory";
const REMEMBERED: u64 = 8_192;

/// Finds payers in [`Registers`] by state, mobile number and name, and registers those it does not
/// know. Payers seen lately are answered from memory.
///
/// A uuid that a client sends is not looked at, as the user service searches by name and number
/// only: naming an id must not turn one payer into another.
pub struct PayerDirectory {
    registers: Arc<dyn Registers>,
    clock: Arc<dyn Clock>,
    recent: moka::future::Cache<PayerKey, StoredPayer>,
}

impl PayerDirectory {
    /// A directory whose new entries are dated by the clock.
    pub fn new(registers: Arc<dyn Registers>, clock: Arc<dyn Clock>) -> PayerDirectory {
        PayerDirectory { registers, clock, recent: moka::future::Cache::new(REMEMBERED) }
    }
}

#[async_trait]
impl Payers for PayerDirectory {
    async fn find_or_create(&self, _info: &RequestInfo, details: &PayerDetails) -> Result<Payer, DigitError> {
        let key = PayerKey::of(details);
        let payer = match self.recent.get(&key).await {
            Some(payer) => payer,
            None => {
                let new_uuid = uuid::Uuid::new_v4().to_string();
                let payer = self
                    .registers
                    .payer(&key.state, details, &new_uuid, self.clock.now())
                    .await
                    // Finding or registering a payer twice does no harm: repeating is safe.
                    .map_err(|source| DigitError::NotSent { service: SERVICE, source })?;
                self.recent.insert(key.clone(), payer.clone()).await;
                payer
            }
        };
        Ok(Payer {
            uuid: payer.uuid,
            user_name: payer.user_name,
            name: key.name,
            mobile_number: key.mobile,
            email_id: payer.email_id,
            tenant_id: key.state,
        })
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::{Personal, SystemClock, TenantId};

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

    #[tokio::test]
    async fn a_read_from_a_failing_store_may_be_repeated() {
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
