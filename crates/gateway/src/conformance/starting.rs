//! Opening orders: the requests to the provider, and the payer's page.

use payment_domain::Personal;

use super::{AMOUNT, Case, Deed, OUR_PARAMETER, Promise, Seen, id, is_paid, sample};
use crate::Redirect;

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(the_pay_page_is_about_the_requested_order_and_amount),
        Promise::of(an_order_that_is_started_twice_is_one_order),
        Promise::of(the_payer_is_sent_back_to_our_return_url),
        Promise::of(payer_and_callbacks_go_as_the_profile_says),
        Promise::of(awkward_text_survives_being_signed),
    ]
}

async fn the_pay_page_is_about_the_requested_order_and_amount(case: Case) {
    // Amounts that floats get wrong, and large ones.
    for (number, amount) in
        (1..).zip(["1.00", "1.15", "4.35", "19.99", "100.00", "1015.10", "4503.99", "99999.05"])
    {
        let mut txn = sample::transaction(&id(number), amount);
        let redirect = case.start(&mut txn).await;
        let seen = case.provider.arrive(&redirect).await;
        assert_eq!(seen, Seen { order: id(number), amount: txn.amount }, "{amount}");
    }
}

async fn an_order_that_is_started_twice_is_one_order(case: Case) {
    let mut txn = sample::transaction(&id(1), AMOUNT);
    let first = case.start(&mut txn).await;
    let again = case.start(&mut txn).await;
    let expected = Seen { order: id(1), amount: txn.amount };
    assert_eq!(case.provider.arrive(&first).await, expected);
    assert_eq!(case.provider.arrive(&again).await, expected);
    case.provider.does(&txn.id, Deed::IsPaid).await;
    assert!(is_paid(&case.status(&txn).await.outcome, &txn));
}

async fn the_payer_is_sent_back_to_our_return_url(case: Case) {
    let txn = case.after(1, Deed::IsPaid).await;
    let notifications = case.provider.notifications(&txn.id).await;
    let mut by_browser = notifications.iter().filter(|notification| notification.by_browser).peekable();
    assert!(by_browser.peek().is_some(), "the browser comes back");
    for notification in by_browser {
        let named = notification.answer.params.get(OUR_PARAMETER);
        assert_eq!(named, Some(txn.id.as_str()), "what our return URL carries comes back with it");
    }
}

async fn payer_and_callbacks_go_as_the_profile_says(case: Case) {
    let mut txn = sample::transaction(&id(1), AMOUNT);
    let redirect = case.start(&mut txn).await;
    let profile = case.gateway.profile();
    match &redirect {
        Redirect::Form { .. } => assert!(profile.needs_form_page, "the form needs a page"),
        Redirect::To(url) => assert!(!profile.needs_form_page, "a redirect needs no form page: {url}"),
    }
    case.provider.arrive(&redirect).await;
    case.provider.does(&txn.id, Deed::IsPaid).await;
    let by_server =
        case.provider.notifications(&txn.id).await.iter().any(|notification| !notification.by_browser);
    assert_eq!(by_server, profile.sends_callbacks);
}

async fn awkward_text_survives_being_signed(case: Case) {
    let long: String = "आशा & Söhne + 50% = \"2\" ".chars().cycle().take(512).collect();
    let texts = [
        ("a & b = c + d ? e # f / g % h %2B %20", "Asha & Co + Sons = \"1\""),
        ("ਜਾਇਦਾਦ ਟੈਕਸ संपत्ति कर ₹ 100", "ਗੁਰਪ੍ਰੀਤ कौर"),
        ("'; -- <script>alert(1)</script> \\ \" '", "O'Neil \\ \"Bob\" <b>"),
        (" leading and trailing, two  spaces\tand\r\nlines ", " Asha "),
        ("a|b|c||d", "a|b"),
        ("null", "null"),
        ("🙂 ＡＢＣ e\u{301} \u{200d}", "🙂"),
        ("|", "|"),
        (" ", " "),
        (&long, &long),
    ];
    for (number, (product_info, name)) in (1..).zip(texts) {
        let mut txn = sample::transaction(&id(number), AMOUNT);
        product_info.clone_into(&mut txn.product_info);
        txn.payer.name = Personal::new(name);
        txn.payer.email_id = (number % 2 == 0).then(|| Personal::new("asha+pay&x=1@example.org"));
        txn.consumer_code = format!("PT/{number} & 'x'+y=z");
        let redirect = case.start(&mut txn).await;
        let seen = case.provider.arrive(&redirect).await;
        assert_eq!(seen.order, id(number), "{product_info:?}");
        case.provider.does(&txn.id, Deed::IsPaid).await;
        for notification in case.provider.notifications(&txn.id).await {
            let verified = case.gateway.verify(&txn, &notification.answer).await;
            assert!(verified.is_ok(), "{product_info:?}: {verified:?}");
        }
        assert!(is_paid(&case.status(&txn).await.outcome, &txn), "{product_info:?}");
    }
}
