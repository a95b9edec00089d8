//! Grants as both databases hold them: JSON text, pairs of a tenant and a role's code.

use payment_domain::{Grant, Role, TenantId};
use serde_json::{Value, json};

pub fn to_text(grants: &[Grant]) -> String {
    let pairs: Vec<Value> =
        grants.iter().map(|grant| json!([grant.tenant.as_str(), grant.role.code()])).collect();
    json!(pairs).to_string()
}

/// `None` when it is not of this form, or a role is unknown.
pub fn from_text(text: &str) -> Option<Vec<Grant>> {
    let stored: Vec<(String, String)> = serde_json::from_str(text).ok()?;
    let grant = |(tenant, role): (String, String)| {
        Some(Grant { role: Role::from_code(&role)?, tenant: TenantId::new(tenant).ok()? })
    };
    stored.into_iter().map(grant).collect()
}
