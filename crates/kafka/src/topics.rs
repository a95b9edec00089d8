//! The topics of events.

use std::borrow::Cow;

use payment_domain::{Event, EventKind, TenantId};

/// The topics of the streams of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Transactions that were created.
    pub save_transaction: String,
    /// Transactions that changed.
    pub update_transaction: String,
    /// Requests to gateways.
    pub save_dump: String,
    /// Answers of gateways.
    pub update_dump: String,
    /// Text messages to payers. Shared by all states: never prefixed.
    pub sms: String,
    /// Refunds that were requested.
    pub save_refund: String,
    /// Refunds that changed.
    pub update_refund: String,
    /// Checkpoints of the audit log, of the whole installation: never prefixed.
    pub audit_checkpoints: String,
    /// Set when one installation serves several states, each with its own topics.
    pub central_instance: Option<CentralInstance>,
}

/// An installation that serves several states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CentralInstance {
    /// The segment of a tenant id with the state, from 0: segment 1 of `in.statea.citya` is `statea`. Of a
    /// tenant with fewer segments it is the last.
    pub segment: usize,
}

/// A name that is not valid for a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be the name of a topic: 1 to 249 letters, digits, '.', '_' and '-'")]
pub struct InvalidTopic {
    pub name: String,
}

/// The names DIGIT uses, without prefixes.
impl Default for Topics {
    fn default() -> Topics {
        let name = |kind: EventKind| kind.as_str().to_owned();
        Topics {
            save_transaction: name(EventKind::SaveTransaction),
            update_transaction: name(EventKind::UpdateTransaction),
            save_dump: name(EventKind::SaveDump),
            update_dump: name(EventKind::UpdateDump),
            sms: name(EventKind::Sms),
            save_refund: name(EventKind::SaveRefund),
            update_refund: name(EventKind::UpdateRefund),
            audit_checkpoints: name(EventKind::AuditCheckpoint),
            central_instance: None,
        }
    }
}

impl Topics {
    /// Checks that all names are valid.
    ///
    /// # Errors
    /// The first invalid one.
    pub fn check(&self) -> Result<(), InvalidTopic> {
        EventKind::ALL.into_iter().try_for_each(|kind| check(self.name(kind)))
    }

    /// The topic of an event.
    ///
    /// # Errors
    /// [`InvalidTopic`] when the tenant's state is not valid in a topic's name.
    pub fn of(&self, event: &Event) -> Result<Cow<'_, str>, InvalidTopic> {
        let name = self.name(event.kind);
        match (self.central_instance, event.kind) {
            (None, _) | (_, EventKind::Sms | EventKind::AuditCheckpoint) => Ok(Cow::Borrowed(name)),
            (
                Some(central),
                EventKind::SaveTransaction
                | EventKind::UpdateTransaction
                | EventKind::SaveDump
                | EventKind::UpdateDump
                | EventKind::SaveRefund
                | EventKind::UpdateRefund,
            ) => {
                let name = format!("{}-{name}", central.state(&event.tenant_id));
                check(&name)?;
                Ok(Cow::Owned(name))
            }
        }
    }

    /// All topics; `None` where tenants add more.
    pub(crate) fn all(&self) -> Option<[&str; 8]> {
        self.central_instance.is_none().then(|| EventKind::ALL.map(|kind| self.name(kind)))
    }

    fn name(&self, kind: EventKind) -> &str {
        match kind {
            EventKind::SaveTransaction => &self.save_transaction,
            EventKind::UpdateTransaction => &self.update_transaction,
            EventKind::SaveDump => &self.save_dump,
            EventKind::UpdateDump => &self.update_dump,
            EventKind::Sms => &self.sms,
            EventKind::SaveRefund => &self.save_refund,
            EventKind::UpdateRefund => &self.update_refund,
            EventKind::AuditCheckpoint => &self.audit_checkpoints,
        }
    }
}

impl CentralInstance {
    fn state(self, tenant: &TenantId) -> &str {
        let mut segments = tenant.as_str().split('.');
        let last = segments.clone().next_back().unwrap_or(tenant.as_str());
        segments.nth(self.segment).unwrap_or(last)
    }
}

pub(crate) fn check(name: &str) -> Result<(), InvalidTopic> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let valid = (1..=249).contains(&name.len()) && name.bytes().all(plain) && !matches!(name, "." | "..");
    if valid { Ok(()) } else { Err(InvalidTopic { name: name.chars().take(300).collect() }) }
}

#[cfg(test)]
mod tests {
    use payment_domain::TxnId;

    use super::*;

    fn topic(topics: &Topics, kind: EventKind, tenant: &str) -> Result<String, InvalidTopic> {
        let event = Event {
            kind,
            txn_id: TxnId::new("T1").unwrap(),
            tenant_id: TenantId::new(tenant).unwrap(),
            body: "{}".to_owned(),
            trace: None,
        };
        topics.of(&event).map(Cow::into_owned)
    }

    #[test]
    fn one_state_has_the_topics_as_they_are_configured() {
        let topics = Topics { update_transaction: "changes".to_owned(), ..Topics::default() };
        assert_eq!(topic(&topics, EventKind::SaveTransaction, "in.pb.nabha").unwrap(), "save-pg-txns");
        assert_eq!(topic(&topics, EventKind::UpdateTransaction, "pb").unwrap(), "changes");
        assert_eq!(topic(&topics, EventKind::SaveDump, "pb").unwrap(), "save-pg-txns-dump");
        assert_eq!(topic(&topics, EventKind::UpdateDump, "pb").unwrap(), "update-pg-txns-dump");
        assert_eq!(topic(&topics, EventKind::Sms, "pb").unwrap(), "egov.core.notification.sms");
    }

    #[test]
    fn a_central_instance_has_topics_for_each_state_but_one_for_text_messages() {
        for (segment, tenant, name) in [
            (1, "in.statea.citya", "statea-save-pg-txns"),
            (1, "in.statea", "statea-save-pg-txns"),
            (1, "statea", "statea-save-pg-txns"),
            (0, "in.statea.citya", "in-save-pg-txns"),
            (7, "in.statea.citya", "citya-save-pg-txns"),
        ] {
            let topics = Topics { central_instance: Some(CentralInstance { segment }), ..Topics::default() };
            assert_eq!(topic(&topics, EventKind::SaveTransaction, tenant).unwrap(), name);
            assert_eq!(topic(&topics, EventKind::Sms, tenant).unwrap(), "egov.core.notification.sms");
        }
    }

    #[test]
    fn a_name_that_no_topic_can_have_is_refused() {
        for name in ["", ".", "..", "a b", "ਪੰ", "a/b", &"x".repeat(250)] {
            let topics = Topics { save_dump: name.to_owned(), ..Topics::default() };
            assert_eq!(topics.check().unwrap_err().name, name);
        }
        assert_eq!(Topics::default().check(), Ok(()));
        let central = Topics { central_instance: Some(CentralInstance { segment: 1 }), ..Topics::default() };
        assert!(topic(&central, EventKind::SaveDump, "in.state a").is_err());
    }
}
