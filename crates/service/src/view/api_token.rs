//! A personal API token, without its secret.

use payment_domain::{Grant, Timestamp};
use payment_store::{ApiToken, Revocation};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiToken)]
pub struct ApiTokenView {
    /// The beginning of the token.
    #[schema(example = "pgs_3kQ9xWm1")]
    pub id: String,
    /// Its purpose.
    pub label: String,
    pub holder: HolderView,
    pub grants: Vec<GrantView>,
    /// `VALID`, `EXPIRED` or `REVOKED`.
    pub state: &'static str,
    /// Epoch milliseconds.
    #[schema(value_type = i64)]
    pub issued_time: Timestamp,
    /// The uuid of the issuer, or `command line`.
    pub issued_by: String,
    /// Epoch milliseconds.
    #[schema(value_type = i64)]
    pub expires_time: Timestamp,
    /// Epoch milliseconds, up to an hour late.
    #[schema(value_type = Option<i64>, required)]
    pub last_used_time: Option<Timestamp>,
    /// Epoch milliseconds.
    #[schema(value_type = Option<i64>, required)]
    pub revoked_time: Option<Timestamp>,
    #[schema(required)]
    pub revoked_by: Option<String>,
}

/// The person or program that the token is for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TokenHolder)]
pub struct HolderView {
    pub uuid: String,
    pub name: String,
    /// `PERSON` or `PROGRAM`.
    pub kind: &'static str,
}

/// A role and the tenant at which it is held.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Grant)]
pub struct GrantView {
    #[schema(example = "PG_VIEWER")]
    pub role: &'static str,
    #[schema(example = "pb.amritsar")]
    pub tenant_id: String,
}

impl ApiTokenView {
    /// The token in its state at this moment.
    pub fn of(token: ApiToken, now: Timestamp) -> ApiTokenView {
        let state = match (&token.revocation, token.is_valid(now)) {
            (Some(_), _) => "REVOKED",
            (None, true) => "VALID",
            (None, false) => "EXPIRED",
        };
        let (revoked_time, revoked_by) = token.revocation.map(|Revocation { at, by }| (at, by)).unzip();
        let grant = |Grant { role, tenant }: Grant| GrantView { role: role.code(), tenant_id: tenant.into() };
        ApiTokenView {
            id: token.id,
            label: token.label,
            holder: HolderView {
                name: token.holder.name.expose().to_owned(),
                uuid: token.holder.uuid,
                kind: token.holder.kind.as_str(),
            },
            grants: token.grants.into_iter().map(grant).collect(),
            state,
            issued_time: token.issued_at,
            issued_by: token.issued_by,
            expires_time: token.expires_at,
            last_used_time: token.last_used_at,
            revoked_time,
            revoked_by,
        }
    }
}
