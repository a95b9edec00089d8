//! The command line of `demo` and `simulate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const DEMO: &str = "\
It plays the application and the citizen: creates transactions, opens the pay page, chooses, follows
the browser back, and looks everything up. It starts a service of its own on a free port, with a
temporary database, unless --url names a running one whose sandbox gateway is active. With --gateway
the citizen pays through the real adapter of that gateway, at a simulator of the provider's side (see
`pg-service simulate`).

  pg-service demo
  pg-service demo --gateway axis
  pg-service demo --gateway phonepe --protocol v2
  pg-service demo --url http://127.0.0.1:9000/pg-service
  pg-service demo --json | jq .payments[].receipt";

pub(super) const SIMULATE: &str = "\
It serves what a merchant's server and a payer's browser meet at the providers: pay pages,
signature checks, status questions, webhooks, in every protocol the service speaks. No money moves,
and nothing is kept when it ends. It listens on 127.0.0.1:9300 unless --address and --port say
otherwise; --public-url is its own address here. To try it, in two terminals:

  pg-service simulate --write-properties simulator.properties
  pg-service --properties simulator.properties

Then create a transaction with \"gateway\": \"AXIS\" (or CCAVENUE, HYPERSWITCH, PAYTM, PHONEPE, PAYU,
RAZORPAY, STRIPE) and open its redirectUrl.

Anything can go wrong on demand: with one order, before it is opened or after,

  curl -s -H 'Content-Type: application/json' -d '{\"fault\":\"pending\",\"seconds\":20}' \\
    http://127.0.0.1:9300/control/orders/paytm/TXN_ID

or with some of a provider's calls and orders; the word none ends it:

  curl -s -H 'Content-Type: application/json' -d '{\"fault\":\"hang\",\"rate\":0.1,\"seed\":1}' \\
    http://127.0.0.1:9300/control/phonepe

Faults of calls:   slow (ms), http-500, cut, hang, garbage
Faults of orders:  wrong-amount, wrong-signature, pending (seconds),
                   paid-after-declined (seconds), unknown-code, not-found, duplicate-webhooks, silent

What became of them stands in the books, for people at http://127.0.0.1:9300/, for programs at
http://127.0.0.1:9300/control/orders. What is to come later comes at once with

  curl -s -X POST http://127.0.0.1:9300/control/orders/paytm/TXN_ID/elapse

More: docs/simulator.md";

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// A running service, with its context path, instead of one of its own
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The gateway to pay at
    #[arg(long, value_enum, default_value_t = DemoGateway::Sandbox)]
    pub(crate) gateway: DemoGateway,
    /// The protocol to speak with it: legacy or v3 with paytm; legacy, v1 or v2 with phonepe
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<DemoProtocol>,
    /// One JSON document for machines instead of steps for people
    #[arg(long)]
    pub(crate) json: bool,
}

/// The gateways of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoGateway {
    /// The built-in sandbox
    Sandbox,
    /// AXIS, through MIGS
    Axis,
    /// CCAVENUE
    Ccavenue,
    /// HYPERSWITCH, by payment links
    Hyperswitch,
    /// PAYTM
    Paytm,
    /// PHONEPE
    Phonepe,
    /// PAYU
    Payu,
    /// RAZORPAY, by payment links
    Razorpay,
    /// STRIPE, through Checkout
    Stripe,
}

impl DemoGateway {
    /// The name by which applications choose it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            DemoGateway::Sandbox => "SANDBOX",
            DemoGateway::Axis => "AXIS",
            DemoGateway::Ccavenue => "CCAVENUE",
            DemoGateway::Hyperswitch => "HYPERSWITCH",
            DemoGateway::Paytm => "PAYTM",
            DemoGateway::Phonepe => "PHONEPE",
            DemoGateway::Payu => "PAYU",
            DemoGateway::Razorpay => "RAZORPAY",
            DemoGateway::Stripe => "STRIPE",
        }
    }

    /// Whether a declined payment can be tried once more on the same page.
    pub(crate) fn allows_retries(self) -> bool {
        self == DemoGateway::Hyperswitch
    }
}

/// The protocols of PAYTM and PHONEPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoProtocol {
    /// The one that is spoken unless another is configured
    Legacy,
    /// PhonePe's PG v1
    V1,
    /// PhonePe's Standard Checkout
    V2,
    /// Paytm's v3
    V3,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The service to which webhooks are sent, with its context path
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000/pg-service")]
    pub(crate) service_url: String,
    /// Write the properties that point the service here into a file, instead of showing them
    #[arg(long, value_name = "FILE")]
    pub(crate) write_properties: Option<PathBuf>,
}
