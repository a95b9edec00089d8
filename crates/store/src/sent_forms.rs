//! Forms of the console: each is carried out once, on whichever replica it arrives.

use async_trait::async_trait;
use payment_domain::Timestamp;

use crate::StoreError;

#[async_trait]
pub trait SentForms: Send + Sync {
    /// Claims a form for its one carrying out. A claim without an answer from before `abandoned_before` is taken
    /// over by the same content. Forgets forms that are older than any session.
    async fn claim_form(&self, form: &SentForm, abandoned_before: Timestamp)
    -> Result<FormClaim, StoreError>;

    /// Ends a claim that was not taken over: keeps the address that answers the form, or without one frees the form.
    async fn answer_form(&self, form: &SentForm, location: Option<&str>) -> Result<(), StoreError>;
}

/// A form that a page of a session has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentForm {
    /// SHA-256 of session, address and number.
    pub key: [u8; 32],
    /// SHA-256 of the content and a secret of the session.
    pub digest: [u8; 32],
    pub sent_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormClaim {
    /// It is to be carried out now.
    Ours,
    /// Another request carries it out.
    UnderWay,
    /// It was carried out, and answered with this address.
    Answered(String),
    /// It was sent with another content.
    Differs,
}
