//! The payments, with the promises about each.

use serde::Serialize;
use serde_json::Value;

use super::actors::{Actors, Answer};
use super::citizen::{Choice, PayPage, WayBack, described};
use super::narrator::{Narrator, Step};
use super::refund::given_back;
use crate::failure::Outcome;

/// The path to which a gateway sends the browser, and the one to which the service sends it on.
const SERVICE: &str = "/transaction/v1/_redirect";
const APPLICATION: &str = "/sandbox/return";

/// The course of one payment.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    name: &'static str,
    txn_id: Option<String>,
    redirect_url: Option<String>,
    status: Option<String>,
    receipt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refund_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refund_status: Option<String>,
    steps: Vec<Step>,
}

impl Payment {
    /// Whether every step was as promised.
    pub(super) fn kept(&self) -> bool {
        self.steps.iter().all(|step| step.as_promised)
    }
}

/// A payment under way.
pub(super) struct Telling<'a> {
    pub(super) actors: &'a Actors,
    narrator: &'a mut Narrator,
    pub(super) payment: Payment,
    pub(super) bill: String,
}

/// Runs all of them, each as far as it can; the refund where two names alone may play two officials.
pub(super) async fn all(
    actors: &Actors,
    narrator: &mut Narrator,
    with_refund: bool,
) -> Outcome<Vec<Payment>> {
    let mut payments = vec![
        paid(actors, narrator).await?,
        declined(actors, narrator).await?,
        abandoned(actors, narrator).await?,
    ];
    if with_refund {
        payments.push(given_back(actors, narrator).await?);
    }
    Ok(payments)
}

async fn paid(actors: &Actors, narrator: &mut Narrator) -> Outcome<Payment> {
    let mut telling =
        Telling::begin(actors, narrator, "paid", "Paid: the citizen pays, one receipt is issued")?;
    if let Some((txn_id, page)) = telling.come_to_the_page("100.00").await? {
        telling.pay(&txn_id, &page).await?;
    }
    Ok(telling.payment)
}

async fn declined(actors: &Actors, narrator: &mut Narrator) -> Outcome<Payment> {
    let allows_retries = actors.world.gateway.allows_retries();
    let title = match allows_retries {
        true => "Declined, then paid: the bank says no, the page allows another attempt",
        false => "Declined: the bank says no, the bill is free again",
    };
    let mut telling = Telling::begin(actors, narrator, "declined", title)?;
    if let Some((txn_id, page)) = telling.come_to_the_page("250.50").await? {
        telling.choose_and_return(&page, Choice::Decline).await?;
        if allows_retries {
            telling.ask("PENDING", &txn_id).await?;
            telling.pay(&txn_id, &page).await?;
        } else {
            telling.ask("FAILURE", &txn_id).await?;
            telling.look_up("FAILURE", None, &txn_id).await?;
        }
    }
    Ok(telling.payment)
}

async fn abandoned(actors: &Actors, narrator: &mut Narrator) -> Outcome<Payment> {
    let mut telling = Telling::begin(
        actors,
        narrator,
        "abandoned",
        "Abandoned: the citizen closes the tab, nothing is guessed",
    )?;
    if let Some((txn_id, _page)) = telling.come_to_the_page("75.00").await? {
        telling.step(
            Step::new("citizen", "closes the tab", "no report reaches the application")
                .promised("silence", true),
        )?;
        telling.ask("PENDING", &txn_id).await?;
        telling.look_up("PENDING", None, &txn_id).await?;
        telling.try_again("75.00").await?;
    }
    Ok(telling.payment)
}

