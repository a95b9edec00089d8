//! The currencies of an account, for gateways that take others than the rupee.

use payment_domain::Currency;
use payment_gateway::Currencies;
use payment_settings::parser::shorten;

/// The accepted texts, for the parser of the setting.
pub const ACCEPTS: &str = "codes of ISO 4217 with commas between them, as in `INR,USD`, or `all`";

/// Reads codes with commas between them, or `all` in lower case: `ALL` is the Albanian lek. Currencies that
/// the provider counts in another unit than [`Money`](payment_domain::Money) are not taken: an amount that is
/// a hundred times too large or too small is never requested.
///
/// # Errors
/// The problem, in words that follow a setting's name.
pub fn read(text: &str, counted_otherwise: &[&str], provider: &str) -> Result<Currencies, String> {
    if text.trim() == "all" {
        let others = counted_otherwise.iter().filter_map(|code| Currency::from_code(code));
        let others: Vec<Currency> = others.collect();
        return Ok(if others.is_empty() { Currencies::All } else { Currencies::AllBut(others.into()) });
    }
    let currency = |code: &str| {
        let currency = Currency::from_code(code).ok_or_else(|| {
            format!("`{}` is not the code of a currency with two decimals or none", shorten(code))
        })?;
        match counted_otherwise.contains(&currency.code()) {
            false => Ok(currency),
            true => Err(format!(
                "{} is counted in another unit at {provider}, and not supported",
                currency.code()
            )),
        }
    };
    let currencies: Vec<Currency> =
        text.split(',').map(|code| currency(code.trim())).collect::<Result<_, _>>()?;
    Ok(Currencies::Only(currencies.into()))
}
