//! A payer made of code: follows redirects and forms to a pay page, chooses, and goes back to the
//! merchant. For demos, tests and loads.

use std::fmt::Display;
use std::time::Duration;

use payment_http_client::{Body, Call, CallError, Client, Limits, Method};
use url::Url;

const MAX_PAGE_BYTES: usize = 256 * 1024;
/// More redirects and forms than these lead nowhere.
const MAX_STEPS: u32 = 8;

/// How a payer's browser gets back to the merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayBack {
    Follow(String),
    Post {
        action: String,
        /// Names and values of its fields, in order.
        fields: Vec<(String, String)>,
    },
}

impl WayBack {
    pub fn url(&self) -> &str {
        let (WayBack::Follow(url) | WayBack::Post { action: url, .. }) = self;
        url
    }
}

impl From<&WayBack> for WayBack {
    fn from(way: &WayBack) -> WayBack {
        way.clone()
    }
}

impl From<&String> for WayBack {
    fn from(url: &String) -> WayBack {
        WayBack::Follow(url.clone())
    }
}

impl From<&str> for WayBack {
    fn from(url: &str) -> WayBack {
        WayBack::Follow(url.to_owned())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// A page could not be fetched or a form not sent.
    #[error("a page could not be reached")]
    Http(#[from] CallError),
    /// No HTTP client can be made.
    #[error("no HTTP client can be made")]
    Client(#[source] payment_http_client::BoxError),
    #[error("an address cannot be followed")]
    Address(#[from] url::ParseError),
    /// The way ended on a page without a choice: the order is decided, or the payment was refused.
    #[error("there is nothing to choose (HTTP status {status})")]
    NoChoice {
        /// The HTTP status of the page.
        status: u16,
        page: String,
    },
    /// The redirects and forms never ended.
    #[error("the way to the pay page cannot be followed: {0}")]
    Lost(&'static str),
}

#[derive(Debug, Clone)]
pub struct Visitor {
    http: Client,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayPage {
    pub action: String,
    pub fields: Vec<(String, String)>,
    /// The page, as it is written.
    pub html: String,
}

impl PayPage {
    pub fn order(&self) -> &str {
        self.fields.iter().find(|(name, _)| name == "order").map_or("", |(_, order)| order)
    }
}

struct Answer {
    url: Url,
    status: u16,
    location: Option<String>,
    text: String,
}

impl Visitor {
    /// A visitor with this time limit for each step.
    ///
    /// # Errors
    /// [`VisitError::Client`].
    pub fn new(timeout: Duration) -> Result<Visitor, VisitError> {
        let limits =
            Limits { connect_timeout: timeout, total_timeout: timeout, max_body_bytes: MAX_PAGE_BYTES };
        Ok(Visitor { http: Client::new(limits).map_err(VisitError::Client)? })
    }

    /// Goes to a pay page, through redirects and forms that send themselves.
    ///
    /// # Errors
    /// A [`VisitError`] when there is nothing to choose at the end.
    pub async fn open(&self, way: impl Into<WayBack>) -> Result<PayPage, VisitError> {
        let mut way = way.into();
        for _ in 0..MAX_STEPS {
            let answer = self.go(&way).await?;
            if let (300..=399, Some(location)) = (answer.status, &answer.location) {
                way = WayBack::Follow(answer.url.join(location)?.into());
                continue;
            }
            let form = read_form(&answer.text);
            way = match form {
                Some((action, fields)) if answer.status == 200 => {
                    let action = answer.url.join(&action)?.into();
                    if answer.text.contains("name=\"choice\"") {
                        return Ok(PayPage { action, fields, html: answer.text });
                    }
                    // The page of a decided order has a form as well, but does not submit it by itself.
                    if !answer.text.contains("<script") {
                        return Err(VisitError::NoChoice { status: answer.status, page: answer.text });
                    }
                    WayBack::Post { action, fields }
                }
                Some(_) | None => {
                    return Err(VisitError::NoChoice { status: answer.status, page: answer.text });
                }
            };
        }
        Err(VisitError::Lost("too many steps"))
    }

    /// Chooses on a pay page. Returns the browser's redirect, or `None` when it stays: the payer left, or the
    /// merchant gets no report.
    ///
    /// # Errors
    /// A [`VisitError`] when the choice was not taken.
    pub async fn choose(
        &self,
        page: &PayPage,
        choice: impl Display + Send,
    ) -> Result<Option<WayBack>, VisitError> {
        let mut fields = page.fields.clone();
        fields.push(("choice".to_owned(), choice.to_string()));
        let answer = self.go(&WayBack::Post { action: page.action.clone(), fields }).await?;
        match (answer.status, &answer.location) {
            (300..=399, Some(location)) => Ok(Some(WayBack::Follow(answer.url.join(location)?.into()))),
            (200, None) if answer.text.contains("<script") => {
                let form = read_form(&answer.text);
                Ok(form.map(|(action, fields)| WayBack::Post { action, fields }))
            }
            (200, None) => Ok(None),
            (status, _) => Err(VisitError::NoChoice { status, page: answer.text }),
        }
    }

    /// Goes a way once, following nothing. Returns the HTTP status and where the browser would be sent on.
    ///
    /// # Errors
    /// [`VisitError::Http`] when no answer comes.
    pub async fn follow(&self, way: &WayBack) -> Result<(u16, Option<String>), VisitError> {
        let answer = self.go(way).await?;
        Ok((answer.status, answer.location))
    }

    async fn go(&self, way: &WayBack) -> Result<Answer, VisitError> {
        let (method, url, body) = match way {
            WayBack::Follow(url) => (Method::GET, url.clone(), Body::Empty),
            WayBack::Post { action, fields } => (Method::POST, action.clone(), Body::Form(fields.clone())),
        };
        let reply = self.http.send(&Call { method, url: url.clone(), headers: Vec::new(), body }).await?;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        Ok(Answer { url: Url::parse(&url)?, status: reply.status, location: reply.location, text })
    }
}

/// The action and the hidden fields of a page's first form, as far as a page like ours has them.
fn read_form(html: &str) -> Option<(String, Vec<(String, String)>)> {
    let (_, from_form) = html.split_once("<form ")?;
    let (form, _) = from_form.split_once("</form>")?;
    let (head, inside) = form.split_once('>')?;
    let action = attribute(head, "action")?;
    let fields = inside.split("<input ").skip(1).filter_map(|input| {
        let (input, _) = input.split_once('>')?;
        let hidden = attribute(input, "type")? == "hidden";
        hidden.then(|| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())))?
    });
    Some((action, fields.collect()))
}

/// The value of an attribute in double quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, from_value) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = from_value.split_once('"')?;
    Some(unescape(value))
}

/// Text without HTML's escapes: the named ones of markup, and numbers.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from_escape)) = rest.split_once('&') {
        plain.push_str(before);
        let escape = from_escape.split_once(';').filter(|(name, _)| name.len() <= 8);
        let meant = escape.and_then(|(name, behind)| Some((character(name)?, behind)));
        match meant {
            Some((character, behind)) => {
                plain.push(character);
                rest = behind;
            }
            None => {
                plain.push('&');
                rest = from_escape;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(escape: &str) -> Option<char> {
    match escape {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => {
            let number = other.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_reads_it() {
        let html = r#"<p>x</p><form method="post" action="/a?b=1&#38;c=2">
            <input type="hidden" name="o" value="A&amp;B &#34;&#x27;&nosuch; &"><input type="text" name="t" value="x">
            <button name="choice" value="pay">Pay</button></form>"#;
        let (action, fields) = read_form(html).unwrap();
        assert_eq!(action, "/a?b=1&c=2");
        assert_eq!(fields, [("o".to_owned(), "A&B \"'&nosuch; &".to_owned())]);
        assert_eq!(read_form("<form method=\"post\">"), None);
    }

    proptest! {
        #[test]
        fn no_page_panics(html in "\\PC{0,200}", inside in "\\PC{0,60}") {
            let _ = read_form(&html);
            let _ = read_form(&format!("<form action=\"{inside}\"><input type=\"hidden\" name=\"{inside}\" {inside}></form>"));
        }

        #[test]
        fn escaping_round_trips(text in "\\PC{0,40}") {
            let escaped = text.replace('&', "&#38;").replace('"', "&#34;").replace('<', "&#60;");
            prop_assert_eq!(unescape(&escaped), text);
        }
    }
}
