//! Loads on a service, and the processor time they take.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::load::{self, Figures, Response};
use crate::report::progress;
use crate::requests::{self, SANDBOX, created, id_of};
use crate::service::Service;

/// Sends requests to the service until `count` are answered or `limit` is over.
pub(crate) async fn load(
    service: &Service,
    options: &Options,
    count: usize,
    limit: Duration,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    keep: impl Fn(&Response) -> Option<String> + Send + Sync + 'static,
) -> Result<Figures> {
    load::run(&service.address, options.connections, count, limit, request, keep).await
}

/// [`load()`] with the service's processor time per request.
pub(crate) async fn measured(
    service: &Service,
    options: &Options,
    count: usize,
    limit: Duration,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    keep: impl Fn(&Response) -> Option<String> + Send + Sync + 'static,
) -> Result<Figures> {
    let before = service.processor_time()?;
    let figures = load(service, options, count, limit, request, keep).await?;
    let used = service.processor_time()?.saturating_sub(before);
    let each = used / u32::try_from(figures.requests.max(1))?;
    Ok(Figures { cpu: Some(each), ..figures })
}

/// Unmeasured creates that warm the service up; returns the values of [`created`].
pub(crate) async fn warm_up(service: &Service, options: &Options, run: &'static str) -> Result<Vec<String>> {
    const COUNT: usize = 2000;
    let request = move |number| requests::create(SANDBOX, run, number);
    Ok(load(service, options, COUNT, Duration::MAX, request, created).await?.kept)
}

/// Creates at the sandbox for as long as a load runs.
pub(crate) async fn creates(service: &Service, options: &Options, run: &'static str) -> Result<Figures> {
    creates_at(service, options, SANDBOX, run).await
}

/// Creates at a gateway for as long as a load runs.
pub(crate) async fn creates_at(
    service: &Service,
    options: &Options,
    gateway: &'static str,
    run: &'static str,
) -> Result<Figures> {
    progress("create");
    let limit = Duration::from_secs(options.seconds);
    let request = move |number| requests::create(gateway, run, number);
    measured(service, options, usize::MAX, limit, request, requests::nothing).await
}

/// Searches for these ids, one after the other, for as long as a load runs.
pub(crate) async fn searches(service: &Service, options: &Options, ids: Vec<String>) -> Result<Figures> {
    progress("search by id");
    ensure!(!ids.is_empty(), "there is nothing to search for");
    let limit = Duration::from_secs(options.seconds);
    let request = move |number: usize| requests::search(&ids[number % ids.len()]);
    let searched = measured(service, options, usize::MAX, limit, request, requests::found_nothing).await?;
    ensure!(searched.kept.is_empty(), "{} searches found nothing", searched.kept.len());
    Ok(searched)
}

/// Creates payments and pays each of them on the sandbox's page; returns their ids.
pub(crate) async fn paid(service: &Service, options: &Options, count: usize) -> Result<Vec<String>> {
    progress("payments to be updated");
    let request = |number| requests::create(SANDBOX, "pay", number);
    let payable = load(service, options, count, Duration::MAX, request, created).await?.kept;
    let mut workers = Vec::new();
    for part in payable.chunks(payable.len().div_ceil(options.connections).max(1)) {
        let (part, address) = (part.to_vec(), service.address.clone());
        workers.push(tokio::spawn(async move {
            let mut connection = load::Connection::open(&address).await?;
            for payment in &part {
                let (_, redirect_url) = payment.split_once(' ').context("an odd payment")?;
                requests::pay(&mut connection, redirect_url).await?;
            }
            anyhow::Ok(part)
        }));
    }
    let mut ids = Vec::new();
    for worker in workers {
        ids.extend(worker.await??.iter().map(|payment| id_of(payment)));
    }
    Ok(ids)
}

/// Updates of paid payments: each must ask the gateway, settle and issue the receipt.
pub(crate) async fn updates(service: &Service, options: &Options, ids: &Arc<Vec<String>>) -> Result<Figures> {
    progress("update");
    let pending = ids.clone();
    let request = move |number: usize| requests::update(&pending[number]);
    let settled = measured(service, options, ids.len(), Duration::MAX, request, requests::receipted).await?;
    ensure!(settled.kept.len() == ids.len(), "a paid transaction was not settled");
    Ok(settled)
}

/// Updates of payments that are settled.
pub(crate) async fn repeated_updates(
    service: &Service,
    options: &Options,
    ids: &Arc<Vec<String>>,
) -> Result<Figures> {
    progress("update of settled ones");
    let limit = Duration::from_secs(options.seconds);
    let paid = ids.clone();
    let request = move |number: usize| requests::update(&paid[number % paid.len()]);
    measured(service, options, usize::MAX, limit, request, requests::receipted).await
}
