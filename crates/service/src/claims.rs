//! From the claims of a login provider to a person with roles.

use payment_domain::{Grant, Personal, Role, TenantId};
use payment_store::SessionHolder;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The values of one claim that are read.
const MOST_VALUES: usize = 200;
const LONGEST_NAME: usize = 200;
const LONGEST_UUID: usize = 128;

/// How the claims of a provider are read. A claim within another is named with dots: `realm_access.roles`.
#[derive(Debug, Clone)]
pub struct ClaimMapping {
    pub roles_claim: String,
    /// The tenants of the roles that are mapped to none.
    pub tenants_claim: Option<String>,
    pub name_claim: String,
    /// The uuid at DIGIT, for people who act there, too.
    pub uuid_claim: Option<String>,
    /// Empty: `PG_VIEWER@pb.amritsar`, or `PG_VIEWER` at the tenants of [`ClaimMapping::tenants_claim`].
    pub roles: Vec<ClaimRole>,
    /// Whether people who are known by the provider alone may make and check refunds. Where people have
    /// another name at DIGIT, they could check what they have made.
    pub refunds_by_subject: bool,
}

/// A value of the roles' claim, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRole {
    pub value: String,
    pub role: Role,
    /// `None`: at the tenants of the tenants' claim.
    pub tenant: Option<TenantId>,
}

/// A person whom the provider has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedPerson {
    /// Its grants may be none.
    pub holder: SessionHolder,
    /// The values of the roles' claim.
    pub roles: Vec<String>,
    /// The values of the tenants' claim.
    pub tenants: Vec<String>,
}

impl ClaimMapping {
    /// The person whom a provider names by a subject and these claims.
    pub fn person(&self, issuer: &str, subject: &str, claims: &Map<String, Value>) -> ClaimedPerson {
        let at_digit = self.uuid_claim.as_deref().and_then(|path| uuid_at_digit(claims, path));
        let may_refund = at_digit.is_some() || self.refunds_by_subject;
        let roles = texts(claim(claims, &self.roles_claim));
        let tenants = self.tenants_claim.as_deref().map(|path| texts(claim(claims, path)));
        let tenants = tenants.unwrap_or_default();
        let held: Vec<TenantId> =
            tenants.iter().filter_map(|text| TenantId::new(text.as_str()).ok()).collect();
        let mut grants: Vec<Grant> = Vec::new();
        for grant in roles.iter().flat_map(|value| self.given_by(value, &held)) {
            let moves_money = matches!(grant.role, Role::RefundMaker | Role::RefundChecker);
            if !grants.contains(&grant) && (may_refund || !moves_money) {
                grants.push(grant);
            }
        }
        let uuid = at_digit.unwrap_or_else(|| uuid_of(issuer, subject));
        let name = Personal::new(self.name(claims, subject));
        ClaimedPerson { holder: SessionHolder { uuid, name, grants }, roles, tenants }
    }

    fn given_by(&self, value: &str, tenants: &[TenantId]) -> Vec<Grant> {
        let by_code = || {
            let (code, tenant) = match value.split_once('@') {
                Some((code, tenant)) => (code, Some(TenantId::new(tenant).ok()?)),
                None => (value, None),
            };
            Some(ClaimRole { value: value.to_owned(), role: Role::from_code(code)?, tenant })
        };
        let given: Vec<ClaimRole> = match self.roles.is_empty() {
            true => by_code().into_iter().collect(),
            false => self.roles.iter().filter(|known| known.value == value).cloned().collect(),
        };
        let at = |given: ClaimRole| match given.tenant {
            Some(tenant) => vec![Grant { role: given.role, tenant }],
            None => tenants.iter().map(|tenant| Grant { role: given.role, tenant: tenant.clone() }).collect(),
        };
        given.into_iter().flat_map(at).collect()
    }

    fn name(&self, claims: &Map<String, Value>, subject: &str) -> String {
        let paths = [self.name_claim.as_str(), "preferred_username", "email"];
        let mut named = paths.iter().filter_map(|path| claim(claims, path)?.as_str());
        let plain = |name: &str| {
            let name: String = name.chars().filter(|char| !char.is_control()).take(LONGEST_NAME).collect();
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        };
        named.find_map(plain).or_else(|| plain(subject)).unwrap_or_else(|| "?".to_owned())
    }
}

