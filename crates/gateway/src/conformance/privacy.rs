//! Personal data and secrets must not appear.

use payment_domain::Personal;

use super::{AMOUNT, Case, Deed, Promise, id, sample};

pub(super) fn promises() -> Vec<Promise> {
    vec![Promise::of(no_personal_data_and_no_secret_appears_in_reports_and_errors)]
}

async fn no_personal_data_and_no_secret_appears_in_reports_and_errors(case: Case) {
    let mut txn = sample::transaction(&id(1), AMOUNT);
    txn.payer.name = Personal::new("Zzyzx Quux");
    txn.payer.mobile_number = Personal::new("9812345670");
    txn.payer.email_id = Some(Personal::new("zzyzx@quux.example"));
    let mut hidden = case.provider.secrets();
    hidden.extend(["Zzyzx", "Quux", "9812345670", "zzyzx@quux.example"].map(str::to_owned));
    let check = |shown: String| {
        for secret in &hidden {
            assert!(!secret.is_empty() && !shown.contains(secret), "{secret} appears in {shown}");
        }
    };

    let redirect = case.start(&mut txn).await;
    case.provider.arrive(&redirect).await;
    case.provider.does(&txn.id, Deed::IsPaid).await;
    let report = case.status(&txn).await;
    check(format!("{report:?} {}", report.raw));
    for notification in case.provider.notifications(&txn.id).await {
        check(format!("{:?}", case.gateway.verify(&txn, &notification.answer).await));
        let forged = case.provider.forged(&notification, &super::Forgery::Signature);
        if let Some(forged) = forged {
            check(format!("{:?}", case.gateway.verify(&txn, &forged).await));
        }
    }
    for fault in super::faults::Fault::ALL {
        let faulty = fault.serve().await;
        let gateway = case.provider.gateway_at(&faulty.base_url, faulty.timeout);
        check(format!("{:?}", gateway.status(&txn).await));
        check(format!("{:?}", case.try_start(gateway.as_ref(), &txn).await.err()));
    }
}
