//! A sandbox with a clock that is moved by hand, and a merchant that makes links for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use payment_simulator::sandbox::signature::{Purpose, sign};
use payment_simulator::sandbox::{CallbackPolicy, Choice, Clock, Sandbox, SandboxSettings};
use secrecy::SecretString;
use tower::ServiceExt;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const NOW_MS: i64 = 1_795_342_200_000;

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    pub(crate) fn attribute(&self, before: &str) -> Option<String> {
        Some(self.text.split_once(before)?.1.split_once('"')?.0.to_owned())
    }

    pub(crate) fn token(&self) -> Option<String> {
        self.attribute("name=\"token\" value=\"")
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The path and query of a signed pay link with some fields replaced.
pub(crate) fn link(changes: &[(&str, &str)]) -> String {
    let expires = (NOW_MS + 1_800_000).to_string();
    let mut fields = vec![
        ("merchant", "CITY"),
        ("order", "T1"),
        ("amount_paise", "12345600"),
        ("currency", "INR"),
        ("description", "Property tax 2026-27"),
        ("bill", "BILL-7"),
        ("payee", "pb.amritsar"),
        ("return_url", "http://service.example/back?eg_pg_txnid=T1"),
        ("notify_url", "http://127.0.0.1:9/notify"),
        ("expires", &expires),
    ];
    for field in &mut fields {
        if let Some((_, value)) = changes.iter().find(|(name, _)| *name == field.0) {
            field.1 = value;
        }
    }
    let signature = sign(SECRET.as_bytes(), Purpose::Pay, &fields);
    fields.push(("signature", &signature));
    format!("/sandbox/pay?{}", form(&fields))
}

impl World {
    pub(crate) fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        World { sandbox: World::open(&folder.path().join("sandbox.db"), &clock), clock, folder }
    }

    fn open(database: &std::path::Path, clock: &Arc<AtomicI64>) -> Sandbox {
        let secret = SecretString::from(SECRET);
        let mut settings = SandboxSettings::new("CITY", secret, "http://localhost:9000/sandbox");
        settings.lookup_url = Some("http://localhost:9000/pg-service".to_owned());
        settings.callbacks = CallbackPolicy {
            timeout: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            most_attempts: 3,
        };
        let shown = clock.clone();
        settings.clock = Clock::from_fn(move || shown.load(Ordering::SeqCst));
        Sandbox::open(database, settings).unwrap()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("sandbox.db")
    }

    /// The same books, opened anew as after a restart.
    pub(crate) fn restarted(self) -> World {
        drop(self.sandbox);
        let sandbox = World::open(&self.folder.path().join("sandbox.db"), &self.clock);
        World { sandbox, clock: self.clock, folder: self.folder }
    }

    pub(crate) fn advance_ms(&self, span_ms: i64) {
        self.clock.fetch_add(span_ms, Ordering::SeqCst);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Page {
        let app = axum::Router::new().nest("/sandbox", self.sandbox.router());
        let response: Response<Body> = app.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: String) -> Page {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Opens a link and chooses.
    pub(crate) async fn choose(&self, link: &str, choice: Choice) -> Page {
        let page = self.get(link).await;
        let (order, token) = (page.attribute("name=\"order\" value=\"").unwrap(), page.token().unwrap());
        let fields = [("order", order.as_str()), ("token", &token), ("choice", choice.as_str())];
        self.post("/sandbox/pay", form(&fields)).await
    }
}
