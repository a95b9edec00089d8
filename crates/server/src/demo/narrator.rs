//! The demo on the terminal, step by step.

use serde::Serialize;
use serde::ser::Serializer;

use super::stage::Play;
use crate::failure::Outcome;
use crate::terminal::{Paint, say};

/// One action and its result.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    who: &'static str,
    what: String,
    answer: String,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_object")]
    details: Vec<(&'static str, String)>,
    promise: String,
    pub(super) as_promised: bool,
}

impl Step {
    pub(super) fn new(who: &'static str, what: &str, answer: &str) -> Step {
        Step {
            who,
            what: what.to_owned(),
            answer: answer.to_owned(),
            details: Vec::new(),
            promise: String::new(),
            as_promised: true,
        }
    }

    /// The same with a detail.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Step {
        if !value.is_empty() {
            self.details.push((name, value.to_owned()));
        }
        self
    }

    /// The same with its promise, and whether it is kept.
    pub(super) fn promised(self, promise: &str, kept: bool) -> Step {
        Step { promise: promise.to_owned(), as_promised: kept, ..self }
    }
}

fn as_object<S: Serializer>(details: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(details.iter().map(|(name, value)| (name, value)))
}

/// The longest part of an address that is shown, in characters.
const SHOWN_OF_ADDRESS: usize = 96;

pub(super) struct Narrator {
    paint: Paint,
    aloud: bool,
}

impl Narrator {
    pub(super) fn new(paint: Paint, aloud: bool) -> Narrator {
        Narrator { paint, aloud }
    }

    fn tell(&self, text: &str) -> Outcome {
        if self.aloud {
            say(text)?;
        }
        Ok(())
    }

    pub(super) fn opening(&self, url: &str, play: &Play, own: bool) -> Outcome {
        let whose = if own { "started for this demo, with a temporary database" } else { "already running" };
        let protocol = play.protocol().map(|protocol| format!(" ({protocol})")).unwrap_or_default();
        let through = format!("{}{protocol}", play.gateway.name());
        self.tell(&format!("Payments through {through} at {} ({whose})", self.paint.link(url)))
    }

    pub(super) fn chapter(&self, title: &str) -> Outcome {
        self.tell(&format!("\n{}", self.paint.title(title)))
    }

    pub(super) fn step(&self, step: &Step) -> Outcome {
        let mark = if step.as_promised { self.paint.good("✔") } else { self.paint.bad("✘") };
        let answer = match () {
            () if !step.as_promised => self.paint.bad(&step.answer),
            () if step.answer.contains("PENDING") => self.paint.waiting(&step.answer),
            () => step.answer.clone(),
        };
        let arrow = self.paint.quiet("→");
        self.tell(&format!("  {mark} {:11} {:44} {arrow} {answer}", step.who, step.what))?;
        for (name, value) in &step.details {
            let name = self.paint.quiet(&format!("{name:11}"));
            let value = if value.contains("://") { self.paint.link(&shorten(value)) } else { value.clone() };
            self.tell(&format!("    {name} {value}"))?;
        }
        if !step.as_promised {
            self.tell(&format!("    {} {}", self.paint.bad("promised   "), step.promise))?;
        }
        Ok(())
    }

    pub(super) fn closing(&self, kept: bool, url: &str, stays: bool) -> Outcome {
        if !kept {
            return self.tell(&format!("\n{}", self.paint.bad("Not as promised: see the steps marked ✘.")));
        }
        self.tell(&format!("\n{}", self.paint.good("All as promised.")))?;
        if stays {
            self.tell(&format!(
                "See the payments in the sandbox's books: {}",
                self.paint.link(&format!("{url}/sandbox"))
            ))
        } else {
            self.tell("Start the service with `pg-service`, and pay with your own hands.")
        }
    }
}

fn shorten(address: &str) -> String {
    if address.chars().count() <= SHOWN_OF_ADDRESS {
        return address.to_owned();
    }
    address.chars().take(SHOWN_OF_ADDRESS).chain(['…']).collect()
}
