//! A pretend OpenID Connect provider: discovery, keys, codes with PKCE, ID tokens signed by Ed25519. It answers as a
//! test wants it to.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub const CLIENT: &str = "pg-console";
pub const SECRET: &str = "s3cret of the client";

/// How the next tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Right,
    /// `alg` is `none`, and there is no signature.
    None,
    /// HS256 with this key.
    Secret(&'static [u8]),
    /// HS256 with the published key as the secret.
    PublicKeyAsSecret,
    /// By a key that was never published, under the name of one that was.
    ForgedKey,
}

/// The fault of every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Unavailable,
    Garbage,
    /// Two megabytes of a list.
    Huge,
    /// Later than any caller waits.
    Slow,
}

type Alter = Box<dyn Fn(&mut Value, &mut Value) + Send>;

struct World {
    url: String,
    keys: Vec<(String, Ed25519KeyPair)>,
    metadata: Value,
    claims: Value,
    now: i64,
    codes: HashMap<String, Visit>,
    gives_codes_again: bool,
    signing: Signing,
    alter: Option<Alter>,
    trouble: Option<Trouble>,
    described: u32,
}

/// A browser at the provider.
#[derive(Debug, Clone)]
struct Visit {
    nonce: String,
    challenge: String,
    return_url: String,
}

/// The parameters with which a browser comes back.
#[derive(Debug, Clone)]
pub struct Return {
    pub code: String,
    pub state: String,
}

