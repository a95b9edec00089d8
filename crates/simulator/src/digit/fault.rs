//! Faults of a call to a pretend service.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The work is done, the answer comes late.
    Slow {
        /// By how much, in milliseconds.
        ms: u64,
    },
    /// The work is done late, and answered then.
    SlowWork {
        /// By how much, in milliseconds.
        ms: u64,
    },
    /// HTTP status 500; no work is done.
    Status500,
    /// The work is done, then the connection is closed without an answer.
    CutAfterWork,
    /// The connection is closed without an answer; no work is done.
    CutBeforeWork,
    /// A 4xx status; no work is done.
    Refuse4xx {
        status: u16,
        /// The body, valid or not.
        body: String,
    },
    /// The work is done, HTTP status 200 comes back with something that is no answer.
    Garbage,
    /// A proper answer in which the list is empty; no work is done.
    EmptyList,
}

impl Fault {
    /// A refusal with status 400.
    pub fn refuse(body: impl Into<String>) -> Fault {
        Fault::Refuse4xx { status: 400, body: body.into() }
    }
}

/// A fault, and for how many calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// The number of later calls with the fault; `None` for all.
    pub(crate) times: Option<u32>,
}
