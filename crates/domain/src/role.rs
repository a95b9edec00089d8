//! Roles: the rights of people and programs at a tenant.

use crate::ids::TenantId;

/// A role. It is held at a tenant, and holds for the tenants below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sees payments.
    Viewer,
    /// Also runs jobs and resolves review cases.
    Operator,
    /// Requests and withdraws refunds.
    RefundMaker,
    /// Approves and rejects the refunds of others.
    RefundChecker,
    /// Sees everything, personal data masked, and the audit log; changes nothing.
    Auditor,
    /// Changes merchant accounts and tokens; no refunds.
    Admin,
}

impl Role {
    pub const ALL: [Role; 6] =
        [Role::Viewer, Role::Operator, Role::RefundMaker, Role::RefundChecker, Role::Auditor, Role::Admin];

    /// Its code in DIGIT and in tokens.
    pub fn code(self) -> &'static str {
        match self {
            Role::Viewer => "PG_VIEWER",
            Role::Operator => "PG_OPERATOR",
            Role::RefundMaker => "PG_REFUND_MAKER",
            Role::RefundChecker => "PG_REFUND_CHECKER",
            Role::Auditor => "PG_AUDITOR",
            Role::Admin => "PG_ADMIN",
        }
    }

    /// The role of this code, in exactly this spelling.
    pub fn from_code(code: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.code() == code)
    }
}

/// A role, and the tenant at which it is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    pub role: Role,
    pub tenant: TenantId,
}

impl Grant {
    /// Whether it gives this role at this tenant.
    pub fn gives(&self, role: Role, tenant: &TenantId) -> bool {
        self.role == role && tenant.is_within(self.tenant.as_str())
    }
}

/// A named person or program that acts in a role; decisions are recorded in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Of their own: two people never share one.
    pub uuid: String,
    /// The role in which they act now.
    pub role: Role,
    /// The tenant at which they hold it.
    pub tenant: TenantId,
    /// The network address of the caller, where there is one.
    pub address: Option<std::net::IpAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_holds_at_its_tenant_and_below() {
        let at = |tenant: &str| TenantId::new(tenant).unwrap();
        let grant = Grant { role: Role::RefundMaker, tenant: at("pb") };
        assert!(
            grant.gives(Role::RefundMaker, &at("pb")) && grant.gives(Role::RefundMaker, &at("pb.amritsar"))
        );
        assert!(!grant.gives(Role::RefundMaker, &at("pbx")) && !grant.gives(Role::RefundChecker, &at("pb")));
        let city = Grant { tenant: at("pb.amritsar"), ..grant };
        assert!(!city.gives(Role::RefundMaker, &at("pb")));
    }

    #[test]
    fn every_role_is_found_by_its_code() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
        assert_eq!(Role::from_code("pg_admin"), None);
    }
}