/// Two providers, or two subjects of one, never give the same uuid.
fn uuid_of(issuer: &str, subject: &str) -> String {
    let name = format!("{issuer}\n{subject}");
    format!("oidc:{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

fn uuid_at_digit(claims: &Map<String, Value>, path: &str) -> Option<String> {
    let uuid = claim(claims, path)?.as_str()?.trim().to_lowercase();
    let fits = (1..=LONGEST_UUID).contains(&uuid.len()) && uuid.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(uuid)
}

/// A claim of exactly this name, else the one to which the parts between dots lead.
fn claim<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut parts = path.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// The texts of a list, or those of one text, which blanks or commas separate.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => {
            values.iter().filter_map(Value::as_str).take(MOST_VALUES).map(str::to_owned).collect()
        }
        Some(Value::String(text)) => {
            let separated = text.split([',', ' ']).filter(|part| !part.is_empty());
            separated.take(MOST_VALUES).map(str::to_owned).collect()
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example/realms/city";

    fn mapping() -> ClaimMapping {
        ClaimMapping {
            roles_claim: "realm_access.roles".to_owned(),
            tenants_claim: Some("tenants".to_owned()),
            name_claim: "name".to_owned(),
            uuid_claim: None,
            roles: Vec::new(),
            refunds_by_subject: true,
        }
    }

    fn given(mapping: &ClaimMapping, claims: Value) -> Vec<String> {
        let person = mapping.person(ISSUER, "s-1", claims.as_object().unwrap());
        person.holder.grants.iter().map(|grant| format!("{} {}", grant.role.code(), grant.tenant)).collect()
    }

    #[test]
    fn roles_come_by_their_own_codes_unless_they_are_mapped() {
        let claims = json!({"realm_access": {"roles": ["PG_VIEWER@pb", "PG_OPERATOR", "PG_OPERATOR", "/pg/finance",
            "pg_admin@pb", "PG_ADMIN@pb\n", 7, null]}, "tenants": "pb.amritsar, pb.nabha"});
        let own = ["PG_VIEWER pb", "PG_OPERATOR pb.amritsar", "PG_OPERATOR pb.nabha"];
        assert_eq!(given(&mapping(), claims.clone()), own);
        let finance = |role, tenant: Option<&str>| ClaimRole {
            value: "/pg/finance".to_owned(),
            role,
            tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        };
        let roles = vec![finance(Role::RefundMaker, None), finance(Role::Viewer, Some("pb"))];
        let mapped = ClaimMapping { roles, tenants_claim: None, ..mapping() };
        assert_eq!(given(&mapped, claims.clone()), ["PG_VIEWER pb"], "a role without a tenant gives nothing");
        let mapped = ClaimMapping { tenants_claim: Some("tenants".to_owned()), ..mapped };
        let given_ = given(&mapped, claims);
        assert_eq!(given_, ["PG_REFUND_MAKER pb.amritsar", "PG_REFUND_MAKER pb.nabha", "PG_VIEWER pb"]);
        for nothing in
            [json!({}), json!({"realm_access": []}), json!({"realm_access": {"roles": {"PG_VIEWER@pb": 1}}})]
        {
            assert_eq!(given(&mapping(), nothing), [""; 0]);
        }
        let named = ClaimMapping { roles_claim: "https://city.example/roles".to_owned(), ..mapping() };
        assert_eq!(given(&named, json!({"https://city.example/roles": "PG_AUDITOR@pb"})), ["PG_AUDITOR pb"]);
    }

    #[test]
    fn a_person_is_one_and_the_same_by_issuer_and_subject() {
        let claims = Map::new();
        let uuid = |issuer: &str, subject: &str| mapping().person(issuer, subject, &claims).holder.uuid;
        assert_eq!(uuid(ISSUER, "s-1"), uuid(ISSUER, "s-1"));
        let all = [
            uuid(ISSUER, "s-1"),
            uuid(ISSUER, "S-1"),
            uuid("https://other.example", "s-1"),
            uuid(ISSUER, "s"),
        ];
        assert!(all.iter().all(|uuid| uuid.starts_with("oidc:") && *uuid == uuid.to_lowercase()));
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn whoever_acts_at_digit_makes_and_checks_refunds_under_that_name_alone() {
        let beside_digit = ClaimMapping {
            uuid_claim: Some("digit_uuid".to_owned()),
            refunds_by_subject: false,
            ..mapping()
        };
        let roles = json!(["PG_REFUND_MAKER@pb", "PG_VIEWER@pb"]);
        let known = json!({"realm_access": {"roles": roles}, "digit_uuid": " 3FA1-Clerk "});
        let person = beside_digit.person(ISSUER, "s-1", known.as_object().unwrap());
        assert_eq!((person.holder.uuid.as_str(), person.holder.grants.len()), ("3fa1-clerk", 2));
        for unknown in [
            json!({"realm_access": {"roles": roles}}),
            json!({"realm_access": {"roles": roles}, "digit_uuid": ""}),
        ] {
            assert_eq!(given(&beside_digit, unknown), ["PG_VIEWER pb"]);
        }
    }

    #[test]
    fn a_name_is_shown_as_it_is_without_control_characters() {
        let name = |claims: Value| {
            mapping().person(ISSUER, "s-1", claims.as_object().unwrap()).holder.name.expose().to_owned()
        };
        assert_eq!(name(json!({"name": " Asha\r\nRani "})), "AshaRani");
        assert_eq!(name(json!({"name": " ", "email": "asha@city.example"})), "asha@city.example");
        assert_eq!(name(json!({"name": 7})), "s-1");
        assert_eq!(name(json!({"name": "x".repeat(999)})).len(), 200);
    }
}
