//! Promises of the search for gateways, over HTTP.

use serde_json::json;

use crate::testing::{TestApp, post_request};

#[tokio::test]
async fn the_active_gateways_are_a_bare_array() {
    let app = TestApp::new();
    for answer in [
        app.post("/gateway/v1/_search", &json!({"RequestInfo": null})).await,
        app.send(post_request("/gateway/v1/_search", &[], "")).await,
        app.send(post_request("/gateway/v1/_search?tenantId=pb.amritsar&businessService=PT", &[], "")).await,
    ] {
        assert_eq!(answer.text(), r#"["FAKE","FORM","NETWORK"]"#);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}
