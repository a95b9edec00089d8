use std::collections::BTreeSet;

use payment_gateway::{GatewayError, NoRefund};
use payment_service::{
    AccountError, AccountObstacle, AccountProblem, CaseError, CredentialFault, Denied, NotCancellable,
    NotPaid, NotSupported, RefundError, SettleError, TokenError, TokenFlaw, Unverified, VaultError,
};

use super::{Notice, outcome};
use crate::failure::Refusal;
use crate::format;
use crate::language::{Texts, fill};

/// Why nothing was done.
pub(crate) fn refusal(t: &Texts, refusal: &Refusal) -> String {
    let r = &t.refusals;
    match refusal {
        Refusal::Told(text) => text.to_string(),
        Refusal::ClockDiffers(seconds) => fill(r.clock_differs, [&seconds.to_string()]),
        Refusal::Case(error) => case(t, error),
        Refusal::Refund(error) => refund(t, error),
        Refusal::Account(error) => account(t, error),
        Refusal::Settle(error) => settle(t, error).to_owned(),
        Refusal::Token(error) => token(t, error),
    }
}

pub(crate) fn denied(t: &Texts, denied: &Denied) -> String {
    let r = &t.refusals;
    let any = |roles: &[payment_domain::Role]| {
        let codes: BTreeSet<&str> = roles.iter().map(|role| role.code()).collect();
        codes.into_iter().collect::<Vec<_>>().join(", ")
    };
    match denied {
        Denied::Unnamed => r.unnamed.to_owned(),
        Denied::Unverifiable => fill(t.logins.no_answer_reason, ["egov-user"]),
        Denied::Role { roles, tenant } => fill(r.role_at, [tenant.as_str(), &any(roles)]),
        Denied::Nowhere(roles) => fill(r.role_anywhere, [&any(roles)]),
        Denied::Installation(roles) => fill(r.role_at_state, [&any(roles)]),
        Denied::Admin { tenant } => fill(r.admin_without_refunds, [tenant.as_str()]),
    }
}

fn case(t: &Texts, error: &CaseError) -> String {
    match error {
        CaseError::NotFound => t.failures.not_found_reason.to_owned(),
        CaseError::Stale => t.refusals.case_stale.to_owned(),
        CaseError::Before(resolution) => fill(t.refusals.case_resolved, [&resolution.by]),
        CaseError::NoText => t.payment.reason_required.to_owned(),
        CaseError::Store(_) => t.failures.failed_reason.to_owned(),
    }
}

fn settle(t: &Texts, error: &SettleError) -> &'static str {
    match error {
        SettleError::NotFound => t.failures.not_found_reason,
        SettleError::BadSignature => t.refusals.answer_forged,
        SettleError::WrongTransaction => t.refusals.answer_of_another,
        SettleError::Fenced | SettleError::Interrupted => t.refusals.interrupted,
        SettleError::Store(_) => t.failures.failed_reason,
    }
}

fn refund(t: &Texts, error: &RefundError) -> String {
    let r = &t.refusals;
    let told = match error {
        RefundError::NoPayment | RefundError::NotFound => t.failures.not_found_reason,
        RefundError::AlreadyPaid => r.refund_all_back,
        RefundError::AlreadyInitiated => r.refund_all_reserved,
        RefundError::InvalidAmount { .. } => t.lists.write_amount,
        RefundError::ReasonRequired => t.payment.reason_required,
        RefundError::SameUser => r.refund_same_person,
        RefundError::NotTheMaker => r.refund_not_the_maker,
        RefundError::KeyReused => t.failures.form_used,
        RefundError::Interrupted => r.interrupted,
        RefundError::Store(_) => t.failures.failed_reason,
        RefundError::NotPaid(reason) => return not_paid(t, reason),
        RefundError::NotSupported(reason) => return not_supported(t, reason),
        RefundError::ReceiptNotCancellable(reason) => return not_cancellable(t, reason),
        RefundError::Exceeds { available } => return fill(r.refund_exceeds, [&format::money(*available)]),
        RefundError::AvailableDiffers { available } => {
            return fill(r.refund_left_differs, [&format::money(*available)]);
        }
        RefundError::WindowOver { days } => return fill(r.refund_window, [&days.to_string()]),
        RefundError::State { status, version } => {
            return fill(r.refund_moved_on, [format::refund_word(t, *status), &version.to_string()]);
        }
        RefundError::GatewayUnavailable { cause, .. } => {
            let cause = cause.as_ref().map_or_else(|| r.gateway_pace.to_owned(), |error| gateway(t, error));
            return fill(r.refund_gateway_unavailable, [&cause]);
        }
    };
    told.to_owned()
}

