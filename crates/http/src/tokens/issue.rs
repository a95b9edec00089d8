//! `POST /tokens/v1/_issue`: issues a personal API token.

use std::time::Duration;

use axum::extract::State;
use payment_domain::{Grant, Personal, RequestInfo, Role, TenantId};
use payment_service::{ApiTokenView, IssuedToken, TokenError, TokenWish};
use payment_store::{HolderKind, TokenHolder};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admin;
use crate::app::Shared;
use crate::caller::Called;
use crate::error::ApiError;
use crate::json::{Object, Scalar};
use crate::openapi::{RequestInfoSchema, failures};
use crate::reply::Reply;
use crate::request_info::{ResponseInfo, note_violations};
use crate::validation::{Field, TextRule, Violations};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LINE: TextRule = TextRule::line(1, 200);

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IssueBody<'a> {
    /// The caller.
    #[schema(value_type = Option<RequestInfoSchema>)]
    request_info: Option<RequestInfo>,
    /// The token.
    #[serde(borrow)]
    #[schema(value_type = TokenFields)]
    token: Option<Object<TokenFields<'a>>>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TokenWish)]
pub(crate) struct TokenFields<'a> {
    /// Its purpose.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "laptop")]
    label: Option<Scalar<'a>>,
    /// The person or program that it is for.
    #[serde(borrow)]
    #[schema(value_type = HolderFields)]
    holder: Option<Object<HolderFields<'a>>>,
    /// The roles that it gives, each at a tenant and below.
    #[serde(borrow)]
    #[schema(value_type = Vec<GrantFields>, min_items = 1, max_items = 50)]
    grants: Option<Vec<Object<GrantFields<'a>>>>,
    /// The number of days it is valid.
    #[serde(borrow)]
    #[schema(value_type = u32, minimum = 1, maximum = 366, example = 90)]
    days: Option<Scalar<'a>>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TokenHolderWish)]
pub(crate) struct HolderFields<'a> {
    /// For a person with a DIGIT account, its uuid: two uuids count as two people.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "a3f0a0a0-2b1b-4a4e-8d53-6a2f1c9d7e01")]
    uuid: Option<Scalar<'a>>,
    /// The name; a holder has one uuid over all tokens.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Asha Rani")]
    name: Option<Scalar<'a>>,
    /// PERSON or PROGRAM; a program checks no refunds.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, pattern = "^(PERSON|PROGRAM)$", example = "PERSON")]
    kind: Option<Scalar<'a>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GrantWish)]
pub(crate) struct GrantFields<'a> {
    /// The role.
    #[serde(borrow)]
    #[schema(value_type = String, example = "PG_VIEWER")]
    role: Option<Scalar<'a>>,
    /// The tenant.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 50, example = "pb.amritsar")]
    tenant_id: Option<Scalar<'a>>,
}

/// The answer with a new token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IssuedResponse<'a> {
    response_info: ResponseInfo,
    token: ApiTokenView,
    /// The token itself: it is shown now and never again.
    #[serde(rename = "secret")]
    secret: &'a str,
}

/// Issue a token.
///
/// A personal API token of a person or a program, within the tenants at which the caller has PG_ADMIN. One
/// that makes or checks refunds is issued by another person than its holder, and no holder has both accounts
/// and refunds of a tenant. The first token of an installation is issued on the command line.
#[utoipa::path(
    post,
    path = "/tokens/v1/_issue",
    operation_id = "issueToken",
    tag = super::TAG,
    security(("apiToken" = []), ()),
    request_body(content = IssueBody),
    responses((status = 200, description = "It is issued.", body = IssuedResponse), failures::OperatingOnce),
)]
pub(crate) async fn issue(State(app): Shared, Called { caller, body }: Called) -> Result<Reply, ApiError> {
    let issuer = admin(&app, &caller).await?;
    let IssueBody { request_info, token } = body.json()?;
    let mut found = Violations::default();
    let info = request_info.unwrap_or_default();
    note_violations(&info, "tokenRequest.requestInfo", &mut found)?;
    let wish = read(token, found)?;
    let tenant = wish.grants.first().map(|grant| grant.tenant.clone());
    let issued = app.payments.tokens.issue(&issuer, wish).await;
    if matches!(issued, Err(TokenError::OwnRefunds | TokenError::Denied(_))) {
        caller.record_refusal(&app, tenant.as_ref()).await?;
    }
    let IssuedToken { secret, token } = issued?;
    let now = app.payments.ports.clock.now();
    Reply::of(&IssuedResponse {
        response_info: ResponseInfo::answering(&info),
        token: ApiTokenView::of(token, now),
        secret: secret.expose_secret(),
    })
}

fn read(token: Option<Object<TokenFields<'_>>>, mut found: Violations) -> Result<TokenWish, ApiError> {
    let field = |name| Field("tokenRequest.token", name);
    let Some(Object(TokenFields { label, holder, grants, days })) = token else {
        found.missing("tokenRequest.token");
        return Err(found.into_error());
    };
    let label = found.required(field("label"), label, LINE);
    let Object(HolderFields { uuid, name, kind }) =
        holder.unwrap_or(Object(HolderFields { uuid: None, name: None, kind: None }));
    let uuid = found.required(field("holder.uuid"), uuid, LINE);
    let name = found.required(field("holder.name"), name, LINE);
    let kind = match kind {
        None => Some(HolderKind::Person),
        Some(Scalar(word)) => HolderKind::from_word(&word),
    };
    if kind.is_none() {
        found.add("Pattern", field("holder.kind"), "must be PERSON or PROGRAM");
    }
    let mut given = Vec::new();
    for Object(GrantFields { role, tenant_id }) in grants.unwrap_or_default() {
        let role = role.and_then(|Scalar(code)| Role::from_code(&code));
        let tenant = tenant_id.and_then(|Scalar(tenant)| TenantId::new(tenant.into_owned()).ok());
        match (role, tenant) {
            (Some(role), Some(tenant)) => given.push(Grant { role, tenant }),
            _ => found.add("Pattern", field("grants"), "each must be a role of this service at a tenant"),
        }
    }
    let days = days.and_then(|Scalar(text)| text.trim().parse::<u32>().ok());
    if days.is_none() {
        found.add("Range", field("days"), "must be a number between 1 and 366");
    }
    let (Some(label), Some(uuid), Some(name), Some(kind), Some(days), true) =
        (label, uuid, name, kind, days, found.is_empty())
    else {
        return Err(found.into_error());
    };
    Ok(TokenWish {
        label: label.into_owned(),
        holder: TokenHolder { uuid: uuid.into_owned(), name: Personal::new(name.into_owned()), kind },
        grants: given,
        life: DAY.saturating_mul(days),
    })
}
