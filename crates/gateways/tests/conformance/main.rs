//! Every promise of an adapter, kept by every adapter: one test each.
//!
//! The other side is the simulator for the providers it plays, and for remote gateways the Python
//! service in `examples/`, which is started here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

mod careless;
mod faults;
mod form;
mod python;
mod receiver;
mod sandbox;
mod simulated;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use payment_gateway::conformance::{Promise, Provider, promises};
use tokio::runtime::Builder;

use careless::{Careless, Defect};
use simulated::Account;

/// Makes a provider that knows no orders yet, and the adapter to it.
type Make = fn() -> Pin<Box<dyn Future<Output = Arc<dyn Provider>>>>;

const ADAPTERS: &[(&str, Make)] = &[
    ("AXIS", || Box::pin(simulated::provider(Account::Axis))),
    ("CCAVENUE", || Box::pin(simulated::provider(Account::Ccavenue))),
    ("HYPERSWITCH", || Box::pin(simulated::provider(Account::Hyperswitch))),
    ("PAYTM legacy", || Box::pin(simulated::provider(Account::PaytmLegacy))),
    ("PAYTM v3", || Box::pin(simulated::provider(Account::PaytmV3))),
    ("PAYU", || Box::pin(simulated::provider(Account::Payu))),
    ("PHONEPE legacy", || Box::pin(simulated::provider(Account::PhonepeLegacy))),
    ("PHONEPE v1", || Box::pin(simulated::provider(Account::PhonepeV1))),
    ("PHONEPE v2", || Box::pin(simulated::provider(Account::PhonepeV2))),
    ("RAZORPAY", || Box::pin(simulated::provider(Account::Razorpay))),
    ("STRIPE", || Box::pin(simulated::provider(Account::Stripe))),
    ("CCAVENUE by link", || Box::pin(simulated::provider_through_application(Account::Ccavenue))),
    ("PAYTM legacy by link", || Box::pin(simulated::provider_through_application(Account::PaytmLegacy))),
    ("PAYU by link", || Box::pin(simulated::provider_through_application(Account::Payu))),
    ("PHONEPE v1 by link", || Box::pin(simulated::provider_through_application(Account::PhonepeV1))),
    ("SANDBOX", || Box::pin(sandbox::provider())),
    ("remote (Python)", || Box::pin(python::provider())),
];

/// The name of the threads on which adapters defect.
const CARELESS: &str = "careless";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of the time is spent waiting for servers that do not answer.
    arguments.test_threads.get_or_insert(6);
    rustls::crypto::ring::default_provider().install_default().expect("the provider is the first");
    // Faulty adapters are expected to panic: without output.
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(CARELESS) {
            shown(panic);
        }
    }));
    let trials = ADAPTERS.iter().flat_map(|&(adapter, make)| {
        promises().into_iter().map(move |promise| {
            let name = format!("{adapter}: {}", promise.name);
            Trial::test(name, move || check(&promise, make))
        })
    });
    let notices = Defect::ALL.iter().map(|&(defect, promise)| {
        Trial::test(format!("the suite notices an adapter that defects: {defect:?}"), move || {
            notices(defect, promise)
        })
    });
    // CCAVENUE never reports that a part of an order was given back: see `tests/refunds.rs`.
    let tell_parts = Account::ALL.iter().filter(|account| **account != Account::Ccavenue);
    let faults = tell_parts.map(|&account| {
        Trial::test(format!("{account:?}: refunds under every fault"), move || {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(faults::refunds_under_every_fault(account));
            Ok(())
        })
    });
    let own = Trial::test("remote (Python): its own tests", python::own_tests);
    libtest_mimic::run(&arguments, trials.chain(notices).chain(faults).chain([own]).collect()).exit_code()
}

/// Checks that an adapter which defects breaks this promise, and that it does so because it defects.
fn notices(defect: Defect, promise: &str) -> Result<(), libtest_mimic::Failed> {
    let promise = promises().into_iter().find(|listed| listed.name == promise).ok_or("no such promise")?;
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name(CARELESS).enable_all().build()?;
    let broken = runtime.block_on(async {
        let provider = simulated::provider(defect.account()).await;
        let checking = tokio::spawn(async move {
            promise.check(Arc::new(Careless { provider, defect })).await;
        });
        checking.await.is_err_and(|error| error.is_panic())
    });
    if broken { Ok(()) } else { Err(format!("{defect:?} went unnoticed").into()) }
}

fn check(promise: &Promise, make: Make) -> Result<(), libtest_mimic::Failed> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let provider = make().await;
        if promise.applies_to(provider.as_ref()) {
            promise.check(provider).await;
        }
    });
    Ok(())
}
