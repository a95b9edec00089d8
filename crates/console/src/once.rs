//! A form is carried out once: a double click, a repeated request and the back button get the answer of the first.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use payment_store::{FormClaim, SentForm};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::page;
use crate::routes::Route;

/// A form without an answer for so long was cut off with its process: it may be sent again. What it does is kept from
/// happening twice by versions and keys of its own, too.
const ABANDONED_AFTER: Duration = Duration::from_secs(120);
/// How long the second request waits for the answer of the first.
const WAIT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Carries out a form in a task of its own, which goes on when the browser leaves.
pub(crate) async fn carry_out(context: &Arc<Context>, route: &'static Route) -> Outcome {
    let context = context.clone();
    let tasks = context.payments().ports.tasks.clone();
    let work = tasks.spawn(async move { answered_once(&context, route).await });
    work.await.map_err(|_| Failure::Internal("a form was cut off by a panic"))?
}

async fn answered_once(context: &Context, route: &Route) -> Outcome {
    // A login has no session yet; its link is used once.
    let Some(number) = &context.form_number else { return (route.handler)(context).await };
    let store = &context.payments().ports.store;
    let form = sent(context, number)?;
    let give_up_at = Instant::now() + WAIT;
    loop {
        match store.claim_form(&form, form.sent_at.minus(ABANDONED_AFTER)).await? {
            FormClaim::Ours => break,
            FormClaim::Answered(location) => return page::see(&location),
            FormClaim::Differs => return Err(Failure::refused(context.language.texts().failures.form_used)),
            FormClaim::UnderWay if Instant::now() < give_up_at => tokio::time::sleep(POLL_INTERVAL).await,
            FormClaim::UnderWay => return Err(Failure::Unanswered(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }
    let outcome = (route.handler)(context).await;
    // Only an address is kept: a page may show personal data, and of a form that was refused nothing was done.
    if let Err(error) = store.answer_form(&form, location(&outcome)).await {
        tracing::warn!(target: "console", request_id = %context.request_id, %error, "the answer to a form is not kept");
    }
    outcome
}

fn location(outcome: &Outcome) -> Option<&str> {
    let response = outcome.as_ref().ok()?;
    response.headers().get(header::LOCATION)?.to_str().ok()
}

/// The form by its session, address and number; its content by a digest, which the token keeps from being guessed.
fn sent(context: &Context, number: &str) -> Result<SentForm, Failure> {
    let session = &context.caller()?.session.id;
    let mut key = Sha256::new();
    let mut digest = Sha256::new();
    for text in [session.as_str(), context.here.as_str(), number] {
        part(&mut key, text);
    }
    for (name, value) in context.form.all() {
        part(&mut digest, name);
        part(&mut digest, value);
    }
    Ok(SentForm {
        key: key.finalize().into(),
        digest: digest.finalize().into(),
        sent_at: context.payments().sessions.now(),
    })
}

fn part(hash: &mut Sha256, text: &str) {
    hash.update(text.len().to_be_bytes());
    hash.update(text);
}
