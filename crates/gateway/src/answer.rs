//! Answers of a gateway, by the payer's browser or from server to server.

use bytes::Bytes;
use payment_domain::TxnId;

/// Names and values as a gateway sent them, in order, decoded from the URL or form encoding.
/// `Debug` shows the names only: values hold signatures, card hints and personal data.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Wraps decoded pairs.
    pub fn new(pairs: Vec<(String, String)>) -> Params {
        Params(pairs)
    }

    /// The first value of exactly this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of this name in any letter case.
    pub fn get_ignoring_case(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All pairs, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Adds the pairs of `more` behind these.
    pub fn extend(&mut self, more: Params) {
        self.0.extend(more.0);
    }

    /// These without some pairs, each of which is left out once.
    #[must_use]
    pub fn without(&self, pairs: impl IntoIterator<Item = (String, String)>) -> Params {
        let mut left = self.0.clone();
        for pair in pairs {
            if let Some(at) = left.iter().position(|known| *known == pair) {
                left.remove(at);
            }
        }
        Params(left)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

/// One answer of a gateway.
#[derive(Clone, Default)]
pub struct Answer {
    /// Query parameters and the fields of a form body.
    pub params: Params,
    /// Request headers, names in lower case; here is the signature over [`body`](Answer::body), where there is
    /// one. Empty when the answer came by the payer's browser.
    pub headers: Params,
    /// The body as it came, for gateways that sign it whole. Empty when there was none.
    pub body: Bytes,
}

impl Answer {
    /// An answer of parameters only, as by a browser.
    pub fn of_params(params: Params) -> Answer {
        Answer { params, ..Answer::default() }
    }

    /// The transaction id in the parameter of this name; `None` when it is missing or cannot be an
    /// id. The exact name counts before one in another letter case, which may be an application's own.
    pub fn transaction_in(&self, parameter: &str) -> Option<TxnId> {
        let named = self.params.get(parameter).or_else(|| self.params.get_ignoring_case(parameter))?;
        TxnId::new(named).ok()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("params", &self.params)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
