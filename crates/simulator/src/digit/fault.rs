//! What can go wrong with a call to a pretend service.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest delay, in milliseconds.
const MAX_MS: u64 = 600_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
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
        /// The body, whatever it is.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Plan {
    #[serde(flatten)]
    pub(crate) fault: Fault,
    /// How many calls are still to be struck; `None` for all.
    pub(crate) times: Option<u32>,
}

/// A fault as it is asked for: `{"fault":"slow","ms":200,"times":1}`. The word `none` asks for none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultRequest {
    fault: String,
    ms: Option<u64>,
    status: Option<u16>,
    body: Option<Value>,
    times: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "faults are none, slow and slow-work (ms, at most 600000), status500, cut-after-work, cut-before-work, refuse4xx (status from \
     400 to 499, body), garbage and empty-list; each may have times"
)]
pub(crate) struct BadFault;

impl FaultRequest {
    /// What is asked for; `None` when nothing is to go wrong any more.
    pub(crate) fn plan(self) -> Result<Option<Plan>, BadFault> {
        let fault = match (self.fault.as_str(), self.ms, self.status, self.body) {
            ("none", None, None, None) => return Ok(None),
            ("slow", Some(ms), None, None) if ms <= MAX_MS => Fault::Slow { ms },
            ("slow-work", Some(ms), None, None) if ms <= MAX_MS => Fault::SlowWork { ms },
            ("status500", None, None, None) => Fault::Status500,
            ("cut-after-work", None, None, None) => Fault::CutAfterWork,
            ("cut-before-work", None, None, None) => Fault::CutBeforeWork,
            ("refuse4xx", None, status, Some(body)) if matches!(status, None | Some(400..=499)) => {
                let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                Fault::Refuse4xx { status: status.unwrap_or(400), body }
            }
            ("garbage", None, None, None) => Fault::Garbage,
            ("empty-list", None, None, None) => Fault::EmptyList,
            _ => return Err(BadFault),
        };
        Ok(Some(Plan { fault, times: self.times }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(asked: Value) -> Result<Option<Plan>, BadFault> {
        serde_json::from_value::<FaultRequest>(asked).unwrap().plan()
    }

    #[test]
    fn every_fault_can_be_asked_for_as_it_is_shown() {
        for fault in [
            Fault::Slow { ms: 5 },
            Fault::SlowWork { ms: 5 },
            Fault::Status500,
            Fault::CutAfterWork,
            Fault::CutBeforeWork,
            Fault::refuse("<html>"),
            Fault::Garbage,
            Fault::EmptyList,
        ] {
            let wanted = Plan { fault, times: Some(2) };
            assert_eq!(plan(serde_json::to_value(&wanted).unwrap()), Ok(Some(wanted)));
        }
        assert_eq!(plan(json!({"fault": "none"})), Ok(None));
        let refused = plan(json!({"fault": "refuse4xx", "body": {"Errors": []}})).unwrap().unwrap();
        assert_eq!(refused.fault, Fault::refuse(r#"{"Errors":[]}"#));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for asked in [
            json!({"fault": "earthquake"}),
            json!({"fault": "slow"}),
            json!({"fault": "slow", "ms": 600_001}),
            json!({"fault": "garbage", "ms": 1}),
            json!({"fault": "refuse4xx"}),
            json!({"fault": "refuse4xx", "status": 500, "body": ""}),
        ] {
            assert_eq!(plan(asked.clone()), Err(BadFault), "{asked}");
        }
    }
}
