//! A payer made of code: opens a pay page, reads its form and sends it. For demos, tests and loads.

use std::time::Duration;

use url::Url;

use super::order::Choice;

/// The longest page that is read.
const MAX_PAGE_BYTES: usize = 256 * 1024;

/// Why a visit came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// The page could not be fetched or the form not sent.
    #[error("the pay page could not be reached")]
    Http(#[from] reqwest::Error),
    /// The page has no form: the order is decided, or the link was refused.
    #[error("the pay page offers no choice (HTTP status {status})")]
    NoChoice {
        /// The HTTP status of the page.
        status: u16,
    },
    /// The page is not one of ours.
    #[error("the pay page cannot be read: {0}")]
    Unreadable(&'static str),
}

/// A payer with a browser that follows no redirects.
#[derive(Debug, Clone)]
pub struct Visitor {
    http: reqwest::Client,
}

/// An open pay page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where its form goes.
    pub action: String,
    /// The order it is about.
    pub order: String,
    /// What the form is signed with.
    pub token: String,
}

/// What came of sending the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status: 303.
    pub status: u16,
    /// Where the browser is sent.
    pub location: Option<String>,
}

impl Visitor {
    /// A visitor whose every step takes at most that long.
    ///
    /// # Errors
    /// [`VisitError::Http`] when no HTTP client can be made.
    pub fn new(timeout: Duration) -> Result<Visitor, VisitError> {
        // A process has one default provider; whoever comes first has chosen it.
        let _already_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Visitor { http })
    }

    /// Opens a pay link.
    ///
    /// # Errors
    /// [`VisitError::NoChoice`] when the page has no form.
    pub async fn open(&self, pay_link: &str) -> Result<Page, VisitError> {
        let mut response = self.http.get(pay_link).send().await?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_PAGE_BYTES {
                return Err(VisitError::Unreadable("too long"));
            }
            body.extend_from_slice(&chunk);
        }
        let html = String::from_utf8(body).map_err(|_| VisitError::Unreadable("not UTF-8"))?;
        let attribute = |before: &str| Some(unescape(html.split_once(before)?.1.split_once('"')?.0));
        let (Some(action), Some(order), Some(token)) = (
            attribute("<form method=\"post\" action=\""),
            attribute("name=\"order\" value=\""),
            attribute("name=\"token\" value=\""),
        ) else {
            return Err(VisitError::NoChoice { status });
        };
        let action = Url::parse(pay_link)
            .and_then(|page| page.join(&action))
            .map_err(|_| VisitError::Unreadable("the form goes nowhere"))?;
        Ok(Page { action: action.into(), order, token })
    }

    /// Sends the page's form with that choice.
    ///
    /// # Errors
    /// [`VisitError::Http`] when no answer comes: the choice may have been taken all the same.
    pub async fn choose(&self, page: &Page, choice: Choice) -> Result<Answered, VisitError> {
        let form = [("order", page.order.as_str()), ("token", &page.token), ("choice", choice.as_str())];
        let response = self.http.post(&page.action).form(&form).send().await?;
        let location =
            response.headers().get("location").and_then(|url| url.to_str().ok()).map(str::to_owned);
        Ok(Answered { status: response.status().as_u16(), location })
    }
}

/// Undoes the escaping of an attribute's value.
fn unescape(text: &str) -> String {
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
}
