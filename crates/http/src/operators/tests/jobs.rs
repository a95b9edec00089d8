//! Jobs: their list, their runs.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::RequestLimits;
use crate::testing::{Choices, TestApp, request_info};

async fn runs(app: &TestApp, body: Value) -> Vec<Value> {
    let answer = app.operate("/jobs/v1/_history", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["Runs"].as_array().unwrap().clone()
}

/// An app whose requests wait for a second.
fn impatient() -> TestApp {
    let limits = RequestLimits { request_time: Duration::from_secs(1), ..RequestLimits::default() };
    TestApp::with(Choices { limits, ..Choices::default() })
}

#[tokio::test]
async fn jobs_are_listed_with_what_they_do_and_how_they_last_ended() {
    let app = TestApp::new();
    app.operate("/jobs/v1/test/_run", &json!({})).await;
    app.clock.advance(Duration::from_secs(60));
    let answer = app.operate("/jobs/v1/_search", &json!({ "RequestInfo": request_info() })).await;
    insta::assert_snapshot!(answer.shown());
}

#[tokio::test]
async fn a_run_by_hand_is_answered_as_it_is_recorded() {
    let app = TestApp::new();
    let answer = app.operate("/jobs/v1/test/_run", &json!({ "RequestInfo": request_info() })).await;
    insta::assert_snapshot!(answer.shown());
    assert_eq!(runs(&app, json!({"job": "test"})).await, [answer.json()["Run"].clone()]);
}

#[tokio::test]
async fn a_run_that_fails_says_why() {
    let app = TestApp::new();
    app.job.fails("the broker is unavailable");
    let answer = app.operate("/jobs/v1/test/_run", &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["Run"]["state"], "FAILED");
    assert_eq!(answer.json()["Run"]["reason"], "the broker is unavailable");
}

#[tokio::test]
async fn the_early_job_by_hand_settles_what_is_due() {
    let app = TestApp::new();
    let id = app.pending("bill-1").await;
    app.clock.advance(Duration::from_secs(15 * 60));
    app.gateway.answers(crate::testing::paid("100"));
    let answer = app.operate("/jobs/v1/early/_run", &json!({})).await.json();
    assert_eq!((&answer["Run"]["examined"], &answer["Run"]["changed"]), (&json!(1), &json!(1)));
    assert!(app.whole(&id).await.contains("receipt: Some"), "{}", app.whole(&id).await);
}

#[tokio::test]
async fn a_long_run_continues_after_its_answer_and_no_second_one_begins() {
    let app = impatient();
    let released = app.job.holds();
    let answer = app.operate("/jobs/v1/test/_run", &json!({})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let run = answer.json()["Run"].clone();
    assert_eq!((&run["state"], &run["endedTime"]), (&json!("RUNNING"), &json!(null)));

    let second = app.operate("/jobs/v1/test/_run", &json!({})).await;
    assert_eq!((second.status, second.codes()), (StatusCode::CONFLICT, vec!["JOB_AT_WORK".to_owned()]));
    assert!(second.header("retry-after").is_some());

    released.notify_one();
    app.payments.ports.tasks.close();
    app.payments.ports.tasks.wait().await;
    let recorded = runs(&app, json!({})).await;
    assert_eq!(recorded.len(), 1);
    assert_eq!((&recorded[0]["run"], &recorded[0]["state"]), (&run["run"], &json!("FINISHED")));
}

#[tokio::test]
async fn a_run_whose_caller_disconnects_is_finished() {
    let app = TestApp::new();
    let released = app.job.holds();
    let body = json!({});
    let asked = app.operate("/jobs/v1/test/_run", &body);
    assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err(), "it is at work");
    released.notify_one();
    app.payments.ports.tasks.close();
    app.payments.ports.tasks.wait().await;
    assert_eq!(runs(&app, json!({})).await[0]["state"], "FINISHED");
}

#[tokio::test]
async fn a_shutdown_cancels_a_run_by_hand_in_order() {
    let app = impatient();
    app.job.holds();
    app.operate("/jobs/v1/test/_run", &json!({})).await;
    app.stop.cancel();
    app.payments.ports.tasks.close();
    app.payments.ports.tasks.wait().await;
    assert_eq!(runs(&app, json!({})).await[0]["state"], "CANCELLED");
}

#[tokio::test]
async fn the_history_is_of_one_job_or_of_all_newest_first_and_bounded() {
    let app = TestApp::new();
    for job in ["test", "early", "test"] {
        app.operate(&format!("/jobs/v1/{job}/_run"), &json!({})).await;
        app.clock.advance(Duration::from_secs(1));
    }
    let jobs = |runs: Vec<Value>| -> Vec<String> {
        runs.iter().map(|run| run["job"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(jobs(runs(&app, json!({})).await), ["test", "early", "test"]);
    assert_eq!(jobs(runs(&app, json!({"job": "early"})).await), ["early"]);
    assert_eq!(jobs(runs(&app, json!({"limit": "2"})).await), ["test", "early"]);
    for limit in [json!(0), json!(501), json!("x"), json!(1.5)] {
        let answer = app.operate("/jobs/v1/_history", &json!({ "limit": limit })).await;
        assert_eq!(answer.codes(), ["Range.jobs.limit"], "{limit}");
    }
}

#[tokio::test]
async fn an_unknown_job_is_reported_with_the_known_ones() {
    let app = TestApp::new();
    for answer in [
        app.operate("/jobs/v1/nightly/_run", &json!({})).await,
        app.operate("/jobs/v1/%FF/_run", &json!({})).await,
        app.operate("/jobs/v1/_history", &json!({"job": "nightly"})).await,
    ] {
        assert_eq!(
            (answer.status, answer.codes()),
            (StatusCode::NOT_FOUND, vec!["JOB_NOT_FOUND".to_owned()])
        );
        assert!(answer.text().contains("early, test"), "{}", answer.text());
    }
}
