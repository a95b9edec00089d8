//! The citizen with a browser, at the pay page of the sandbox or of a simulated provider.

use std::time::Duration;

use payment_simulator::Visitor;
pub(super) use payment_simulator::{PayPage, WayBack};

use crate::failure::{Failure, Outcome};

/// A button of the pay page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Pay,
    Decline,
}

impl Choice {
    /// The word on the button, and in the form.
    pub(super) fn button(self) -> &'static str {
        match self {
            Choice::Pay => "pay",
            Choice::Decline => "decline",
        }
    }
}

/// The payer.
pub(super) struct Citizen {
    /// Follows redirects, and forms that submit themselves.
    browser: Visitor,
}

impl Citizen {
    pub(super) fn new(step: Duration) -> Outcome<Citizen> {
        let browser =
            Visitor::new(step).map_err(|error| Failure::new("no browser can be played").because(&error))?;
        Ok(Citizen { browser })
    }

    /// Goes where `redirectUrl` leads.
    pub(super) async fn open(&self, redirect_url: &str) -> Result<PayPage, String> {
        self.browser.open(redirect_url).await.map_err(|error| error.to_string())
    }

    /// Presses a button; returns the way back of the browser.
    pub(super) async fn choose(&self, page: &PayPage, choice: Choice) -> Result<Option<WayBack>, String> {
        self.browser.choose(page, choice.button()).await.map_err(|error| error.to_string())
    }

    /// The browser goes where it is sent; returns the HTTP status and where it would go next.
    pub(super) async fn go(&self, way: &WayBack) -> Result<(u16, Option<String>), String> {
        self.browser.follow(way).await.map_err(|error| error.to_string())
    }
}

/// A way in words: the method and the address.
pub(super) fn described(way: &WayBack) -> (&'static str, &str) {
    match way {
        WayBack::Follow(url) => ("GET", url),
        WayBack::Post { action, .. } => ("POST", action),
    }
}
