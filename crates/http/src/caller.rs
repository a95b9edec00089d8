//! The caller of a request: named by a proven identity or a personal API token, or the holder of the operators'
//! shared token. Nothing else that a request says of its caller gives a right.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequest, MatchedPath, Request};
use http::{HeaderMap, header};
use payment_domain::{
    Actor, AuditAction, AuditActor, AuditEntry, Personal, Principal, RequestInfo, Role, TenantId,
};
use payment_service::{Denied, Identity, TOKEN_PREFIX};
use payment_store::TenantScope;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::body::RequestBody;
use crate::error::ApiError;
use crate::identity::IdentityProof;
use crate::secret::is_same;

/// The address of the other end of a connection, which may be a proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The caller of a request, with its body. A body that cannot be read names no caller.
pub(crate) struct Called {
    pub(crate) caller: Caller,
    pub(crate) body: RequestBody,
}

#[derive(Debug, Clone)]
pub(crate) struct Caller {
    proof: Proof,
    pub(crate) address: Option<IpAddr>,
    route: String,
}

#[derive(Debug, Clone)]
enum Proof {
    /// By `operators.token`.
    Operators,
    /// By a proven `RequestInfo` or a personal API token.
    Named(Box<Identity>),
    /// A personal API token that is unknown, expired or revoked.
    WrongToken,
    None(Denied),
}

impl FromRequest<Arc<App>> for Called {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Called, ApiError> {
        let address = app.proxies.address_of(request.extensions(), request.headers());
        let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let headers = request.headers().clone();
        let body = RequestBody::from_request(request, app).await?;
        let proof = prove(app, &headers, &body).await?;
        Ok(Called { caller: Caller { proof, address, route: route.unwrap_or_default() }, body })
    }
}

#[derive(Deserialize)]
struct Claim {
    #[serde(rename = "RequestInfo")]
    info: Option<RequestInfo>,
}

async fn prove(app: &App, headers: &HeaderMap, body: &RequestBody) -> Result<Proof, ApiError> {
    let info = body.optional_json::<Claim>().ok().flatten().and_then(|claim| claim.info).unwrap_or_default();
    let Some(presented) = bearer(headers) else {
        let identity = app.identify(&info, headers).await;
        // An unproven caller has a name only while the sandbox is the only gateway.
        let is_believed = matches!(app.identity, IdentityProof::Believed);
        let is_named = identity.proven_uuid().is_some() && (!is_believed || identity.has_rights());
        return Ok(match is_named {
            true => Proof::Named(Box::new(identity)),
            false if identity.is_unverifiable() => Proof::None(Denied::Unverifiable),
            false => Proof::None(Denied::Unnamed),
        });
    };
    if presented.starts_with(TOKEN_PREFIX.as_bytes()) {
        let secret = String::from_utf8_lossy(presented);
        let identity = app.payments.tokens.identify(&secret, &info).await?;
        return Ok(identity.map_or(Proof::WrongToken, |identity| Proof::Named(Box::new(identity))));
    }
    let shared = app.operators.token.as_ref();
    let is_shared = shared.is_some_and(|token| is_same(presented, token.expose_secret().as_bytes()));
    Ok(if is_shared { Proof::Operators } else { Proof::None(Denied::Unnamed) })
}

impl App {
    /// The identity that a request proves, with the roles that go with it.
    pub(crate) async fn identify(&self, info: &RequestInfo, headers: &HeaderMap) -> Identity {
        let identity = self.identity.identify(info, headers).await;
        let rights = self.roles.rights(identity.info());
        match self.identity {
            IdentityProof::Token(_) | IdentityProof::Header { .. } => identity.with_rights(rights),
            IdentityProof::Believed if self.is_trial() => identity.with_rights(rights.of_refunds()),
            IdentityProof::Believed => identity,
        }
    }

    /// Whether the service stands alone with the sandbox, so that no money is moved.
    fn is_trial(&self) -> bool {
        self.stands_alone && self.payments.ports.gateways.are_the_sandbox_alone()
    }
}

impl Caller {
    /// A caller in one of these roles at a state; `None` for the operators' shared token.
    ///
    /// # Errors
    /// [`ApiError`] for all others; a refusal of a named caller is recorded.
    pub(crate) async fn of_installation(
        &self,
        app: &App,
        roles: &[Role],
    ) -> Result<Option<Principal>, ApiError> {
        let Some(identity) = self.identity(app)? else { return Ok(None) };
        let principal = identity.principal_of_installation(roles, self.address);
        self.recorded(app, principal, roles, None).await.map(Some)
    }

    /// Whether a named caller holds one of these roles at a state.
    pub(crate) fn is_of_installation(&self, roles: &[Role]) -> bool {
        self.named().is_ok_and(|identity| identity.principal_of_installation(roles, None).is_ok())
    }

    /// The tenants in which the caller has one of these roles; `None`, all of them, for the operators' shared
    /// token.
    ///
    /// # Errors
    /// As [`Caller::of_installation`].
    pub(crate) async fn scopes(
        &self,
        app: &App,
        roles: &[Role],
    ) -> Result<Option<Vec<TenantScope>>, ApiError> {
        match self.identity(app)? {
            None => Ok(None),
            Some(identity) => self.recorded(app, identity.scopes(roles), roles, None).await.map(Some),
        }
    }

