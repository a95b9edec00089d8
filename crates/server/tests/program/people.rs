//! Named people at the program: tokens and refunds on the command line and over HTTP, with the sandbox.

use std::path::PathBuf;
use std::process::Output;

use crate::support::payer::Payer;
use crate::support::{Service, free_port, http_client, pg_service, stderr, stdout};
use payment_simulator::sandbox::Choice;
use serde_json::{Value, json};

struct World {
    folder: tempfile::TempDir,
    port: u16,
    service: Service,
}

impl World {
    async fn new() -> World {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let service = Service::start(pg_service(folder.path()), port, &folder.path().join("log")).await;
        World { folder, port, service }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let port = self.port.to_string();
        pg_service(self.folder.path()).args(["--port", &port]).args(arguments).output().unwrap()
    }

    fn told(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }

    /// Issues a token, and puts it into a file.
    fn token(&self, holder: &str, uuid: &str, grant: &str) -> (PathBuf, Value) {
        let issued = self.told(&[
            "tokens", "issue", "--holder", holder, "--uuid", uuid, "--label", "test", "--grant", grant,
            "--json",
        ]);
        let file = self.folder.path().join(format!("{uuid}-{grant}.token"));
        std::fs::write(&file, format!("{}\n", issued["secret"].as_str().unwrap())).unwrap();
        (file, issued)
    }

    /// A payment that was made.
    async fn paid(&self, bill: &str) -> String {
        let payer = Payer::of(self.service.url());
        let (id, page) = payer.create(bill).await;
        payer.choose(&page, Choice::Pay).await;
        payer.update(&id).await;
        id
    }

    async fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> (u16, Value) {
        let request = http_client().post(format!("{}{path}", self.service.url())).json(body);
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_refund_is_requested_and_approved_on_the_command_line_by_two_people() {
    let world = World::new().await;
    let id = world.paid("B1").await;
    let (maker, _) = world.token("Asha Rani", "u-maker", "PG_REFUND_MAKER@pb.amritsar");
    let (same, _) = world.token("Asha Rani", "U-Maker", "PG_REFUND_CHECKER@pb.amritsar");
    let (checker, _) = world.token("Balbir Singh", "u-checker", "PG_REFUND_CHECKER@pb");
    let (maker, same) = (maker.to_str().unwrap(), same.to_str().unwrap());
    let request =
        ["refund", "request", "--txn", &id, "--reason-code", "PAID_TWICE", "--reason", "twice", "--json"];
    let refused = world.run(&[&request[..], &["--token-file", checker.to_str().unwrap()]].concat());
    assert!(stderr(&refused).contains("PG_REFUND_MAKER"), "{}", stderr(&refused));
    let refund = world.told(&[&request[..], &["--token-file", maker]].concat());
    let refund_id = refund["refundId"].as_str().unwrap();
    // Repeated, as after a lost answer, it is the same request; under another key it asks for more than is left.
    let repeated = world.run(&[&request[..], &["--token-file", maker]].concat());
    assert!(stderr(&repeated).contains("was made before"), "{}", stderr(&repeated));
    let again: Value = serde_json::from_str(&stdout(&repeated)).unwrap();
    assert_eq!(again["refundId"], refund["refundId"]);
    let more = world.run(&[&request[..], &["--token-file", maker, "--key", "another"]].concat());
    assert!(!more.status.success() && stderr(&more).contains("under way"), "{}", stderr(&more));
    let approve = ["refund", "approve", refund_id, "--version", "1", "--json", "--token-file"];
    for own in [maker, same] {
        let refused = world.run(&[&approve[..], &[own]].concat());
        assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    }
    let approved = world.told(&[&approve[..], &[checker.to_str().unwrap()]].concat());
    assert_eq!(approved["decidedBy"], "u-checker", "{approved}");
    let shown = world.told(&["refund", "show", refund_id, "--json"]);
    assert_eq!(shown["refund"]["originalTxnId"], json!(id), "{shown}");
    let listed = world.told(&["refund", "list", "--txn", &id, "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let unknown = world.run(&["refund", "show", "RF-nothing-here"]);
    assert!(stderr(&unknown).contains("there is no refund"), "{}", stderr(&unknown));
}

#[tokio::test]
async fn a_token_of_the_command_line_opens_the_running_service_until_it_is_revoked() {
    let world = World::new().await;
    let (file, issued) = world.token("Asha Rani", "u-1", "PG_VIEWER@pb");
    let secret = std::fs::read_to_string(file).unwrap();
    let ask = async || world.post("/jobs/v1/_search", Some(secret.trim()), &json!({})).await.0;
    assert_eq!(ask().await, 200);
    assert_eq!(world.post("/jobs/v1/reconcile-early/_run", Some(secret.trim()), &json!({})).await.0, 403);
    let other = world.run(&[
        "tokens",
        "issue",
        "--holder",
        "asha rani",
        "--uuid",
        "u-2",
        "--label",
        "x",
        "--grant",
        "PG_VIEWER@pb",
    ]);
    assert!(stderr(&other).contains("has another uuid"), "{}", stderr(&other));
    let listed = world.told(&["tokens", "list", "--json"]);
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&issued["id"], &json!("VALID")));
    assert!(listed[0]["lastUsedTime"].is_i64(), "{listed}");
    let revoked = world.run(&["tokens", "revoke", issued["id"].as_str().unwrap()]);
    assert!(revoked.status.success(), "{}", stderr(&revoked));
    assert_eq!(ask().await, 401);
    assert!(!world.service.log().contains(secret.trim()));
}

#[tokio::test]
async fn a_newcomer_tries_a_refund_under_two_names_while_the_sandbox_stands_alone() {
    let world = World::new().await;
    let id = world.paid("B1").await;
    let named = |uuid: &str, role: &str, refund: Value| {
        json!({"RequestInfo": {"userInfo": {"uuid": uuid, "type": "EMPLOYEE",
            "roles": [{"code": role, "tenantId": "pb"}]}}, "Refund": refund})
    };
    let wanted = json!({"originalTxnId": id, "reasonCode": "TRIAL", "reason": "to see it"});
    let (status, created) =
        world.post("/refund/v1/_create", None, &named("asha", "PG_REFUND_MAKER", wanted)).await;
    assert_eq!(status, 200, "{created}");
    let seen = json!({"refundId": created["Refund"]["refundId"], "version": 1});
    let own = named("asha", "PG_REFUND_CHECKER", seen.clone());
    let (status, refused) = world.post("/refund/v1/_approve", None, &own).await;
    assert_eq!((status, &refused["Errors"][0]["code"]), (403, &json!("REFUND_SAME_USER")));
    let other = named("balbir", "PG_REFUND_CHECKER", seen);
    assert_eq!(world.post("/refund/v1/_approve", None, &other).await.0, 200);
    // No other role comes with it.
    let admin = named("asha", "PG_ADMIN", json!({}));
    assert_eq!(world.post("/tokens/v1/_search", None, &admin).await.0, 401);
}
