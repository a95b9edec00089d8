//! Payments as a state has them: some tenants, gateways and services have most of them, a few payments are pending or
//! have no receipt. In the SQL of both databases, by the number `n` of a payment.

/// The number of tenants, of which the first have most payments.
pub(crate) const TENANTS: u64 = 120;
/// The numbers of mobile phones.
const MOBILES: u64 = 3_000_017;
/// One payment in so many has the rare gateway, or the rare service.
const RARE_IN: u64 = 500_009;
/// One in so many is paid and has no receipt.
const DUE_IN: u64 = 4_999;

pub(crate) const RARE: &str = "RARE";

/// The value of a column that differs between payments; `None` for one that does not.
pub(crate) fn value(table: &str, column: &str, prefix: &str, count: u64) -> Option<String> {
    if table != "eg_pg_transactions" {
        return None;
    }
    let status = format!(
        "CASE WHEN n > {} AND n % 50 = 0 THEN 'PENDING' WHEN n % 97 = 0 THEN 'FAILURE' ELSE 'SUCCESS' END",
        count - count / 100
    );
    Some(match column {
        "tenant_id" => format!("'pb.t' || ({})", tenant("n")),
        "receipt" => format!(
            "CASE WHEN ({status}) <> 'SUCCESS' OR n % {DUE_IN} = 0 THEN NULL ELSE '{prefix}R-' || n END"
        ),
        "txn_status" => status,
        "gateway" => format!(
            "CASE WHEN n % {RARE_IN} = 0 THEN '{RARE}' WHEN n % 7 = 0 THEN 'AXIS' WHEN n % 5 = 0 THEN 'PAYU' ELSE 'PAYTM' END"
        ),
        "module" => format!(
            "CASE WHEN n % {RARE_IN} = 1 THEN '{RARE}' WHEN n % 3 = 0 THEN 'TL' WHEN n % 11 = 0 THEN 'WS' ELSE 'PT' END"
        ),
        "txn_amount" => rupees("n"),
        "txn_amount_minor" => format!("{} * 100", rupees("n")),
        "mobile_number" => format!("CAST(9000000000 + n * 48271 % {MOBILES} AS text)"),
        "gateway_txn_id" => "'pay_' || n || 'Xy'".to_owned(),
        "pg_bank_transaction_no" => "'HDFC' || n || 'r'".to_owned(),
        _ => return None,
    })
}

fn tenant(n: &str) -> String {
    let part = |factor: u64| format!("({n} * {factor} % 1000)");
    format!("{} * {} * {} / 8333334", part(7_919), part(104_729), part(1_299_709))
}

fn rupees(n: &str) -> String {
    format!("({n} * 37 % 100000 + 100)")
}

/// The same for one payment.
pub(crate) fn tenant_of(n: u64) -> u64 {
    let part = |factor: u64| n * factor % 1000;
    part(7_919) * part(104_729) * part(1_299_709) / 8_333_334
}

pub(crate) fn rupees_of(n: u64) -> u64 {
    n * 37 % 100_000 + 100
}

pub(crate) fn mobile_of(n: u64) -> u64 {
    9_000_000_000 + n * 48_271 % MOBILES
}