fn not_paid(t: &Texts, reason: &NotPaid) -> String {
    let r = &t.refusals;
    match reason {
        NotPaid::Adopted(_) => r.not_paid_adopted.to_owned(),
        NotPaid::Pending => r.not_paid_pending.to_owned(),
        NotPaid::Contradiction => r.not_paid_contradiction.to_owned(),
        NotPaid::OtherCase(id) => fill(r.not_paid_case, [&id.to_string()]),
        NotPaid::FailedWithoutCase => r.not_paid_failed.to_owned(),
        NotPaid::CaseWithoutAmount => r.not_paid_case_amount.to_owned(),
        NotPaid::OtherCurrency => r.not_paid_currency.to_owned(),
        NotPaid::WithoutAmount => r.not_paid_amount.to_owned(),
        NotPaid::ReturnedWithoutAmount => r.not_paid_returned.to_owned(),
        NotPaid::Reported(reported) => fill(r.not_paid_reported, [outcome(t, reported)]),
    }
}

fn not_supported(t: &Texts, reason: &NotSupported) -> String {
    let r = &t.refusals;
    match reason {
        NotSupported::Unusable(_) => r.refund_unusable.to_owned(),
        NotSupported::Gateway(name) => fill(r.refund_gateway_never, [name.as_str()]),
        NotSupported::Payment(NoRefund::Never) => r.refund_never.to_owned(),
        NotSupported::Payment(NoRefund::OnlyIn(currency)) => fill(r.refund_only_in, [currency.code()]),
        NotSupported::Payment(NoRefund::OtherUnit) => r.refund_other_unit.to_owned(),
        NotSupported::Payment(NoRefund::NumberUnknown) => r.refund_number_unknown.to_owned(),
        NotSupported::Payment(NoRefund::OtherNumber(number)) => fill(r.refund_number_other, [number]),
        NotSupported::Minimum(amount) => fill(r.refund_minimum, [&format::money(*amount)]),
        NotSupported::WholeOnly => r.refund_whole_only.to_owned(),
        NotSupported::Once => r.refund_once.to_owned(),
        NotSupported::Limit(amount) => fill(r.refund_limit, [&format::money(*amount)]),
    }
}

fn not_cancellable(t: &Texts, reason: &NotCancellable) -> String {
    let r = &t.refusals;
    match reason {
        NotCancellable::Status(status) => fill(r.receipt_status, [status]),
        NotCancellable::LaterPayment => r.receipt_later.to_owned(),
        NotCancellable::Unknown(_) => r.receipt_unknown.to_owned(),
    }
}

fn gateway(t: &Texts, error: &GatewayError) -> String {
    let r = &t.reasons;
    match error {
        GatewayError::NotSent(_) => r.unreachable.to_owned(),
        GatewayError::LocalFault(_) => r.local_fault.to_owned(),
        GatewayError::Unanswered(_) => r.unanswered.to_owned(),
        GatewayError::Unreadable(words) => fill(r.unreadable, [words]),
        GatewayError::Refused { code } => fill(r.order_refused, [code]),
        GatewayError::Unavailable { .. } => r.unavailable.to_owned(),
        GatewayError::BadSignature => r.bad_signature.to_owned(),
        GatewayError::WrongTransaction => r.other_transaction.to_owned(),
    }
}

fn account(t: &Texts, error: &AccountError) -> String {
    let r = &t.refusals;
    let told = match error {
        AccountError::NotFound => t.failures.not_found_reason,
        AccountError::Stale => r.account_stale,
        AccountError::KeyReused => t.failures.form_used,
        AccountError::Nameless => r.account_nameless,
        AccountError::SamePerson => r.account_same_person,
        AccountError::OtherMerchant => r.account_other_merchant,
        AccountError::Store(_) => t.failures.failed_reason,
        AccountError::State(obstacle) => return obstructed(t, obstacle),
        AccountError::Invalid(problems) => {
            return problems.iter().map(|found| problem(t, found).text).collect::<Vec<_>>().join(" ");
        }
        AccountError::NotVerified(why) => {
            let why = match why {
                Unverified::Unanswered => t.reasons.unanswered.to_owned(),
                Unverified::UnknownPayment => r.gateway_unknown_payment.to_owned(),
                Unverified::Inconclusive(reported) => fill(r.gateway_inconclusive, [outcome(t, reported)]),
                Unverified::Failed(error) => gateway(t, error),
            };
            return fill(r.account_not_verified, [&why]);
        }
        AccountError::Denied(reason) => return denied(t, reason),
        AccountError::Vault(error) => return vault(t, error),
    };
    told.to_owned()
}

