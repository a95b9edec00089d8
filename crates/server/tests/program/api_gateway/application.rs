//! An application as DIGIT's: a page to which the payer's browser comes back, by a link or by a form,
//! and whose script sees nothing of that but the address.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Html;
use axum::routing::any;
use tokio::net::TcpListener;

/// How a browser came to the page.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// By a link or by a form.
    pub(crate) method: Method,
    /// The query of the page's address, visible to its script.
    pub(crate) query: String,
    /// The form posted to it, visible to a server behind the page.
    pub(crate) form: String,
}

/// An application on a port of its own.
pub(crate) struct Application {
    url: String,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Application {
    pub(crate) async fn start() -> Application {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let visits: Arc<Mutex<Vec<Visit>>> = Arc::default();
        let router = Router::new().route("/citizen/paid", any(page)).with_state(visits.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Application { url, visits }
    }

    /// The page, with a query of its own.
    pub(crate) fn callback_url(&self) -> String {
        format!("{}/citizen/paid?status=done&user_ref=7", self.url)
    }

    /// The one visit since this was last asked.
    pub(crate) fn visit(&self) -> Visit {
        let mut visits = std::mem::take(&mut *self.visits.lock().unwrap());
        assert_eq!(visits.len(), 1, "{visits:?}");
        visits.remove(0)
    }
}

async fn page(
    State(visits): State<Arc<Mutex<Vec<Visit>>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Html<&'static str> {
    let form = String::from_utf8(body.to_vec()).unwrap();
    visits.lock().unwrap().push(Visit { method, query: uri.query().unwrap_or_default().to_owned(), form });
    Html("<!doctype html><title>Paid</title><script src=\"/app.js\"></script>")
}
