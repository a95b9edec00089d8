//! The payer's way back to the application.

/// The URL with `eg_pg_txnid=<id>` and `more` pairs at the end of its query. Of the application's own text
/// only empty pairs and earlier pairs of these names are dropped: those of an earlier payment would name
/// the wrong transaction.
pub fn with_transaction_id(url: &str, txn_id: &str, more: &[(&str, &str)]) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let names_ours = |pair: &str| {
        let name = pair.split('=').next().unwrap_or(pair);
        name.eq_ignore_ascii_case(crate::gateways::TRANSACTION_PARAMETER)
            || more.iter().any(|(ours, _)| name.eq_ignore_ascii_case(ours))
    };
    let mut out = String::with_capacity(url.len() + txn_id.len() + 16);
    out.push_str(base);
    let mut separator = '?';
    for pair in query.split('&').filter(|pair| !pair.is_empty() && !names_ours(pair)) {
        out.push(separator);
        out.push_str(pair);
        separator = '&';
    }
    for (name, value) in std::iter::once(&(crate::gateways::TRANSACTION_PARAMETER, txn_id)).chain(more) {
        out.push(separator);
        out.push_str(name);
        out.push('=');
        out.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        separator = '&';
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_id_joins_the_query_and_nothing_else_changes() {
        for (url, expected) in [
            ("https://a.in/done", "https://a.in/done?eg_pg_txnid=T1"),
            ("https://a.in", "https://a.in?eg_pg_txnid=T1"),
            ("https://a.in/done?x=1&y=a%20b", "https://a.in/done?x=1&y=a%20b&eg_pg_txnid=T1"),
            ("https://a.in/?", "https://a.in/?eg_pg_txnid=T1"),
            ("https://a.in/#/done", "https://a.in/?eg_pg_txnid=T1#/done"),
            ("https://a.in/?eg_pg_txnid=OLD&x=1", "https://a.in/?x=1&eg_pg_txnid=T1"),
            ("https://a.in/?x=1&EG_PG_TXNID=OLD", "https://a.in/?x=1&eg_pg_txnid=T1"),
        ] {
            assert_eq!(with_transaction_id(url, "T1", &[]), expected);
        }
        assert_eq!(
            with_transaction_id(
                "https://a.in/?eg_pg_txnid=T1&txnStatus=PENDING",
                "T1",
                &[("txnStatus", "SUCCESS")]
            ),
            "https://a.in/?eg_pg_txnid=T1&txnStatus=SUCCESS"
        );
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing(path in "[a-z/]{0,10}", query in "[a-zA-Z0-9=&%_.-]{0,30}") {
            let once = with_transaction_id(&format!("https://a.in/{path}?{query}"), "A B&C", &[]);
            prop_assert_eq!(&with_transaction_id(&once, "A B&C", &[]), &once);
            prop_assert!(once.ends_with("eg_pg_txnid=A+B%26C"));
        }
    }
}
