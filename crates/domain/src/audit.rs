//! The entries of the audit log: actor, action, object.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::ids::TenantId;
use crate::personal::Personal;
use crate::role::Principal;

/// The kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    RefundRequested,
    RefundApproved,
    RefundRejected,
    RefundWithdrawn,
    /// No decision came in time.
    RefundExpired,
    /// An operator has become the owner of a case.
    CaseTaken,
    CaseReleased,
    CaseNoted,
    CaseResolved,
    JobRunByHand,
    ReconciledByHand,
    /// A dead letter waits to be published again.
    EventRequeued,
    AccountAdded,
    AccountChanged,
    CredentialEntered,
    CredentialVerified,
    CredentialActivated,
    CredentialRetired,
    CredentialWiped,
    KeysRotated,
    TokenIssued,
    TokenRevoked,
    /// A link that logs in to the console once.
    LoginLinkIssued,
    LoggedIn,
    /// A login was refused: an unknown link or password, an answer that proves nothing, a person without a role.
    LoginRefused,
    /// A session of the console was ended, by its holder, by an admin, or because DIGIT does not know its holder.
    LoggedOut,
    /// A named caller was refused what they asked for.
    Refused,
    Exported,
    /// Personal data was shown unmasked, on purpose.
    Revealed,
    /// Searches with unmasked answers: one entry for an actor, tenant and minute, with their count.
    SearchedUnmasked,
    /// The settings with which the service started differ from those before.
    SettingsChanged,
    /// All payments were moved into this database.
    PaymentsMoved,
    /// The embedded database is used again after its payments were moved.
    MoveReversed,
    /// Lines of the payments' histories, by their digest.
    HistorySealed,
    /// The personal values of an entry were removed.
    Redacted,
}

impl AuditAction {
    pub const ALL: [AuditAction; 35] = [
        AuditAction::RefundRequested,
        AuditAction::RefundApproved,
        AuditAction::RefundRejected,
        AuditAction::RefundWithdrawn,
        AuditAction::RefundExpired,
        AuditAction::CaseTaken,
        AuditAction::CaseReleased,
        AuditAction::CaseNoted,
        AuditAction::CaseResolved,
        AuditAction::JobRunByHand,
        AuditAction::ReconciledByHand,
        AuditAction::EventRequeued,
        AuditAction::AccountAdded,
        AuditAction::AccountChanged,
        AuditAction::CredentialEntered,
        AuditAction::CredentialVerified,
        AuditAction::CredentialActivated,
        AuditAction::CredentialRetired,
        AuditAction::CredentialWiped,
        AuditAction::KeysRotated,
        AuditAction::TokenIssued,
        AuditAction::TokenRevoked,
        AuditAction::LoginLinkIssued,
        AuditAction::LoggedIn,
        AuditAction::LoginRefused,
        AuditAction::LoggedOut,
        AuditAction::Refused,
        AuditAction::Exported,
        AuditAction::Revealed,
        AuditAction::SearchedUnmasked,
        AuditAction::SettingsChanged,
        AuditAction::PaymentsMoved,
        AuditAction::MoveReversed,
        AuditAction::HistorySealed,
        AuditAction::Redacted,
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditAction::RefundRequested => "refund.requested",
            AuditAction::RefundApproved => "refund.approved",
            AuditAction::RefundRejected => "refund.rejected",
            AuditAction::RefundWithdrawn => "refund.withdrawn",
            AuditAction::RefundExpired => "refund.expired",
            AuditAction::CaseTaken => "case.taken",
            AuditAction::CaseReleased => "case.released",
            AuditAction::CaseNoted => "case.noted",
            AuditAction::CaseResolved => "case.resolved",
            AuditAction::JobRunByHand => "job.run",
            AuditAction::ReconciledByHand => "reconciled",
            AuditAction::EventRequeued => "event.requeued",
            AuditAction::AccountAdded => "account.added",
            AuditAction::AccountChanged => "account.changed",
            AuditAction::CredentialEntered => "credential.entered",
            AuditAction::CredentialVerified => "credential.verified",
            AuditAction::CredentialActivated => "credential.activated",
            AuditAction::CredentialRetired => "credential.retired",
            AuditAction::CredentialWiped => "credential.wiped",
            AuditAction::KeysRotated => "keys.rotated",
            AuditAction::TokenIssued => "token.issued",
            AuditAction::TokenRevoked => "token.revoked",
            AuditAction::LoginLinkIssued => "login-link.issued",
            AuditAction::LoggedIn => "logged-in",
            AuditAction::LoginRefused => "login.refused",
            AuditAction::LoggedOut => "logged-out",
            AuditAction::Refused => "refused",
            AuditAction::Exported => "exported",
            AuditAction::Revealed => "revealed",
            AuditAction::SearchedUnmasked => "searched-unmasked",
            AuditAction::SettingsChanged => "settings.changed",
            AuditAction::PaymentsMoved => "payments.moved",
            AuditAction::MoveReversed => "payments.move-reversed",
            AuditAction::HistorySealed => "history.sealed",
            AuditAction::Redacted => "redacted",
        }
    }

    pub fn from_word(word: &str) -> Option<AuditAction> {
        AuditAction::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// The party that acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditActor {
    /// A named person or program, in a role.
    Principal(Principal),
    /// A proven user, in none of our roles; or `anonymous`.
    User { uuid: String },
    /// The holder of the operators' shared token, by the name they gave: unproven.
    Operator { name: Personal, address: Option<std::net::IpAddr> },
    /// A job of this service.
    Job(&'static str),
    /// The command line of a machine, by the name of the account there.
    CommandLine { user: Personal },
}

/// An entry before it is chained. It is numbered and hashed inside the commit that makes it true.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub actor: AuditActor,
    pub action: AuditAction,
    /// The kind of object: `refund`, `case`, `account`, `credential`, `token`, `job`, `transaction`, `database`.
    pub object_kind: &'static str,
    pub object_id: String,
    /// The tenant the object belongs to; `None` for one of the whole installation.
    pub tenant: Option<TenantId>,
    /// SHA-256 of the object before, where there was one.
    pub before: Option<[u8; 32]>,
    /// SHA-256 of the object after, where there is one.
    pub after: Option<[u8; 32]>,
    /// In the actor's words. It may name people: it is kept apart, so that it can be redacted.
    pub reason: Option<Personal>,
    /// Further description of the act. No personal data and no secrets.
    pub details: Map<String, Value>,
}