fn obstructed(t: &Texts, obstacle: &AccountObstacle) -> String {
    let r = &t.refusals;
    match obstacle {
        AccountObstacle::Retired => r.account_is_retired.to_owned(),
        AccountObstacle::NotEntered => r.account_not_entered.to_owned(),
        AccountObstacle::NotVerified => t.accounts.account_none_verified.to_owned(),
        AccountObstacle::NoSuchPayment => r.account_no_such_payment.to_owned(),
        AccountObstacle::Active => r.account_is_active.to_owned(),
        AccountObstacle::Wiped => r.account_is_wiped.to_owned(),
        AccountObstacle::RetiredCredentials => r.account_only_wiped.to_owned(),
        AccountObstacle::Unusable(reason) => fault(t, reason).text,
    }
}

/// Why credentials cannot be used.
pub(crate) fn fault(t: &Texts, fault: &CredentialFault) -> Notice {
    let r = &t.refusals;
    Notice::of(match fault {
        CredentialFault::NoFields => r.fault_no_fields.to_owned(),
        CredentialFault::NoCredentials => r.fault_no_credentials.to_owned(),
        CredentialFault::Vault(error) => vault(t, error),
        CredentialFault::Fields(problems) => {
            let problems: Vec<Notice> = problems.iter().map(|found| problem(t, found)).collect();
            let messages: Vec<&str> = problems.iter().filter_map(|it| it.message.as_deref()).collect();
            let texts: Vec<&str> = problems.iter().map(|it| it.text.as_str()).collect();
            let message = (!messages.is_empty()).then(|| messages.join(" "));
            return Notice { text: texts.join(" "), message };
        }
    })
}

fn vault(t: &Texts, error: &VaultError) -> String {
    let r = &t.refusals;
    match error {
        VaultError::NoKey => r.key_none.to_owned(),
        VaultError::Missing { kek_id } => fill(r.key_missing, [kek_id]),
        VaultError::Wrong { kek_id } => fill(r.key_wrong, [kek_id]),
        VaultError::Altered { kek_id, field } => fill(r.key_altered, [field, kek_id]),
        VaultError::NoRandomness => t.failures.failed_reason.to_owned(),
    }
}

pub(crate) fn problem(t: &Texts, problem: &AccountProblem) -> Notice {
    let r = &t.refusals;
    match problem {
        AccountProblem::NoStoredAccounts(name) => Notice::of(fill(r.no_stored_accounts, [name.as_str()])),
        AccountProblem::Length { member, most } => {
            let name = match *member {
                "label" => t.accounts.account_label,
                "businessService" => t.words.service,
                "bankAccountRef" => t.accounts.bank_account,
                other => other,
            };
            Notice::of(fill(r.field_length, [name, &most.to_string()]))
        }
        AccountProblem::UnknownField { name, gateway } => {
            Notice::of(fill(r.field_unknown, [name, gateway.as_str()]))
        }
        AccountProblem::TooLong(name) => Notice::of(fill(r.field_too_long, [name])),
        AccountProblem::Field { name, is_set: false, .. } => Notice::of(fill(r.field_missing, [name])),
        AccountProblem::Field { name, is_set: true, text } => {
            Notice { text: fill(r.field_wrong, [name]), message: Some(text.clone()) }
        }
        AccountProblem::OfFile(text) => Notice { text: r.file_wrong.to_owned(), message: Some(text.clone()) },
    }
}

fn token(t: &Texts, error: &TokenError) -> String {
    let r = &t.refusals;
    let told = match error {
        TokenError::Invalid(TokenFlaw::Label) => r.token_label,
        TokenError::Invalid(TokenFlaw::HolderName | TokenFlaw::HolderUuid) => r.token_holder,
        TokenError::Invalid(TokenFlaw::Grants) => r.token_grants,
        TokenError::Invalid(TokenFlaw::Life) => r.token_life,
        TokenError::OwnRefunds => r.token_own_refunds,
        TokenError::OwnLife => r.token_own_life,
        TokenError::LabelTaken => r.token_label_taken,
        TokenError::ProgramChecks => r.token_program_checks,
        TokenError::UuidTaken => r.token_uuid_taken,
        TokenError::NameTaken => r.token_name_taken,
        TokenError::NotFound => t.failures.not_found_reason,
        TokenError::NoRandomness | TokenError::Store(_) => t.failures.failed_reason,
        TokenError::AdminWithRefunds { tenant } => {
            return fill(r.token_admin_with_refunds, [tenant.as_str()]);
        }
        TokenError::Before(revocation) => return fill(r.token_revoked, [&revocation.by]),
        TokenError::Denied(reason) => return denied(t, reason),
    };
    told.to_owned()
}
