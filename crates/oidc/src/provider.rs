//! The provider: what it says of itself, and the two halves of a login.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenVerifier,
    CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadataWithLogout, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse,
};
use payment_domain::{Clock, Timestamp};
use payment_http_client::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use crate::attempt::Attempt;
use crate::http::Http;
use crate::{Answer, Flaw, OidcError, Proven, ProviderSettings};

/// Keys that the provider has withdrawn count for so long.
const KNOWN_FOR: Duration = Duration::from_secs(60 * 60);
/// A token with an unknown key makes the provider's keys be read again, at most this often: any caller may send one.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// A provider that does not answer is left alone for so long.
const PAUSE: Duration = Duration::from_secs(5);
/// The provider's clock and ours may differ by so much.
const LEEWAY: Duration = Duration::from_secs(60);
/// Signatures by a key pair alone: with a shared secret whoever knows the client could sign.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Relying = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// An OpenID Connect provider.
pub struct Provider {
    settings: ProviderSettings,
    issuer: IssuerUrl,
    http: Http,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    read: Option<Arc<Read>>,
    failed_at: Option<Timestamp>,
}

/// The metadata of the provider, with its keys.
struct Read {
    metadata: ProviderMetadataWithLogout,
    at: Timestamp,
}

/// A login that has begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The address at the provider to which the browser is sent.
    pub url: String,
    pub attempt: Attempt,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Provider {
    /// The provider of these settings; nothing is asked yet. The client should have [`crate::LIMITS`].
    ///
    /// # Errors
    /// [`OidcError::Setting`].
    pub fn new(
        settings: ProviderSettings,
        client: Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Provider, OidcError> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| OidcError::Setting("the issuer"))?;
        Ok(Provider { settings, issuer, http: Http(client), clock, known: Mutex::default() })
    }

    /// Begins a login, from which the browser comes back to `return_url`.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`], [`OidcError::Setting`].
    pub async fn begin(&self, return_url: &str) -> Result<Begun, OidcError> {
        let read = self.read().await?;
        let client = self.client(&read, return_url)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        // `openid` is asked for in any case.
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        let request = request.add_scopes(scopes.cloned().map(Scope::new)).set_pkce_challenge(challenge);
        let (url, state, nonce) = request.url();
        let attempt = Attempt {
            begun_at: self.clock.now(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        };
        Ok(Begun { url: url.into(), attempt })
    }

    /// The person who comes back with an answer to an attempt whose state was compared.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn finish(
        &self,
        return_url: &str,
        attempt: &Attempt,
        answer: Answer<'_>,
    ) -> Result<Proven, OidcError> {
        if answer.issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(invalid(Flaw::Issuer, "another provider answers"));
        }
        let read = self.read().await?;
        let client = self.client(&read, return_url)?;
        let request = client.exchange_code(AuthorizationCode::new(answer.code.to_owned()));
        let request = request.map_err(|_| OidcError::Unavailable("it names no token endpoint".to_owned()))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()));
        let tokens = request.request_async(&self.http).await.map_err(not_exchanged)?;
        let token = tokens.id_token().ok_or_else(|| invalid(Flaw::Unreadable, "there is no ID token"))?;
        match self.verify(&read, token, attempt) {
            Err(error) if names_unknown_key(&error) => {
                let newer = self.read_again(&read).await?.ok_or_else(|| not_verified(&error))?;
                self.verify(&newer, token, attempt).map_err(|error| not_verified(&error))?;
            }
            verified => verified.map_err(|error| not_verified(&error))?,
        }
        self.proven(token)
    }

    /// The address at the provider that ends its session, too; `None` where it has none or does not answer.
    pub async fn logout_url(&self, id_token: Option<&SecretString>, return_url: &str) -> Option<String> {
        let read = self.read().await.ok()?;
        let end = read.metadata.additional_metadata().end_session_endpoint.as_ref()?;
        let mut url = end.url().clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(hint) = id_token {
                query.append_pair("id_token_hint", hint.expose_secret());
            }
            query.append_pair("client_id", &self.settings.client_id);
            query.append_pair("post_logout_redirect_uri", return_url);
        }
        Some(url.into())
    }

    async fn read(&self) -> Result<Arc<Read>, OidcError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let is_within = |at: Timestamp, life| at <= now && now.since(at) < life;
        if let Some(read) = known.read.as_ref().filter(|read| is_within(read.at, KNOWN_FOR)) {
            return Ok(read.clone());
        }
        if known.failed_at.is_some_and(|at| is_within(at, PAUSE)) {
            return Err(OidcError::Unavailable("it did not answer a moment ago".to_owned()));
        }
        self.ask(&mut known).await
    }

    /// The metadata as of now; `None` when `seen` is too fresh to ask again.
    async fn read_again(&self, seen: &Arc<Read>) -> Result<Option<Arc<Read>>, OidcError> {
        let mut known = self.known.lock().await;
        if let Some(read) = known.read.as_ref().filter(|read| !Arc::ptr_eq(read, seen)) {
            return Ok(Some(read.clone()));
        }
        if self.clock.now().since(seen.at) < READ_AGAIN_AFTER {
            return Ok(None);
        }
        self.ask(&mut known).await.map(Some)
    }

    async fn ask(&self, known: &mut Known) -> Result<Arc<Read>, OidcError> {
        let answer = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await;
        let at = self.clock.now();
        let metadata = answer.map_err(|error| OidcError::Unavailable(told(&error)));
        let metadata = metadata.and_then(|metadata| self.with_safe_addresses(metadata));
        match metadata {
            Ok(metadata) => {
                let read = Arc::new(Read { metadata, at });
                *known = Known { read: Some(read.clone()), failed_at: None };
                Ok(read)
            }
            Err(error) => {
                known.failed_at = Some(at);
                Err(error)
            }
        }
    }

    /// Over HTTPS, unless the issuer itself is not.
    fn with_safe_addresses(
        &self,
        metadata: ProviderMetadataWithLogout,
    ) -> Result<ProviderMetadataWithLogout, OidcError> {
        let end = metadata.additional_metadata().end_session_endpoint.as_ref();
        let addresses: [Option<&Url>; 4] = [
            Some(metadata.authorization_endpoint().url()),
            Some(metadata.jwks_uri().url()),
            metadata.token_endpoint().map(|endpoint| endpoint.url()),
            end.map(|endpoint| endpoint.url()),
        ];
        let least = self.issuer.url().scheme();
        let is_safe = |url: &&Url| url.scheme() == "https" || (least == "http" && url.scheme() == "http");
        let are_safe = addresses.into_iter().flatten().all(|url| is_safe(&url));
        match are_safe {
            true => Ok(metadata),
            false => Err(OidcError::Unavailable("it names an address without HTTPS".to_owned())),
        }
    }

    fn client(&self, read: &Read, return_url: &str) -> Result<Relying, OidcError> {
        let return_url = RedirectUrl::new(return_url.to_owned());
        let return_url = return_url.map_err(|_| OidcError::Setting("the console's address"))?;
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let id = ClientId::new(self.settings.client_id.clone());
        let methods = read.metadata.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
        let by_basic = takes(CoreClientAuthMethod::ClientSecretBasic);
        let by_body = !by_basic && takes(CoreClientAuthMethod::ClientSecretPost);
        let client = CoreClient::from_provider_metadata(read.metadata.clone(), id, secret);
        let way = if by_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(return_url).set_auth_type(way))
    }

    fn verify(
        &self,
        read: &Read,
        token: &CoreIdToken,
        attempt: &Attempt,
    ) -> Result<(), ClaimsVerificationError> {
        let now = self.clock.now();
        let (earliest, latest) = (moment(now.minus(LEEWAY)), moment(now.plus(LEEWAY)));
        let id = ClientId::new(self.settings.client_id.clone());
        // A public client's verifier takes no signature by a shared secret.
        let verifier =
            CoreIdTokenVerifier::new_public_client(id, self.issuer.clone(), read.metadata.jwks().clone())
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(move || earliest)
                .set_issue_time_verifier_fn(move |issued| match issued <= latest {
                    true => Ok(()),
                    false => Err(FROM_THE_FUTURE.to_owned()),
                });
        token.claims(&verifier, &Nonce::new(attempt.nonce.clone())).map(|_| ())
    }

    /// The claims of a token that was verified.
    fn proven(&self, token: &CoreIdToken) -> Result<Proven, OidcError> {
        let text = token.to_string();
        let payload = text.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Option<Map<String, Value>> =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let claims = claims.ok_or_else(|| invalid(Flaw::Unreadable, "its claims are no object"))?;
        let text_of = |name: &str| claims.get(name).and_then(Value::as_str);
        if text_of("azp").is_some_and(|party| party != self.settings.client_id) {
            return Err(invalid(Flaw::Audience, "it was issued to another party"));
        }
        let subject = text_of("sub").filter(|subject| (1..=255).contains(&subject.len()));
        let subject = subject.ok_or_else(|| invalid(Flaw::Unreadable, "it names no subject"))?.to_owned();
        Ok(Proven { subject, claims, id_token: text.into() })
    }
}

