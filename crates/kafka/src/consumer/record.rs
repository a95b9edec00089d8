//! A received record.

use std::sync::Arc;

use payment_trace::TraceContext;
use rdkafka::Message;
use rdkafka::message::Headers;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Partition {
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
}

/// A record with its position. No `Debug`: it has personal data.
pub(super) struct Record {
    pub(super) partition: Partition,
    pub(super) offset: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) payload: Vec<u8>,
    /// Of the span that published it.
    pub(super) trace: Option<TraceContext>,
}

impl Record {
    pub(super) fn of(message: &impl Message) -> Record {
        Record {
            partition: Partition { topic: message.topic().into(), number: message.partition() },
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().unwrap_or_default().to_vec(),
            trace: message.headers().and_then(trace),
        }
    }

    /// Its size in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.payload.len() + self.key.as_ref().map_or(0, Vec::len)
    }
}

fn trace(headers: &impl Headers) -> Option<TraceContext> {
    let texts = |name: &'static str| {
        let named = headers.iter().filter(move |header| header.key == name);
        named.filter_map(|header| std::str::from_utf8(header.value?).ok())
    };
    payment_trace::from_headers(texts(payment_trace::TRACEPARENT), texts(payment_trace::TRACESTATE))
}
