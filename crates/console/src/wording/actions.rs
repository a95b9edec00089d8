use payment_domain::AuditAction;

use crate::language::Texts;

pub(crate) fn action(t: &Texts, action: AuditAction) -> &'static str {
    let t = &t.actions;
    match action {
        AuditAction::RefundRequested => t.refund_requested,
        AuditAction::RefundApproved => t.refund_approved,
        AuditAction::RefundRejected => t.refund_rejected,
        AuditAction::RefundWithdrawn => t.refund_withdrawn,
        AuditAction::RefundExpired => t.refund_expired,
        AuditAction::CaseTaken => t.case_taken,
        AuditAction::CaseReleased => t.case_released,
        AuditAction::CaseNoted => t.case_noted,
        AuditAction::CaseResolved => t.case_resolved,
        AuditAction::JobRunByHand => t.job_run,
        AuditAction::ReconciledByHand => t.reconciled,
        AuditAction::EventRequeued => t.event_requeued,
        AuditAction::AccountAdded => t.account_added,
        AuditAction::AccountChanged => t.account_changed,
        AuditAction::CredentialEntered => t.credential_entered,
        AuditAction::CredentialVerified => t.credential_verified,
        AuditAction::CredentialActivated => t.credential_activated,
        AuditAction::CredentialRetired => t.credential_retired,
        AuditAction::CredentialWiped => t.credential_wiped,
        AuditAction::KeysRotated => t.keys_rotated,
        AuditAction::TokenIssued => t.token_issued,
        AuditAction::TokenRevoked => t.token_revoked,
        AuditAction::LoginLinkIssued => t.login_link_issued,
        AuditAction::LoggedIn => t.logged_in,
        AuditAction::LoginRefused => t.login_refused,
        AuditAction::LoggedOut => t.logged_out,
        AuditAction::Refused => t.refused,
        AuditAction::Exported => t.exported,
        AuditAction::Revealed => t.revealed,
        AuditAction::SearchedUnmasked => t.searched_unmasked,
        AuditAction::SettingsChanged => t.settings_changed,
        AuditAction::PaymentsMoved => t.payments_moved,
        AuditAction::MoveReversed => t.move_reversed,
        AuditAction::HistorySealed => t.history_sealed,
        AuditAction::Redacted => t.redacted,
    }
}
