//! Forms and queries as browsers and servers write them, and forging them.

use payment_gateway::conformance::{Forgery, with_param};
use payment_gateway::{Answer, Params};
use payment_gateways::form;

/// The parameters of an address with a query.
pub(crate) fn query_of(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form::decode(query.split('#').next().unwrap_or_default().as_bytes())
}

/// The browser's return after it was sent to this address with this form.
pub(crate) fn brought_by_browser(url: &str, fields: Vec<(String, String)>) -> Answer {
    let mut pairs = query_of(url);
    pairs.extend(fields);
    Answer::of_params(Params::new(pairs))
}

/// The fields in which a signed notification can be forged, and the two words for its outcome.
pub(crate) struct Fields {
    pub(crate) signature: &'static str,
    pub(crate) order: &'static str,
    pub(crate) amount: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) words: [&'static str; 2],
}

impl Fields {
    /// The same notification, forged. A body that holds the form is forged with it.
    pub(crate) fn forged(&self, answer: &Answer, forgery: &Forgery) -> Option<Answer> {
        let present = |name: &str| answer.params.get(name);
        let (name, value) = match forgery {
            Forgery::Signature => (self.signature, other_first_letter(present(self.signature)?)),
            Forgery::Order(other) => (self.order, other.to_string()),
            Forgery::Amount => (self.amount, other_last_digit(present(self.amount)?)),
            Forgery::Outcome => (self.outcome, other_word(present(self.outcome)?, self.words).to_owned()),
        };
        let mut forged = with_param(answer, name, &value);
        if !answer.body.is_empty() {
            let pairs: Vec<(&str, &str)> = forged.params.iter().collect();
            forged.body = form::encode(&pairs).into();
        }
        Some(forged)
    }
}

/// The text with another first letter, of the kind that signatures are written in.
pub(crate) fn other_first_letter(text: &str) -> String {
    let other = if text.starts_with('0') { '1' } else { '0' };
    text.chars().skip(1).fold(other.to_string(), |text, letter| text + letter.encode_utf8(&mut [0; 4]))
}

/// The number with another last digit.
pub(crate) fn other_last_digit(number: &str) -> String {
    let (rest, last) = number.split_at(number.len() - 1);
    format!("{rest}{}", if last == "7" { '8' } else { '7' })
}

/// The other of the two words.
pub(crate) fn other_word(word: &str, words: [&'static str; 2]) -> &'static str {
    if word == words[0] { words[1] } else { words[0] }
}