    /// The name recorded with an act: the uuid of a named caller, else the name in the request.
    pub(crate) fn name(&self, stated: Option<String>) -> Option<String> {
        match &self.proof {
            Proof::Named(identity) => identity.proven_uuid().map(|uuid| uuid.trim().to_lowercase()),
            Proof::Operators | Proof::WrongToken | Proof::None(_) => stated,
        }
    }

    /// The caller in the first of these roles that they hold at the tenant. The shared token has no name.
    ///
    /// # Errors
    /// As [`Caller::of_installation`].
    pub(crate) async fn principal(
        &self,
        app: &App,
        roles: &[Role],
        tenant: &TenantId,
    ) -> Result<Principal, ApiError> {
        let identity = self.named()?;
        let principal = identity.principal(roles, tenant, self.address);
        self.recorded(app, principal, roles, Some(tenant)).await
    }

    /// The identity of a caller with a name of their own; the shared token has none.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn named(&self) -> Result<&Identity, ApiError> {
        match &self.proof {
            Proof::Named(identity) => Ok(identity),
            Proof::Operators | Proof::WrongToken => Err(ApiError::Denied(Denied::Unnamed)),
            Proof::None(denied) => Err(ApiError::Denied(denied.clone())),
        }
    }

    /// The same for the endpoints of operators; `None` for the shared token.
    fn identity(&self, app: &App) -> Result<Option<&Identity>, ApiError> {
        match &self.proof {
            Proof::Operators => Ok(None),
            Proof::Named(identity) => Ok(Some(identity)),
            Proof::None(Denied::Unverifiable) => Err(ApiError::Denied(Denied::Unverifiable)),
            Proof::None(_) if app.operators.token.is_none() => Err(ApiError::OperatorsOff),
            Proof::WrongToken | Proof::None(_) => Err(ApiError::NotAnOperator),
        }
    }

    /// The actor of an act in one of these roles, under this name where it is the shared token.
    pub(crate) fn actor(&self, roles: &[Role], name: &str) -> AuditActor {
        let principal = self.scopes_held(roles).into_iter().find_map(|scope| {
            let tenant = TenantId::stored(scope.root);
            self.named().ok()?.principal(roles, &tenant, self.address).ok()
        });
        match principal {
            Some(principal) => AuditActor::Principal(principal),
            None => AuditActor::Operator { name: Personal::new(name), address: self.address },
        }
    }

    /// The tenants at which they hold one of these roles; none for the shared token.
    pub(crate) fn scopes_held(&self, roles: &[Role]) -> Vec<TenantScope> {
        self.named().ok().and_then(|identity| identity.scopes(roles).ok()).unwrap_or_default()
    }

    /// The caller of a use case.
    pub(crate) fn acting(&self, actor: Actor, info: &RequestInfo) -> payment_service::Caller {
        let identity = self.named().ok().cloned().unwrap_or_else(|| Identity::unproven(info));
        payment_service::Caller::new(actor, identity)
    }

    /// Records that the caller's request was refused for lack of a role.
    pub(crate) async fn record_refusal(&self, app: &App, tenant: Option<&TenantId>) -> Result<(), ApiError> {
        let refused = self.named().ok().and_then(|identity| identity.in_any_role(self.address));
        let Some(refused) = refused else { return Ok(()) };
        let entry = refusal(app, refused, "request", &self.route, tenant);
        Ok(app.payments.ports.store.record(vec![entry]).await?)
    }

    /// Records the refusal of a caller who holds some role here: others could fill the log.
    async fn recorded<T>(
        &self,
        app: &App,
        result: Result<T, Denied>,
        roles: &[Role],
        tenant: Option<&TenantId>,
    ) -> Result<T, ApiError> {
        let denied = match result {
            Ok(value) => return Ok(value),
            Err(denied) => denied,
        };
        if let Proof::Named(identity) = &self.proof
            && let Some(refused) = identity.in_any_role(self.address)
        {
            let needed: Vec<Value> = roles.iter().map(|role| Value::from(role.code())).collect();
            let mut entry = refusal(app, refused, "request", &self.route, tenant);
            entry.details.insert("needed".to_owned(), Value::from(needed));
            app.payments.ports.store.record(vec![entry]).await?;
        }
        Err(ApiError::Denied(denied))
    }
}

/// The record of a refusal.
pub(crate) fn refusal(
    app: &App,
    refused: Principal,
    object_kind: &'static str,
    object_id: &str,
    tenant: Option<&TenantId>,
) -> AuditEntry {
    AuditEntry {
        at: app.payments.ports.clock.now(),
        actor: AuditActor::Principal(refused),
        action: AuditAction::Refused,
        object_kind,
        object_id: object_id.to_owned(),
        tenant: tenant.cloned(),
        before: None,
        after: None,
        reason: None,
        details: Map::new(),
    }
}

/// The token of a single `Authorization` header; the scheme is case-insensitive. Two headers present none that is
/// right.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return Some(b"") };
    let (scheme, token) = value.split_at_checked(b"Bearer ".len()).unwrap_or((value, b""));
    // Another scheme is for a proxy in front.
    scheme.trim_ascii().eq_ignore_ascii_case(b"Bearer").then_some(token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_token_is_read_as_it_is_written_and_never_out_of_two() {
        for (values, token) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Bearer "], Some("")),
            (&["Bearer"], Some("")),
            (&["Basic abc"], None),
            (&["abc"], None),
            (&[], None),
            (&["Bearer abc", "Bearer abc"], Some("")),
        ] {
            assert_eq!(bearer(&headers(values)), token.map(str::as_bytes), "{values:?}");
        }
    }
}