/// A provider that serves until it is dropped.
pub struct LoginProvider {
    world: Arc<Mutex<World>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for LoginProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl LoginProvider {
    /// Starts one whose clock stands at these seconds.
    pub async fn start(now: i64) -> LoginProvider {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let metadata = json!({
            "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"), "end_session_endpoint": format!("{url}/logout"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        });
        let world = Arc::new(Mutex::new(World {
            url,
            keys: vec![("key-1".to_owned(), new_key())],
            metadata,
            claims: json!({}),
            now,
            codes: HashMap::new(),
            gives_codes_again: false,
            signing: Signing::Right,
            alter: None,
            trouble: None,
            described: 0,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(world.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        LoginProvider { world, serving }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test has panicked with it")
    }

    pub fn url(&self) -> String {
        self.world().url.clone()
    }

    /// The person who logs in: `sub` and further claims.
    pub fn set_person(&self, claims: Value) {
        self.world().claims = claims;
    }

    pub fn set_now(&self, seconds: i64) {
        self.world().now = seconds;
    }

    pub fn sign(&self, signing: Signing) {
        self.world().signing = signing;
    }

    pub fn trouble(&self, trouble: Option<Trouble>) {
        self.world().trouble = trouble;
    }

    /// Changes header and claims of each token before it is signed.
    pub fn alter(&self, alter: impl Fn(&mut Value, &mut Value) + Send + 'static) {
        self.world().alter = Some(Box::new(alter));
    }

    /// Tells the truth again.
    pub fn be_honest(&self) {
        let mut world = self.world();
        world.alter = None;
        world.signing = Signing::Right;
        world.gives_codes_again = false;
    }

    /// A member of its description of itself.
    pub fn describe_as(&self, member: &str, value: Value) {
        self.world().metadata[member] = value;
    }

    /// A code is exchanged as often as one likes.
    pub fn give_codes_again(&self) {
        self.world().gives_codes_again = true;
    }

    /// The key is replaced by another one.
    pub fn rotate_key(&self, id: &str) {
        self.world().keys = vec![(id.to_owned(), new_key())];
    }

    /// The number of times it has described itself.
    pub fn described(&self) -> u32 {
        self.world().described
    }

    /// The browser opens the address of a login; its person logs in and is sent back.
    pub fn visit(&self, address: &str) -> Return {
        let address = Url::parse(address).expect("an address");
        let query: HashMap<String, String> = address.query_pairs().into_owned().collect();
        let mut world = self.world();
        assert!(address.as_str().starts_with(&format!("{}/authorize?", world.url)), "{address}");
        assert_eq!((query["client_id"].as_str(), query["response_type"].as_str()), (CLIENT, "code"));
        assert_eq!(query["code_challenge_method"], "S256");
        assert!(query["scope"].split(' ').any(|scope| scope == "openid"), "{}", query["scope"]);
        let code = format!("code-{}", world.codes.len() + 1);
        let visit = Visit {
            nonce: query["nonce"].clone(),
            challenge: query["code_challenge"].clone(),
            return_url: query["redirect_uri"].clone(),
        };
        world.codes.insert(code.clone(), visit);
        Return { code, state: query["state"].clone() }
    }
}

fn new_key() -> Ed25519KeyPair {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("random bytes");
    Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("its own key")
}

type Shared = State<Arc<Mutex<World>>>;

/// The answer that a trouble makes of any.
async fn troubled(world: &Mutex<World>) -> Option<Response> {
    let trouble = world.lock().expect("no test has panicked with it").trouble?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    Some(match trouble {
        Trouble::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Trouble::Garbage => (json, "{\"issuer\":").into_response(),
        Trouble::Huge => (json, Body::from(format!("[{}0]", "0,".repeat(1_000_000)))).into_response(),
        Trouble::Slow => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            StatusCode::OK.into_response()
        }
    })
}

async fn describe(State(world): Shared) -> Response {
    world.lock().expect("no test has panicked with it").described += 1;
    if let Some(trouble) = troubled(&world).await {
        return trouble;
    }
    axum::Json(world.lock().expect("no test has panicked with it").metadata.clone()).into_response()
}

async fn keys(State(world): Shared) -> Response {
    if let Some(trouble) = troubled(&world).await {
        return trouble;
    }
    let world = world.lock().expect("no test has panicked with it");
    let shown = world.keys.iter().map(|(id, key)| {
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id, "x": x})
    });
    axum::Json(json!({ "keys": shown.collect::<Vec<_>>() })).into_response()
}

async fn token(
    State(world): Shared,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(trouble) = troubled(&world).await {
        return trouble;
    }
    let mut world = world.lock().expect("no test has panicked with it");
    let refused =
        |code: &str| (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": code }))).into_response();
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given.as_bytes() != basic.as_bytes()) {
        return refused("invalid_client");
    }
    let code = form.get("code").cloned().unwrap_or_default();
    let visit = match world.gives_codes_again {
        true => world.codes.get(&code).cloned(),
        false => world.codes.remove(&code),
    };
    let Some(visit) = visit else { return refused("invalid_grant") };
    let verifier = form.get("code_verifier").map(String::as_str).unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if challenge != visit.challenge || form.get("redirect_uri") != Some(&visit.return_url) {
        return refused("invalid_grant");
    }
    let (id, key) = world.keys.first().expect("a key");
    let mut header = json!({"alg": "EdDSA", "typ": "JWT", "kid": id});
    let mut claims = json!({
        "iss": world.url, "aud": CLIENT, "exp": world.now + 300, "iat": world.now, "nonce": visit.nonce,
    });
    for (name, value) in world.claims.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    match world.signing {
        Signing::Right | Signing::ForgedKey => {}
        Signing::None => header = json!({"alg": "none"}),
        Signing::Secret(_) | Signing::PublicKeyAsSecret => header["alg"] = "HS256".into(),
    }
    if let Some(alter) = &world.alter {
        alter(&mut header, &mut claims);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let by_secret = |secret: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
    };
    let signature = match world.signing {
        Signing::Right => key.sign(signed.as_bytes()).as_ref().to_vec(),
        Signing::ForgedKey => new_key().sign(signed.as_bytes()).as_ref().to_vec(),
        Signing::None => Vec::new(),
        Signing::Secret(secret) => by_secret(secret),
        Signing::PublicKeyAsSecret => by_secret(key.public_key().as_ref()),
    };
    let id_token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    axum::Json(json!({
        "access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
        "refresh_expires_in": 0, "not-before-policy": 0, "session_state": "s", "scope": "openid profile",
    }))
    .into_response()
}
