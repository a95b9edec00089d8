//! The citizen with a browser: at the sandbox's pay page, or at one of the simulated providers.

use std::time::Duration;

pub(super) use payment_simulator::providers::WayBack;
use payment_simulator::{providers, sandbox};

use super::stage::Gateway;
use crate::failure::{Failure, Outcome};

/// What the citizen does at the pay page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Pay,
    Decline,
}

impl Choice {
    /// What is written on the button.
    pub(super) fn button(self) -> &'static str {
        match self {
            Choice::Pay => "pay",
            Choice::Decline => "decline",
        }
    }
}

/// An open pay page.
pub(super) struct Page {
    /// The order it is about.
    pub(super) order: String,
    kind: Kind,
}

enum Kind {
    Sandbox(sandbox::Page),
    Provider(providers::PayPage),
}

/// Somebody who pays.
pub(super) struct Citizen {
    /// Opens pages as a browser does: follows redirects, and forms that send themselves.
    browser: providers::Visitor,
    /// Set when the payment is made in the sandbox.
    at_sandbox: Option<sandbox::Visitor>,
}

impl Citizen {
    pub(super) fn new(gateway: Gateway, step: Duration) -> Outcome<Citizen> {
        let no_browser = "no browser can be played";
        let browser =
            providers::Visitor::new(step).map_err(|error| Failure::new(no_browser).because(&error))?;
        let at_sandbox = match gateway {
            Gateway::Sandbox => {
                let visitor = sandbox::Visitor::new(step);
                Some(visitor.map_err(|error| Failure::new(no_browser).because(&error))?)
            }
            Gateway::Axis | Gateway::Paytm | Gateway::Phonepe | Gateway::Payu => None,
        };
        Ok(Citizen { browser, at_sandbox })
    }

    /// Goes where `redirectUrl` leads.
    pub(super) async fn open(&self, redirect_url: &str) -> Result<Page, String> {
        if let Some(visitor) = &self.at_sandbox {
            let page = visitor.open(redirect_url).await.map_err(|error| error.to_string())?;
            return Ok(Page { order: page.order.clone(), kind: Kind::Sandbox(page) });
        }
        let way = WayBack::Follow(redirect_url.to_owned());
        let page = self.browser.open(&way).await.map_err(|error| error.to_string())?;
        let order = page.fields.iter().find(|(name, _)| name == "order").map(|(_, order)| order.clone());
        Ok(Page { order: order.unwrap_or_default(), kind: Kind::Provider(page) })
    }

    /// Presses a button; tells how the browser is sent on.
    pub(super) async fn choose(&self, page: &Page, choice: Choice) -> Result<Option<WayBack>, String> {
        match (&page.kind, &self.at_sandbox) {
            (Kind::Sandbox(page), Some(visitor)) => {
                let choice = match choice {
                    Choice::Pay => sandbox::Choice::Pay,
                    Choice::Decline => sandbox::Choice::Decline,
                };
                let answered = visitor.choose(page, choice).await.map_err(|error| error.to_string())?;
                Ok(answered.location.filter(|_| answered.status == 303).map(WayBack::Follow))
            }
            (Kind::Sandbox(_), None) => Err("the page is another gateway's".to_owned()),
            (Kind::Provider(page), _) => {
                let choice = match choice {
                    Choice::Pay => providers::Choice::Pay,
                    Choice::Decline => providers::Choice::Decline,
                };
                self.browser.choose(page, choice).await.map_err(|error| error.to_string())
            }
        }
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
