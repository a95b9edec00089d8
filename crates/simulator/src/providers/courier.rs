//! Carries webhooks to the merchant: a few times each, in the background.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Providers;
use super::ledger::{Letter, Message};
use super::settings::WebhookPolicy;

/// How many webhooks one round carries, all at the same time, and how many orders it brings up to date.
const ROUND: usize = 32;
/// The longest sleep between two rounds.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Webhooks that arrived.
    pub delivered: u32,
    /// Webhooks that did not, this time.
    pub failed: u32,
}

/// What the background task and the pages share.
#[derive(Debug)]
pub(crate) struct Courier {
    /// Rung when something new is due.
    pub(crate) bell: Notify,
    http: reqwest::Client,
}

impl Courier {
    pub(crate) fn new(policy: &WebhookPolicy) -> Result<Courier, reqwest::Error> {
        // A process has one default provider; whoever comes first has chosen it.
        let _already_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(policy.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Courier { bell: Notify::new(), http })
    }

    /// Sends a message once; returns whether it arrived, and what it came to in a few words.
    async fn send(&self, message: Message) -> (bool, String) {
        let mut request = self.http.post(&message.url).body(message.body);
        for (name, value) in message.headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => (answer.status().is_success(), format!("answered {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => (false, "no answer in time".to_owned()),
            Err(error) if error.is_connect() => (false, "could not be reached".to_owned()),
            Err(_) => (false, "the connection broke".to_owned()),
        }
    }
}

impl Providers {
    /// Lets what is to come later come, and delivers webhooks, until `shutdown` completes. What is under
    /// way then is given up.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let work = async {
            loop {
                self.tick().await;
                let _rung_or_slept =
                    tokio::time::timeout(self.until_next(), self.inner.courier.bell.notified()).await;
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = work => {}
        }
    }

    /// Does what is due now: one round.
    pub async fn tick(&self) -> Tally {
        let now_ms = self.now_ms();
        let due = self.ledger().due_orders(now_ms, ROUND);
        for key in due {
            self.look(&key);
        }
        let letters = self.ledger().due_letters(now_ms, ROUND);
        let mut round = JoinSet::new();
        for (place, letter) in letters {
            let providers = self.clone();
            round.spawn(async move { providers.carry(place, letter).await });
        }
        let mut tally = Tally::default();
        while let Some(carried) = round.join_next().await {
            match carried {
                Ok(true) => tally.delivered += 1,
                Ok(false) | Err(_) => tally.failed += 1,
            }
        }
        tally
    }

    fn until_next(&self) -> Duration {
        let next_ms = self.ledger().next_due_ms();
        let wait = next_ms.map(|next_ms| u64::try_from(next_ms.saturating_sub(self.now_ms())).unwrap_or(0));
        wait.map_or(LONGEST_SLEEP, |wait_ms| Duration::from_millis(wait_ms).min(LONGEST_SLEEP))
    }

    /// Tries one webhook and writes down what came of it; returns whether it arrived.
    async fn carry(&self, place: (i64, u64), letter: Letter) -> bool {
        let (delivered, result) = self.inner.courier.send(letter.message).await;
        let attempts = letter.attempts.saturating_add(1);
        let wait = if delivered { None } else { self.inner.settings.webhooks.wait_after(attempts) };
        if !delivered {
            let (provider, order) = &letter.key;
            tracing::info!(provider = provider.name(), %order, attempts, result, given_up = wait.is_none(), "a webhook did not arrive");
        }
        let next_ms = wait
            .map(|wait| self.now_ms().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        self.ledger().tried(place, delivered, result, next_ms);
        delivered
    }
}
