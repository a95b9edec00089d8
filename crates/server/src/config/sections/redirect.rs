//! The way of payers' browsers to gateways and back, and the addresses that have to be reachable for it.

use payment_gateways::account::{REDIRECT_THROUGH, RedirectThrough};
use payment_service::Redirects;
use payment_settings::Reader;
use url::Url;

use super::gateway_hosts::is_loopback;
use super::gateways::Configured;
use super::payments::UPYOG_FORM;
use super::server::PUBLIC_URL;
use super::services::digit_is_there;
use super::{Config, Server, sandbox};

/// How payers' browsers are led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect {
    /// Through whom.
    pub through: RedirectThrough,
    /// Whether payers reach the service where it listens, so that it needs no public URL: alone, on
    /// the machine of a trial.
    pub is_local: bool,
    /// Whether `redirectUrl` names the page that UPYOG's web client posts to.
    pub upyog_form: bool,
}

/// The paths that have to be reachable from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// Through whom payers' browsers are led.
    pub through: RedirectThrough,
    /// The paths for that.
    pub paths: Vec<String>,
    /// The paths that the other way, through this service, would need beside them.
    pub through_service: Vec<String>,
}

pub(super) fn redirect(reader: &Reader<'_>) -> Redirect {
    let beside_digit = digit_is_there(reader);
    let worked_out = if beside_digit && !reader.is_set(&PUBLIC_URL) {
        RedirectThrough::Application
    } else {
        RedirectThrough::Service
    };
    let through = reader.set(&REDIRECT_THROUGH).unwrap_or(worked_out);
    Redirect { through, is_local: !beside_digit, upyog_form: reader.get(&UPYOG_FORM) }
}

/// Whether payers can get to every gateway that is offered, and back.
pub(super) fn check(
    reader: &mut Reader<'_>,
    redirect: Redirect,
    server: &Server,
    gateways: &[Configured],
    built_in_sandbox: bool,
) {
    if redirect.upyog_form && redirect.through == RedirectThrough::Application {
        reader.problem(
            &UPYOG_FORM,
            "needs the payment page of this service",
            format!("set {}=service, or leave {} out", REDIRECT_THROUGH.key, UPYOG_FORM.key),
        );
    }
    if let Some(public_url) = &server.public_url {
        if !redirect.is_local && Url::parse(public_url).is_ok_and(|url| is_loopback(&url)) {
            reader.doubt(&PUBLIC_URL, "is an address of this machine: payers elsewhere do not reach it");
        }
        return;
    }
    if redirect.is_local {
        return;
    }
    let through = REDIRECT_THROUGH.key;
    let (base, public) = (server.context_path.as_str(), PUBLIC_URL.key);
    let open = |path: &str| format!("open {base}{path} at the API gateway and set {public}");
    if built_in_sandbox {
        reader.problem(
            &sandbox::ACTIVE,
            format!("the sandbox's pages are pages of this service, which payers reach at {public} alone"),
            format!(
                "{}, or switch the sandbox off: sandbox.active=false",
                open("/sandbox and what is below it")
            ),
        );
    }
    if redirect.through == RedirectThrough::Service {
        reader.problem(
            &PUBLIC_URL,
            format!(
                "must be set beside DIGIT with {through}=service: payers come back to this service at it"
            ),
            format!(
                "give the address of {base} at the API gateway, and open there what check-config names then; \
                 or leave {through} out"
            ),
        );
        return;
    }
    for gateway in gateways.iter().filter(|gateway| gateway.offered) {
        let profile = &gateway.profile;
        if profile.needs_form_page {
            let name = &profile.name;
            reader.problem(
                &REDIRECT_THROUGH,
                format!(
                    "`application` is not enough for {name}: payers get there by a page of this service, \
                     {base}/gateway/v1/_pay"
                ),
                format!("{}, or take another protocol or gateway", open("/gateway/v1/_pay")),
            );
        }
    }
}

impl Config {
    /// The address of the service for payers and gateways, where there is one; `local_url` is that on
    /// this machine. Both with the context path.
    pub fn public_url(&self, local_url: &str) -> Option<String> {
        let local = || self.redirect.is_local.then(|| local_url.to_owned());
        self.server.public_url.clone().or_else(local)
    }

    /// Where payers' browsers are led.
    pub fn redirects(&self, local_url: &str) -> Redirects {
        let public_url = self.public_url(local_url);
        match self.redirect.through {
            RedirectThrough::Application => Redirects::Application { public_url },
            // Without one this is a configuration with a problem, which nothing is started with.
            RedirectThrough::Service => Redirects::Service {
                public_url: public_url.unwrap_or_else(|| local_url.to_owned()),
                upyog_form: self.redirect.upyog_form,
            },
        }
    }

    /// The paths that have to be reachable from outside.
    pub fn reachable(&self) -> Reachable {
        let base = self.server.public_url.as_deref().and_then(|url| Url::parse(url).ok());
        let base = base.as_ref().map_or(self.server.context_path.as_str(), Url::path).trim_end_matches('/');
        let offered =
            || self.gateways.iter().filter(|gateway| gateway.offered).map(|gateway| &gateway.profile);
        let callbacks = offered()
            .filter(|profile| profile.sends_callbacks)
            .map(|profile| format!("{base}/gateway/v1/{}/_callback", profile.name.as_str().to_lowercase()));
        let below = if self.redirect.upyog_form { " and what is below it" } else { "" };
        let pay = format!("{base}/gateway/v1/_pay{below}");
        let needs_pay = self.redirect.upyog_form || offered().any(|profile| profile.needs_form_page);
        let mut paths = ["_create", "_update"].map(|call| format!("{base}/transaction/v1/{call}")).to_vec();
        let redirect = format!("{base}/transaction/v1/_redirect");
        let through_service = match self.redirect.through {
            RedirectThrough::Application => {
                paths.extend(needs_pay.then(|| pay.clone()));
                [redirect].into_iter().chain((!needs_pay).then_some(pay)).chain(callbacks).collect()
            }
            RedirectThrough::Service => {
                paths.extend([redirect].into_iter().chain(needs_pay.then_some(pay)).chain(callbacks));
                Vec::new()
            }
        };
        Reachable { through: self.redirect.through, paths, through_service }
    }
}
