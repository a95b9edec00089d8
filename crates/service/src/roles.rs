//! The roles of callers: from DIGIT's, as far as those are proven, to ours.

use payment_domain::{Grant, RequestInfo, Role, TenantId};
use serde_json::{Value, json};

/// The user type of citizens, who hold no role here whatever their `userInfo` lists.
const CITIZEN: &str = "CITIZEN";

/// DIGIT's role codes, and the role that each gives here.
#[derive(Debug, Clone)]
pub struct RoleCodes {
    codes: Vec<(Role, Vec<String>)>,
    trusted: Option<String>,
}

impl Default for RoleCodes {
    /// Each role by its own code.
    fn default() -> RoleCodes {
        RoleCodes::new(Role::ALL.map(|role| (role, vec![role.code().to_owned()])), None)
    }
}

impl RoleCodes {
    /// `trusted` is the code of the role on whose word a refund is approved (`refund.trusted-role`).
    pub fn new(codes: impl IntoIterator<Item = (Role, Vec<String>)>, trusted: Option<String>) -> RoleCodes {
        RoleCodes { codes: codes.into_iter().collect(), trusted }
    }

    /// The rights of a user. A role that names no tenant gives nothing: the tenant of the user is where they
    /// work, which may be a whole state. Citizens have none.
    pub fn rights(&self, info: &RequestInfo) -> Rights {
        let is_citizen = info.user("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case(CITIZEN));
        let mut rights = Rights::default();
        if is_citizen {
            return rights;
        }
        for (code, tenant) in info.roles() {
            let Some(tenant) = tenant.and_then(|tenant| TenantId::new(tenant).ok()) else { continue };
            let given = self.codes.iter().filter(|(_, codes)| codes.iter().any(|known| known == code));
            rights.grants.extend(given.map(|(role, _)| Grant { role: *role, tenant: tenant.clone() }));
            if self.trusted.as_deref() == Some(code) {
                rights.trusted.push(tenant);
            }
        }
        rights
    }
}

/// The acts permitted to a named caller, with their tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    pub grants: Vec<Grant>,
    /// The tenants at which their word approves a refund.
    pub trusted: Vec<TenantId>,
}

impl Rights {
    /// Those of making and checking alone.
    #[must_use]
    pub fn of_refunds(self) -> Rights {
        let is_of_refunds = |grant: &Grant| matches!(grant.role, Role::RefundMaker | Role::RefundChecker);
        Rights { grants: self.grants.into_iter().filter(is_of_refunds).collect(), trusted: Vec::new() }
    }
}

/// A grant as DIGIT writes a role.
pub(crate) fn grant_json(grant: &Grant) -> Value {
    json!({ "code": grant.role.code(), "tenantId": grant.tenant.as_str() })
}

/// The reason why a caller may not act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the caller is not named: a proven identity or a personal API token is needed")]
    Unnamed,
    #[error("the user service does not answer, so the caller's identity cannot be checked")]
    Unverifiable,
    #[error("{tenant}: {} is needed at this tenant or above it", one_of(.roles))]
    Role {
        /// Any of them suffices.
        roles: Vec<Role>,
        tenant: TenantId,
    },
    #[error("{} is needed", one_of(.0))]
    Nowhere(Vec<Role>),
    #[error("{} is needed at a state, the topmost tenant: this concerns the whole installation", one_of(.0))]
    Installation(Vec<Role>),
    /// Accounts and tokens are in other hands than refunds.
    #[error("{tenant}: whoever holds PG_ADMIN makes and checks no refunds")]
    Admin { tenant: TenantId },
}

fn one_of(roles: &[Role]) -> String {
    roles.iter().map(|role| role.code()).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(codes: &RoleCodes, user: Value) -> Vec<(&'static str, String)> {
        let info: RequestInfo = serde_json::from_value(json!({ "userInfo": user })).unwrap();
        let grants = codes.rights(&info).grants;
        grants.into_iter().map(|grant| (grant.role.code(), grant.tenant.to_string())).collect()
    }

    #[test]
    fn a_role_is_held_at_the_tenant_that_it_names_and_at_no_other() {
        let user = json!({"uuid": "u", "type": "EMPLOYEE", "tenantId": "pb", "roles": [
            {"code": "PG_REFUND_MAKER", "tenantId": "pb.amritsar"},
            {"code": "PG_REFUND_CHECKER"},
            {"code": "PG_REFUND_CHECKER", "tenantId": ""},
            {"code": "PG_REFUND_CHECKER", "tenantId": null},
            {"code": "PG_REFUND_CHECKER", "tenantId": "pb\n"},
            {"code": "pg_viewer", "tenantId": "pb"},
            {"code": "SUPERUSER", "tenantId": "pb"},
            "PG_ADMIN", null, 7,
        ]});
        assert_eq!(rights(&RoleCodes::default(), user), [("PG_REFUND_MAKER", "pb.amritsar".to_owned())]);
        assert_eq!(rights(&RoleCodes::default(), json!({"roles": "PG_ADMIN"})), []);
    }

    #[test]
    fn digits_roles_are_mapped_to_ours() {
        let codes = RoleCodes::new(
            [
                (Role::RefundMaker, vec!["FINANCE".to_owned(), "CASHIER".to_owned()]),
                (Role::Viewer, vec!["FINANCE".to_owned()]),
            ],
            Some("REFUND_WORKFLOW".to_owned()),
        );
        let user = json!({"type": "EMPLOYEE", "roles": [
            {"code": "FINANCE", "tenantId": "pb"},
            {"code": "PG_REFUND_MAKER", "tenantId": "pb"},
            {"code": "REFUND_WORKFLOW", "tenantId": "pb.nabha"},
        ]});
        let expected = [("PG_REFUND_MAKER", "pb".to_owned()), ("PG_VIEWER", "pb".to_owned())];
        assert_eq!(rights(&codes, user.clone()), expected);
        let info: RequestInfo = serde_json::from_value(json!({ "userInfo": user })).unwrap();
        assert_eq!(codes.rights(&info).trusted, [TenantId::new("pb.nabha").unwrap()]);
        assert_eq!(RoleCodes::default().rights(&info).trusted, []);
    }

    #[test]
    fn citizens_hold_no_role() {
        for kind in ["CITIZEN", "citizen "] {
            let user = json!({"type": kind, "roles": [{"code": "PG_ADMIN", "tenantId": "pb"}]});
            assert_eq!(rights(&RoleCodes::default(), user), []);
        }
    }
}
