//! The roles by which endpoints, commands and pages are open.

use payment_domain::Role;

/// See what operators see: review cases, jobs.
pub const OPERATIONS: &[Role] = &[Role::Viewer, Role::Operator, Role::Auditor];
/// Run jobs, resolve review cases.
pub const ACTS: &[Role] = &[Role::Operator];
/// Read and verify the audit log.
pub const AUDITS: &[Role] = &[Role::Auditor];
/// See payments and refunds.
pub const PAYMENTS: &[Role] =
    &[Role::RefundMaker, Role::RefundChecker, Role::Operator, Role::Viewer, Role::Auditor];
/// Have the gateway asked about refunds, read the maker's words, reveal personal data.
pub const ASKS: &[Role] = &[Role::RefundMaker, Role::RefundChecker, Role::Operator];
/// Request and withdraw refunds.
pub const MAKES: &[Role] = &[Role::RefundMaker];
/// Approve and reject refunds.
pub const CHECKS: &[Role] = &[Role::RefundChecker];
/// Change accounts and tokens.
pub const ADMINS: &[Role] = &[Role::Admin];
/// See accounts, without their credentials.
pub const ACCOUNTS: &[Role] = &[Role::Admin, Role::Auditor];