const FROM_THE_FUTURE: &str = "issued in the future";

fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.as_millis()).unwrap_or_default()
}

fn names_unknown_key(error: &ClaimsVerificationError) -> bool {
    matches!(error, ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey))
}

fn invalid(flaw: Flaw, detail: impl Into<String>) -> OidcError {
    OidcError::Invalid { flaw, detail: detail.into() }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum may grow, and whatever it is proves nothing")]
fn not_verified(error: &ClaimsVerificationError) -> OidcError {
    let flaw = match error {
        ClaimsVerificationError::Expired(text) if text == FROM_THE_FUTURE => Flaw::Issued,
        ClaimsVerificationError::Expired(_) => Flaw::Expired,
        ClaimsVerificationError::InvalidAudience(_) => Flaw::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => Flaw::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => Flaw::Nonce,
        ClaimsVerificationError::SignatureVerification(_) => Flaw::Signature,
        _ => Flaw::Unreadable,
    };
    invalid(flaw, told(error))
}

fn not_exchanged<E, T>(error: RequestTokenError<E, T>) -> OidcError
where
    E: Error + 'static,
    T: openidconnect::ErrorResponse + 'static,
{
    match error {
        RequestTokenError::ServerResponse(_) => OidcError::Refused(told(&error)),
        RequestTokenError::Request(_) => OidcError::Unavailable(told(&error)),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            invalid(Flaw::Unreadable, "its answer to the code cannot be read")
        }
    }
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
