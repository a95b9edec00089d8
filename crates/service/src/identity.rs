//! The identity of a caller. Its own claims decide nothing until they are proven.

use std::borrow::Cow;
use std::net::IpAddr;

use payment_domain::{Grant, Personal, Principal, RequestInfo, Role, TenantId, UserInfo};
use payment_store::TenantScope;
use serde_json::{Value, json};

use crate::roles::{Denied, Rights, grant_json};

/// A `RequestInfo`, the proof of it, and what it gives a right to.
#[derive(Debug, Clone)]
pub struct Identity {
    info: RequestInfo,
    proof: Proof,
    rights: Rights,
}

/// A person or program that was proven by a secret of ours.
pub(crate) struct NamedHolder<'a> {
    pub(crate) uuid: &'a str,
    pub(crate) name: &'a Personal,
    /// The `userName`: what they logged in with.
    pub(crate) login: &'a str,
    pub(crate) grants: &'a [Grant],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Unproven,
    /// Could not be checked: repeating the request makes sense.
    Unverifiable,
    Proven,
    /// A job, or a gateway's callback: no caller waits for the answer.
    System,
}

impl Identity {
    /// A caller without proof. Towards DIGIT's services it is at most a citizen.
    pub fn unproven(info: &RequestInfo) -> Identity {
        Identity { info: info.as_citizen(), proof: Proof::Unproven, rights: Rights::default() }
    }

    /// A caller whose proof cannot be checked now, and counts as none.
    pub fn unverifiable(info: &RequestInfo) -> Identity {
        Identity { proof: Proof::Unverifiable, ..Identity::unproven(info) }
    }

    /// A caller proven to be this user. The system user is never a caller: a claim to be it is unproven,
    /// whatever vouches for it.
    pub fn proven(info: &RequestInfo, user: &UserInfo) -> Identity {
        Identity::vouched(info.with_user(user))
    }

    /// A caller whose `userInfo` was set by a trusted party. See [`Identity::proven`].
    pub fn vouched(info: RequestInfo) -> Identity {
        match info.user("type") {
            Some(kind) if kind.trim().eq_ignore_ascii_case(RequestInfo::SYSTEM) => Identity::unproven(&info),
            Some(_) | None => Identity { info, proof: Proof::Proven, rights: Rights::default() },
        }
    }

    /// The holder of grants of ours, with these alone: what a request says of its caller is left out. DIGIT knows
    /// programs as employees, too.
    pub(crate) fn of_holder(info: &RequestInfo, holder: NamedHolder<'_>) -> Option<Identity> {
        let roles: Vec<Value> = holder.grants.iter().map(grant_json).collect();
        let members = json!({
            "uuid": holder.uuid,
            "type": "EMPLOYEE",
            "userName": holder.login,
            "name": holder.name.expose(),
            "tenantId": holder.grants.first().map(|grant| grant.tenant.as_str()),
            "roles": roles,
        });
        let user = UserInfo::new(members.as_object()?.clone())?;
        let rights = Rights { grants: holder.grants.to_vec(), trusted: Vec::new() };
        Some(Identity::vouched(info.of_user(&user)).with_rights(rights))
    }

    /// The grants of the caller.
    pub fn grants(&self) -> &[Grant] {
        &self.rights.grants
    }

    /// The same with these rights; a caller without proof gets none.
    #[must_use]
    pub fn with_rights(self, rights: Rights) -> Identity {
        if self.is_proven() { Identity { rights, ..self } } else { self }
    }

    /// Jobs, as their user.
    pub fn system(user_uuid: &str) -> Identity {
        Identity { info: RequestInfo::system(user_uuid), proof: Proof::System, rights: Rights::default() }
    }

    /// Goes with calls to DIGIT's services.
    pub fn info(&self) -> &RequestInfo {
        &self.info
    }

