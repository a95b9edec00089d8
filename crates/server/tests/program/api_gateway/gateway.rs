//! An API gateway like DIGIT's: passes on requests to the paths in its lists, and answers all others itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::support::http_client;

/// An API gateway on a port of its own.
pub(crate) struct ApiGateway {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    service: String,
    open: BTreeSet<String>,
    http: reqwest::Client,
    refused: Mutex<Vec<String>>,
}

impl ApiGateway {
    /// Takes a port; requests wait until [`Taken::serve`].
    pub(crate) async fn listen() -> Taken {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Taken { listener, url }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The paths that were asked for and are not open.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.shared.refused.lock().unwrap().clone()
    }
}

/// A port that an API gateway has taken.
pub(crate) struct Taken {
    listener: TcpListener,
    /// Where it will be.
    pub(crate) url: String,
}

impl Taken {
    /// Lets these paths, and no other, through to the service that listens on this port.
    pub(crate) fn serve(self, port: u16, open: impl IntoIterator<Item = String>) -> ApiGateway {
        let shared = Arc::new(Shared {
            service: format!("http://127.0.0.1:{port}"),
            open: open.into_iter().collect(),
            http: http_client(),
            refused: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(self.listener, router).await });
        ApiGateway { url: self.url, shared }
    }
}

async fn pass(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !shared.open.contains(uri.path()) {
        shared.refused.lock().unwrap().push(uri.path().to_owned());
        return (StatusCode::UNAUTHORIZED, "no token").into_response();
    }
    let mut request = shared.http.request(method, format!("{}{uri}", shared.service)).body(body);
    for (name, value) in
        headers.iter().filter(|(name, _)| ![header::HOST, header::CONTENT_LENGTH].contains(name))
    {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    let mut passed = Response::builder().status(answer.status());
    for name in [header::CONTENT_TYPE, header::LOCATION] {
        if let Some(value) = answer.headers().get(&name) {
            passed = passed.header(name, value);
        }
    }
    passed.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}