impl<'a> Telling<'a> {
    pub(super) fn begin(
        actors: &'a Actors,
        narrator: &'a mut Narrator,
        name: &'static str,
        title: &str,
    ) -> Outcome<Telling<'a>> {
        narrator.chapter(title)?;
        let bill = actors.world.bill(name);
        Ok(Telling { actors, narrator, payment: Payment { name, ..Payment::default() }, bill })
    }

    pub(super) fn step(&mut self, step: Step) -> Outcome {
        self.narrator.step(&step)?;
        self.payment.steps.push(step);
        Ok(())
    }

    /// The application creates the transaction, the citizen opens the pay page; `None` when the
    /// story cannot go on.
    pub(super) async fn come_to_the_page(&mut self, amount: &str) -> Outcome<Option<(String, PayPage)>> {
        let request = self.actors.create_request(&self.bill, amount);
        let answer = self.actors.create(&request).await?;
        let txn = answer.transaction();
        let (txn_id, redirect_url) = (text(txn, "txnId"), text(txn, "redirectUrl"));
        let as_promised = answer.status == 200
            && text(txn, "txnStatus").as_deref() == Some("PENDING")
            && txn_id.is_some()
            && redirect_url.is_some();
        self.payment.status = text(txn, "txnStatus");
        self.step(
            Step::new("application", "POST /transaction/v1/_create", &said(&answer))
                .with("bill", &self.bill)
                .with("amount", amount)
                .with("txnId", txn_id.as_deref().unwrap_or_default())
                .with("redirectUrl", redirect_url.as_deref().unwrap_or_default())
                .promised("200, PENDING, with an address to pay at", as_promised),
        )?;
        let (Some(txn_id), Some(redirect_url)) = (txn_id, redirect_url) else { return Ok(None) };
        self.payment.txn_id = Some(txn_id.clone());
        self.payment.redirect_url = Some(redirect_url.clone());

        let page = self.actors.citizen.open(&redirect_url).await;
        let said = match &page {
            Ok(_) => "the pay page, with a form".to_owned(),
            Err(error) => error.clone(),
        };
        let shown = page.as_ref().is_ok_and(|page| page.order() == txn_id);
        self.step(
            Step::new("citizen", "opens the pay page", &said).promised("a page about this payment", shown),
        )?;
        Ok(page.ok().map(|page| (txn_id, page)))
    }

    /// The citizen pays, and a receipt is issued.
    pub(super) async fn pay(&mut self, txn_id: &str, page: &PayPage) -> Outcome {
        self.choose_and_return(page, Choice::Pay).await?;
        let answer = self.ask("SUCCESS", txn_id).await?;
        let receipt = text(answer.transaction(), "receipt");
        let number = receipt.clone().unwrap_or_else(|| "no receipt".to_owned());
        self.step(Step::new("service", "receipt", &number).promised("a receipt number", receipt.is_some()))?;
        self.look_up("SUCCESS", receipt.as_deref(), txn_id).await?;
        self.payment.receipt = receipt;
        Ok(())
    }

    /// The citizen sends the form; the browser follows to the service and on to the application.
    async fn choose_and_return(&mut self, page: &PayPage, choice: Choice) -> Outcome {
        let chosen = self.actors.citizen.choose(page, choice).await;
        let said = match &chosen {
            Ok(Some(WayBack::Follow(_))) => "the browser is sent back".to_owned(),
            Ok(Some(WayBack::Post { .. })) => "the browser is sent back with a form".to_owned(),
            Ok(None) => "the browser stays".to_owned(),
            Err(error) => error.clone(),
        };
        let way = chosen.ok().flatten();
        let (method, to) = way.as_ref().map(described).unwrap_or_default();
        let button = format!("presses “{}”", choice.button());
        let as_promised = to.contains(SERVICE);
        self.step(
            Step::new("citizen", &button, &said)
                .with("to", to)
                .promised(&format!("back to …{SERVICE}"), as_promised),
        )?;
        let Some(way) = way.as_ref().filter(|_| as_promised) else { return Ok(()) };

        let (said, location) = match self.actors.citizen.go(way).await {
            Ok((status, location)) => (status.to_string(), location),
            Err(error) => (error, None),
        };
        let as_promised = said == "303" && location.as_deref().is_some_and(|url| url.contains(APPLICATION));
        self.step(
            Step::new("browser", &format!("{method} …/_redirect"), &said)
                .with("to", location.as_deref().unwrap_or_default())
                .promised(&format!("303 to …{APPLICATION}"), as_promised),
        )?;
        let Some(location) = location else { return Ok(()) };

        let (said, as_promised) = match self.actors.citizen.go(&WayBack::Follow(location)).await {
            Ok((status, _)) => (format!("{status}, the application's page"), status == 200),
            Err(error) => (error, false),
        };
        self.step(Step::new("browser", "GET callbackUrl", &said).promised("200", as_promised))
    }

    /// The web client asks for its status.
    async fn ask(&mut self, expected: &str, txn_id: &str) -> Outcome<Answer> {
        let answer = self.actors.update(txn_id).await?;
        let status = text(answer.transaction(), "txnStatus");
        let as_promised = answer.status == 200 && status.as_deref() == Some(expected);
        self.step(
            Step::new("application", "POST /transaction/v1/_update", &said(&answer))
                .promised(&format!("200, {expected}"), as_promised),
        )?;
        self.payment.status = status;
        Ok(answer)
    }

    /// The application looks it up.
    async fn look_up(&mut self, expected: &str, receipt: Option<&str>, txn_id: &str) -> Outcome {
        let answer = self.actors.search(txn_id).await?;
        let txn = answer.transaction();
        let as_promised = answer.status == 200
            && text(txn, "txnStatus").as_deref() == Some(expected)
            && text(txn, "receipt").as_deref() == receipt;
        self.step(
            Step::new("application", "POST /transaction/v1/_search", &said(&answer))
                .promised(&format!("200, {expected}, the same receipt"), as_promised),
        )
    }

    /// A second payment of the same bill is tried.
    async fn try_again(&mut self, amount: &str) -> Outcome {
        let request = self.actors.create_request(&self.bill, amount);
        let answer = self.actors.create(&request).await?;
        let as_promised = answer.status == 400 && answer.error_code() == Some("TXN_ABRUPTLY_DISCARDED");
        self.step(
            Step::new("application", "POST /transaction/v1/_create, the same bill", &said(&answer))
                .promised("400, TXN_ABRUPTLY_DISCARDED: it may still be paid", as_promised),
        )
    }
}

/// An answer in a few words.
pub(super) fn said(answer: &Answer) -> String {
    let status = text(answer.transaction(), "txnStatus");
    let word = status.as_deref().or(answer.error_code()).unwrap_or("an answer that cannot be read");
    format!("{}, {word}", answer.status)
}

pub(super) fn text(txn: &Value, field: &str) -> Option<String> {
    txn[field].as_str().map(str::to_owned)
}