    /// The uuid of a proven user.
    pub fn proven_uuid(&self) -> Option<Cow<'_, str>> {
        if self.is_proven() { self.info.user("uuid") } else { None }
    }

    /// The caller as one who acts in the first of these roles that they hold at the tenant. Uuids are compared to
    /// tell two people apart, and are in lower case therefore.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn principal(
        &self,
        roles: &[Role],
        tenant: &TenantId,
        address: Option<IpAddr>,
    ) -> Result<Principal, Denied> {
        let uuid = self.named()?;
        let grants = &self.rights.grants;
        let held = roles.iter().find_map(|role| grants.iter().find(|grant| grant.gives(*role, tenant)));
        let missing = || Denied::Role { roles: roles.to_vec(), tenant: tenant.clone() };
        let grant = held.ok_or_else(missing)?;
        let moves_money = matches!(grant.role, Role::RefundMaker | Role::RefundChecker);
        if moves_money && grants.iter().any(|grant| grant.gives(Role::Admin, tenant)) {
            return Err(Denied::Admin { tenant: tenant.clone() });
        }
        Ok(Principal { uuid, role: grant.role, tenant: grant.tenant.clone(), address })
    }

    /// The same for an act that concerns the whole installation: the role is held at a state.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn principal_of_installation(
        &self,
        roles: &[Role],
        address: Option<IpAddr>,
    ) -> Result<Principal, Denied> {
        self.named()?;
        let of_state = |role| {
            let held = |tenant: &TenantId| !tenant.as_str().contains('.');
            self.rights.grants.iter().find(|grant| grant.role == role && held(&grant.tenant))
        };
        let grant = roles.iter().copied().find_map(of_state);
        let grant = grant.ok_or_else(|| Denied::Installation(roles.to_vec()))?;
        self.principal(&[grant.role], &grant.tenant, address)
    }

    /// The tenants at and below which the caller holds one of these roles; never none.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn scopes(&self, roles: &[Role]) -> Result<Vec<TenantScope>, Denied> {
        self.named()?;
        let held = self.rights.grants.iter().filter(|grant| roles.contains(&grant.role));
        let mut roots: Vec<&str> = held.map(|grant| grant.tenant.as_str()).collect();
        roots.sort_unstable();
        roots.dedup();
        if roots.is_empty() {
            return Err(Denied::Nowhere(roles.to_vec()));
        }
        Ok(roots.into_iter().map(|root| TenantScope { root: root.to_owned() }).collect())
    }

    /// Whether the caller's word approves refunds of this tenant (`refund.trusted-role`).
    pub fn is_trusted_at(&self, tenant: &TenantId) -> bool {
        let covers = |trusted: &TenantId| tenant.is_within(trusted.as_str());
        self.named().is_ok() && self.rights.trusted.iter().any(covers)
    }

    /// Whether the caller holds any role here.
    pub fn has_rights(&self) -> bool {
        self.rights != Rights::default()
    }

    /// The caller in whichever role they hold, for the record of a refusal.
    pub fn in_any_role(&self, address: Option<IpAddr>) -> Option<Principal> {
        let grant = self.rights.grants.first()?;
        Some(Principal { uuid: self.named().ok()?, role: grant.role, tenant: grant.tenant.clone(), address })
    }

    /// The uuid of a caller with a name.
    fn named(&self) -> Result<String, Denied> {
        if self.is_unverifiable() {
            return Err(Denied::Unverifiable);
        }
        let uuid = self.proven_uuid().map(|uuid| uuid.trim().to_lowercase());
        uuid.filter(|uuid| !uuid.is_empty()).ok_or(Denied::Unnamed)
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proof == Proof::Proven
    }

    pub fn is_unverifiable(&self) -> bool {
        self.proof == Proof::Unverifiable
    }

    pub(crate) fn is_system(&self) -> bool {
        self.proof == Proof::System
    }

    /// The `RequestInfo` that is stored and published: without the token, and without an unproven user type.
    pub(crate) fn published_info(&self) -> RequestInfo {
        let info = self.info.without_token();
        match self.proof {
            Proof::Unproven | Proof::Unverifiable => info.without_user_type(),
            Proof::Proven | Proof::System => info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(user: Value) -> RequestInfo {
        serde_json::from_value(json!({"apiId": "a", "authToken": "secret", "userInfo": user})).unwrap()
    }

    fn published(identity: &Identity) -> Value {
        serde_json::to_value(identity.published_info()).unwrap()
    }

    #[test]
    fn the_system_user_is_never_a_caller() {
        for kind in ["SYSTEM", "system", " System "] {
            let claimed = info(json!({"uuid": "u", "type": kind, "roles": [{"code": "SYSTEM"}]}));
            let members = json!({"uuid": "u", "type": kind}).as_object().unwrap().clone();
            let proof = UserInfo::new(members).unwrap();
            for identity in [Identity::vouched(claimed.clone()), Identity::proven(&claimed, &proof)] {
                assert!(!identity.is_proven() && !identity.is_system());
                assert_eq!(identity.proven_uuid(), None);
                assert_eq!(identity.info().user("type").as_deref(), Some("CITIZEN"));
                assert_eq!(published(&identity)["userInfo"]["type"], Value::Null);
            }
        }
    }

    fn at(tenant: &str) -> TenantId {
        TenantId::new(tenant).unwrap()
    }

    fn employee(roles: &[(Role, &str)]) -> Identity {
        let grants = roles.iter().map(|(role, tenant)| Grant { role: *role, tenant: at(tenant) }).collect();
        let rights = Rights { grants, trusted: vec![at("pb.nabha")] };
        Identity::vouched(info(json!({"uuid": " 3FA1-Clerk ", "type": "EMPLOYEE"}))).with_rights(rights)
    }

    #[test]
    fn a_role_makes_a_principal_at_its_tenant_and_below_alone() {
        let maker = employee(&[(Role::RefundMaker, "pb.amritsar"), (Role::Viewer, "pb")]);
        let address = Some("10.0.0.7".parse().unwrap());
        let principal = maker.principal(&[Role::RefundMaker], &at("pb.amritsar"), address).unwrap();
        let expected = Principal {
            uuid: "3fa1-clerk".to_owned(),
            role: Role::RefundMaker,
            tenant: at("pb.amritsar"),
            address,
        };
        assert_eq!(principal, expected);
        for elsewhere in ["pb", "pb.nabha", "pb.amritsar2", "mh.pune"] {
            let denied = maker.principal(&[Role::RefundMaker], &at(elsewhere), None).unwrap_err();
            assert_eq!(denied, Denied::Role { roles: vec![Role::RefundMaker], tenant: at(elsewhere) });
        }
        assert!(maker.principal(&[Role::RefundChecker], &at("pb.amritsar"), None).is_err());
        let first = maker.principal(&[Role::Operator, Role::Viewer], &at("pb.nabha"), None).unwrap();
        assert_eq!((first.role, first.tenant), (Role::Viewer, at("pb")));
    }

    #[test]
    fn an_admin_makes_and_checks_no_refund_where_they_are_admin() {
        let both =
            employee(&[(Role::RefundMaker, "pb.amritsar"), (Role::Admin, "pb"), (Role::RefundMaker, "mh")]);
        let denied = both.principal(&[Role::RefundMaker], &at("pb.amritsar"), None).unwrap_err();
        assert_eq!(denied, Denied::Admin { tenant: at("pb.amritsar") });
        assert!(both.principal(&[Role::RefundMaker], &at("mh.pune"), None).is_ok());
        assert!(both.principal(&[Role::Admin], &at("pb.amritsar"), None).is_ok());
    }

    #[test]
    fn the_whole_installation_needs_the_role_at_a_state() {
        let city = employee(&[(Role::Operator, "pb.amritsar"), (Role::Viewer, "pb")]);
        let denied = city.principal_of_installation(&[Role::Operator], None).unwrap_err();
        assert_eq!(denied, Denied::Installation(vec![Role::Operator]));
        let viewer = city.principal_of_installation(&[Role::Operator, Role::Viewer], None).unwrap();
        assert_eq!((viewer.role, viewer.tenant), (Role::Viewer, at("pb")));
    }

    #[test]
    fn a_caller_without_proof_has_no_rights_whatever_is_said() {
        let rights = || Rights {
            grants: vec![Grant { role: Role::RefundMaker, tenant: at("pb") }],
            trusted: vec![at("pb")],
        };
        let claimed = info(json!({"uuid": "u", "type": "EMPLOYEE"}));
        let system = info(json!({"uuid": "u", "type": "SYSTEM"}));
        let nameless = info(json!({"uuid": "  ", "type": "EMPLOYEE"}));
        for (identity, denied) in [
            (Identity::unproven(&claimed), Denied::Unnamed),
            (Identity::unverifiable(&claimed), Denied::Unverifiable),
            (Identity::vouched(system), Denied::Unnamed),
            (Identity::system("u"), Denied::Unnamed),
            (Identity::vouched(nameless), Denied::Unnamed),
        ] {
            let identity = identity.with_rights(rights());
            assert_eq!(identity.principal(&[Role::RefundMaker], &at("pb"), None), Err(denied.clone()));
            assert_eq!(identity.principal_of_installation(&[Role::RefundMaker], None), Err(denied.clone()));
            assert_eq!(identity.scopes(&[Role::RefundMaker]), Err(denied));
            assert!(!identity.is_trusted_at(&at("pb")));
        }
    }

    #[test]
    fn scopes_are_the_tenants_of_the_roles() {
        let viewer = employee(&[
            (Role::Viewer, "pb.nabha"),
            (Role::RefundMaker, "pb.amritsar"),
            (Role::Viewer, "mh"),
            (Role::Operator, "mh"),
        ]);
        let roots = |roles: &[Role]| {
            viewer.scopes(roles).map(|all| all.into_iter().map(|scope| scope.root).collect::<Vec<_>>())
        };
        assert_eq!(roots(&[Role::Viewer, Role::Operator]).unwrap(), ["mh", "pb.nabha"]);
        assert_eq!(roots(&[Role::Auditor]), Err(Denied::Nowhere(vec![Role::Auditor])));
        assert!(viewer.is_trusted_at(&at("pb.nabha")) && !viewer.is_trusted_at(&at("pb.amritsar")));
    }

    #[test]
    fn what_is_published_tells_no_token_and_no_type_that_is_not_proven() {
        let employee = info(json!({"uuid": "u", "type": "EMPLOYEE"}));
        for identity in [Identity::unproven(&employee), Identity::unverifiable(&employee)] {
            let untyped = json!({"apiId": "a", "authToken": null, "userInfo": {"uuid": "u", "type": null}});
            assert_eq!(published(&identity), untyped);
        }
        let proven = Identity::vouched(employee);
        assert_eq!(published(&proven)["userInfo"]["type"], "EMPLOYEE");
        assert_eq!(published(&proven)["authToken"], Value::Null);
        assert_eq!(
            proven.info().text("authToken").as_deref(),
            Some("secret"),
            "DIGIT's services are given it"
        );
        assert_eq!(published(&Identity::system("s"))["userInfo"], json!({"uuid": "s", "type": "SYSTEM"}));
    }
}
