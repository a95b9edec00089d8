//! The W3C trace context of what caused an event.

/// `traceparent` and `tracestate`, as headers carry them; checked where they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    pub parent: String,
    /// `None` where it is empty.
    pub state: Option<String>,
}

impl TraceContext {
    /// The stored text: both, with a space between them.
    pub fn to_text(&self) -> String {
        match &self.state {
            Some(state) => format!("{} {state}", self.parent),
            None => self.parent.clone(),
        }
    }

    /// Of a stored text, which is checked no further.
    pub fn from_text(text: &str) -> TraceContext {
        match text.split_once(' ') {
            Some((parent, state)) => {
                TraceContext { parent: parent.to_owned(), state: Some(state.to_owned()) }
            }
            None => TraceContext { parent: text.to_owned(), state: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_being_stored() {
        for state in [None, Some("vendor=1,other=a b".to_owned())] {
            let context = TraceContext { parent: "00-a-b-01".to_owned(), state };
            assert_eq!(TraceContext::from_text(&context.to_text()), context);
        }
    }
}
