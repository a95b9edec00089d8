use std::collections::BTreeMap;
use std::time::Duration;

use payment_domain::refund::machine::QUIET_TIME;
use payment_domain::{Money, TenantId};

/// When the receipt of a payment that was given back whole is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReceipt {
    OnSuccess,
    OnApproval,
    Never,
}

/// The rules of refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundSettings {
    /// Up to this amount no checker is needed; zero for always two people.
    pub approval_above: Money,
    /// Above this amount a second checker is needed; `None` for never.
    pub second_checker_above: Option<Money>,
    /// The DIGIT role whose holder's word approves.
    pub trusted_role: Option<String>,
    /// For how long after the payment refunds are requested; `None` for ever.
    pub window: Option<Duration>,
    /// The largest refund, by tenant; a tenant without an entry has that of the tenant above it, `*` is for
    /// all others.
    pub limits: BTreeMap<String, Money>,
    /// How long a request waits for its decision.
    pub decided_within: Duration,
    /// The time of status requests about a sent refund before an operator must look.
    pub life: Duration,
    /// How long after a call "no such refund" is no answer yet.
    pub quiet_time: Duration,
    pub cancel_receipt: CancelReceipt,
    /// The time from each status request about a sent refund to the next; the last one repeats.
    pub distances: Vec<Duration>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for RefundSettings {
    fn default() -> RefundSettings {
        RefundSettings {
            approval_above: Money::ZERO,
            second_checker_above: None,
            trusted_role: None,
            window: Some(DAY * 180),
            limits: BTreeMap::new(),
            decided_within: DAY * 30,
            life: DAY * 10,
            quiet_time: QUIET_TIME,
            cancel_receipt: CancelReceipt::OnSuccess,
            distances: [10, 60, 300, 900, 3600, 6 * 3600].map(Duration::from_secs).to_vec(),
        }
    }
}

impl RefundSettings {
    /// The largest refund of a tenant; `None` without a limit.
    pub fn limit(&self, tenant: &TenantId) -> Option<Money> {
        let mut scope = tenant.as_str();
        loop {
            if let Some(limit) = self.limits.get(scope) {
                return Some(*limit);
            }
            match scope.rsplit_once('.') {
                Some((above, _)) => scope = above,
                None => return self.limits.get("*").copied(),
            }
        }
    }

    /// The number of checkers that an amount needs. An amount in another currency than the rule's needs the
    /// rule's largest number.
    pub(crate) fn checkers(&self, amount: Money) -> usize {
        let exceeds = |limit: Money| amount.currency() != limit.currency() || amount.minor() > limit.minor();
        if self.second_checker_above.is_some_and(exceeds) {
            2
        } else {
            usize::from(exceeds(self.approval_above))
        }
    }

    /// The time to the next status request, after that many.
    pub(crate) fn distance(&self, checks: u32) -> Duration {
        let at = usize::try_from(checks).unwrap_or(usize::MAX);
        self.distances.get(at).or(self.distances.last()).copied().unwrap_or(DAY)
    }

    /// The exceptions to "two people" that are on, as sentences for operators.
    pub fn exceptions(&self) -> Vec<String> {
        let small = (!self.approval_above.is_zero()).then(|| {
            format!(
                "refunds up to {} need no second person (refund.approval-above)",
                self.approval_above.with_code()
            )
        });
        let trusted = self.trusted_role.as_ref().map(|role| {
            format!("refunds of callers with the role {role} need no second person (refund.trusted-role)")
        });
        small.into_iter().chain(trusted).collect()
    }
}

#[cfg(test)]
mod tests {
    use payment_domain::Currency;

    use super::*;

    fn rupees(minor: i64) -> Money {
        Money::from_minor(minor, Currency::INR).unwrap()
    }

    #[test]
    fn always_one_checker_unless_the_settings_say_otherwise() {
        let settings = RefundSettings::default();
        assert_eq!((settings.checkers(rupees(1)), settings.exceptions().len()), (1, 0));
        let small = RefundSettings { approval_above: rupees(500), ..settings.clone() };
        assert_eq!((small.checkers(rupees(500)), small.checkers(rupees(501))), (0, 1));
        let large = RefundSettings { second_checker_above: Some(rupees(1000)), ..small };
        assert_eq!((large.checkers(rupees(1000)), large.checkers(rupees(1001))), (1, 2));
        let dollars = Money::from_minor(1, Currency::from_code("USD").unwrap()).unwrap();
        assert_eq!((large.checkers(dollars), settings.checkers(dollars)), (2, 1));
        assert_eq!(large.exceptions().len(), 1);
    }

    #[test]
    fn a_tenant_inherits_the_limit_of_the_one_above() {
        let limits = BTreeMap::from([("pb".to_owned(), rupees(10)), ("pb.nabha".to_owned(), rupees(5))]);
        let settings = RefundSettings { limits, ..RefundSettings::default() };
        let limit = |tenant| settings.limit(&TenantId::new(tenant).unwrap());
        assert_eq!(limit("pb.amritsar"), Some(rupees(10)));
        assert_eq!((limit("pb.nabha"), limit("mh.pune")), (Some(rupees(5)), None));
    }
}
