//! The trace of a payment: that of its create, which everything done for it later continues.

use payment_domain::TxnId;
use payment_store::Store;
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// Does work for a payment in a span of the payment's trace, which is linked with the trace of the request or
/// record that caused it. A payment without a trace, as one that was not sampled, joins the cause's.
pub(crate) async fn in_trace_of<T>(
    store: &dyn Store,
    id: &TxnId,
    name: &'static str,
    work: impl Future<Output = T>,
) -> T {
    if !payment_trace::is_on() {
        return work.await;
    }
    let payment = store.trace_of(id).await.unwrap_or_else(|error| {
        tracing::debug!(txn_id = %id, %error, "the trace of a payment cannot be read");
        None
    });
    let cause = payment_trace::current();
    let is_apart =
        |payment: &&_| !cause.as_ref().is_some_and(|cause| payment_trace::same_trace(payment, cause));
    let parent = payment.as_ref().filter(is_apart);
    let span = tracing::info_span!(
        target: payment_trace::ENTRY,
        "payment",
        trace_id = Empty,
        trace_sampled = Empty,
        otel.name = name,
        pg.txn_id = %id,
    );
    payment_trace::begin(&span, parent);
    if let Some(parent) = parent {
        payment_trace::link(&Span::current(), parent);
        if let Some(cause) = &cause {
            payment_trace::link(&span, cause);
        }
    }
    work.instrument(span).await
}
