//! Forms of the console: claimed by one of many, answered once, taken over only when they were cut off.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Promise;
use super::sample::at;
use crate::{FormClaim, LONGEST_SESSION, SentForm, Store};

pub(super) fn promises() -> Vec<Promise> {
    vec![
        Promise::of(a_form_is_claimed_by_one_of_any_number_and_answers_the_others),
        Promise::of(a_form_that_was_refused_is_free_again),
        Promise::of(a_form_that_was_cut_off_is_taken_over_by_one_and_answered_by_it_alone),
        Promise::of(forms_older_than_any_session_are_forgotten),
    ]
}

fn form(key: u8, content: u8, sent_at: i64) -> SentForm {
    SentForm { key: [key; 32], digest: [content; 32], sent_at: at(sent_at) }
}

async fn claim(store: &Arc<dyn Store>, form: &SentForm) -> FormClaim {
    store.claim_form(form, at(0)).await.unwrap()
}

async fn a_form_is_claimed_by_one_of_any_number_and_answers_the_others(store: Arc<dyn Store>) {
    let forms: Vec<SentForm> = (0..8).map(|nth| form(1, 1, 10 + nth)).collect();
    let claims = join_all(forms.iter().map(|form| store.claim_form(form, at(0)))).await;
    let is_ours = |claim: &&FormClaim| **claim == FormClaim::Ours;
    let claims: Vec<FormClaim> = claims.into_iter().map(Result::unwrap).collect();
    assert_eq!(claims.iter().filter(is_ours).count(), 1);
    assert_eq!(claims.iter().filter(|claim| **claim == FormClaim::UnderWay).count(), 7);
    let ours = claims.iter().position(|claim| *claim == FormClaim::Ours).unwrap();
    for (nth, form) in forms.iter().enumerate().filter(|(nth, _)| *nth != ours) {
        store.answer_form(form, Some(&format!("/foreign/{nth}"))).await.unwrap();
    }
    store.answer_form(&forms[ours], Some("/refunds/R1?said=requested")).await.unwrap();
    store.answer_form(&forms[ours], Some("/later")).await.unwrap();
    let answer = FormClaim::Answered("/refunds/R1?said=requested".to_owned());
    assert_eq!(claim(&store, &form(1, 1, 99)).await, answer);
    assert_eq!(claim(&store, &form(1, 2, 99)).await, FormClaim::Differs);
    assert_eq!(claim(&store, &form(2, 1, 99)).await, FormClaim::Ours, "another form");
}

async fn a_form_that_was_refused_is_free_again(store: Arc<dyn Store>) {
    let first = form(1, 1, 10);
    assert_eq!(claim(&store, &first).await, FormClaim::Ours);
    assert_eq!(claim(&store, &form(1, 2, 11)).await, FormClaim::Differs);
    store.answer_form(&form(1, 1, 11), None).await.unwrap();
    assert_eq!(claim(&store, &form(1, 1, 12)).await, FormClaim::UnderWay, "freed by its claim alone");
    store.answer_form(&first, None).await.unwrap();
    let mended = form(1, 2, 13);
    assert_eq!(claim(&store, &mended).await, FormClaim::Ours);
    store.answer_form(&mended, Some("/done")).await.unwrap();
    store.answer_form(&mended, None).await.unwrap();
    assert_eq!(claim(&store, &form(1, 2, 14)).await, FormClaim::Answered("/done".to_owned()));
}

async fn a_form_that_was_cut_off_is_taken_over_by_one_and_answered_by_it_alone(store: Arc<dyn Store>) {
    let first = form(1, 1, 10);
    assert_eq!(claim(&store, &first).await, FormClaim::Ours);
    assert_eq!(store.claim_form(&form(1, 1, 500), at(10)).await.unwrap(), FormClaim::UnderWay);
    assert_eq!(store.claim_form(&form(1, 2, 500), at(11)).await.unwrap(), FormClaim::Differs);
    let forms: Vec<SentForm> = (0..8).map(|nth| form(1, 1, 500 + nth)).collect();
    let claims = join_all(forms.iter().map(|form| store.claim_form(form, at(11)))).await;
    let ours: Vec<usize> = (0..8).filter(|nth| *claims[*nth].as_ref().unwrap() == FormClaim::Ours).collect();
    assert_eq!(ours.len(), 1);
    store.answer_form(&first, Some("/late")).await.unwrap();
    store.answer_form(&first, None).await.unwrap();
    assert_eq!(claim(&store, &form(1, 1, 600)).await, FormClaim::UnderWay);
    store.answer_form(&forms[ours[0]], Some("/done")).await.unwrap();
    assert_eq!(claim(&store, &form(1, 1, 600)).await, FormClaim::Answered("/done".to_owned()));
}

async fn forms_older_than_any_session_are_forgotten(store: Arc<dyn Store>) {
    let first = form(1, 1, 10);
    assert_eq!(claim(&store, &first).await, FormClaim::Ours);
    store.answer_form(&first, Some("/done")).await.unwrap();
    let life = i64::try_from(LONGEST_SESSION.as_millis()).unwrap();
    assert_eq!(claim(&store, &form(2, 1, 10 + life)).await, FormClaim::Ours);
    assert_eq!(claim(&store, &form(1, 1, 11)).await, FormClaim::Answered("/done".to_owned()));
    assert_eq!(claim(&store, &form(3, 1, 11 + life)).await, FormClaim::Ours);
    assert_eq!(claim(&store, &form(1, 1, 12)).await, FormClaim::Ours, "forgotten");
}
