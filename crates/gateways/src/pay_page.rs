//! The URL of a pay page that a gateway answers with.

use payment_gateway::GatewayError;
use url::Url;

/// The longest URL of a pay page, in bytes.
const MAX_URL_BYTES: usize = 4096;

/// The absolute URL of a pay page, completed by the URL that was called. Only `https` will do, unless
/// the call itself went without it.
///
/// # Errors
/// [`GatewayError::Unreadable`] when no browser can be sent there.
pub fn pay_page(called: &str, location: &str) -> Result<String, GatewayError> {
    let page = Url::parse(called).and_then(|called| Ok((called.scheme().to_owned(), called.join(location)?)));
    match page {
        Ok((scheme, page))
            if (page.scheme() == "https" || page.scheme() == scheme)
                && page.has_host()
                && page.as_str().len() <= MAX_URL_BYTES =>
        {
            Ok(page.into())
        }
        Ok(_) | Err(_) => {
            Err(GatewayError::Unreadable("the address of the pay page is not usable".to_owned()))
        }
    }
}
