//! What operators do: see what runs, reconcile by hand, see to what needs attention.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use payment_simulator::sandbox::{Choice, Visitor};
use serde_json::{Value, json};
use support::{PATIENCE, Service, free_port, http_client, pg_service, stderr, stdout};
use tokio::net::TcpListener;

/// A running service in a folder of its own, and commands beside it.
struct World {
    folder: tempfile::TempDir,
    port: u16,
    service: Service,
}

impl World {
    async fn new() -> World {
        World::with(&[]).await
    }

    async fn with(environment: &[(&str, &str)]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = pg_service(folder.path());
        command.envs(environment.iter().copied());
        let service = Service::start(command, port, &folder.path().join("log")).await;
        World { folder, port, service }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command with the settings of the service.
    fn run(&self, arguments: &[&str]) -> Output {
        pg_service(self.path()).args(["--port", &self.port.to_string()]).args(arguments).output().unwrap()
    }

    /// What a command that succeeds writes.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.service.url());
        let answer = http_client().post(url).json(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// A new payment; returns its id and where to pay.
    async fn create(&self, bill: &str) -> (String, String) {
        let user = json!({"uuid": "u-1", "userName": "asha", "name": "Asha Demo", "mobileNumber": "9876543210",
            "tenantId": "pb", "type": "CITIZEN"});
        let txn = json!({"tenantId": "pb.amritsar", "txnAmount": "100.00", "billId": bill, "consumerCode": "PT-1",
            "taxAndPayments": [{"billId": bill, "amountPaid": "100.00"}], "productInfo": "Property tax",
            "gateway": "SANDBOX", "callbackUrl": "https://city.example.org/done",
            "user": {"name": "Asha Demo", "mobileNumber": "9876543210", "tenantId": "pb"}});
        let body = json!({"RequestInfo": {"userInfo": user}, "Transaction": txn});
        let answer = self.post("/transaction/v1/_create", &body).await;
        let text = |name: &str| answer["Transaction"][name].as_str().unwrap().to_owned();
        (text("txnId"), text("redirectUrl"))
    }

    /// A payment whose payer has chosen that at the sandbox's page, and come no further.
    async fn chosen(&self, bill: &str, choice: Choice) -> String {
        let (id, redirect_url) = self.create(bill).await;
        let visitor = Visitor::new(PATIENCE).unwrap();
        let page = visitor.open(&redirect_url).await.unwrap();
        visitor.choose(&page, choice).await.unwrap();
        id
    }

    fn database(&self) -> PathBuf {
        self.path().join("data/payments.db")
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn what_was_paid_behind_a_closed_tab_is_receipted_by_hand() {
    let world = World::new().await;
    let id = world.chosen("B1", Choice::SayNothing).await;

    let young = world.told(&["reconcile"]);
    assert_eq!(young, "No payment is pending for 15 min or longer: there is nothing to reconcile.\n");

    let due = json_of(&world.told(&["reconcile", "--older-than", "0s", "--dry-run", "--json"]));
    assert_eq!((&due["found"], &due["due"][0]["txnId"]), (&json!(1), &json!(id)));
    let due = world.told(&["reconcile", "--older-than", "0s", "--dry-run"]);
    assert!(due.contains(&id) && due.contains("nothing was changed"), "{due}");
    assert!(world.told(&["transaction", "show", &id]).contains("PENDING"));

    let done = world.told(&["reconcile", "--older-than", "0s", "--by", "clerk-7"]);
    let row = done.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(row[..6], ["SANDBOX", "1", "1", "0", "0", "0"], "{done}");
    let shown = world.told(&["transaction", "show", &id]);
    assert!(shown.contains("(user clerk-7)") && shown.contains("receipt issued"), "{shown}");
    let nothing = world.told(&["reconcile", "--older-than", "0s", "--gateway", "sandbox"]);
    assert_eq!(nothing, "No payment is pending at SANDBOX: there is nothing to reconcile.\n");
}

#[tokio::test]
async fn one_payment_is_reconciled_whatever_its_age() {
    let world = World::new().await;
    let id = world.chosen("B1", Choice::Decline).await;
    assert_eq!(world.told(&["reconcile", "--txn", &id]), format!("{id}  FAILURE\n"));
    let (open, _) = world.create("B2").await;
    let undecided = world.told(&["reconcile", "--txn", &open, "--json"]);
    assert_eq!(json_of(&undecided)["gateways"][0]["stillPending"], 1);

    let nobody = world.run(&["reconcile", "--txn", "NOBODY"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("no transaction NOBODY"), "{}", stderr(&nobody));
    assert_eq!(world.run(&["reconcile", "--txn", &id, "--gateway", "SANDBOX"]).status.code(), Some(2));
    assert_eq!(world.run(&["reconcile", "--older-than", "30"]).status.code(), Some(2));
    let unknown = world.run(&["reconcile", "--gateway", "AXSI"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("the gateways are SANDBOX"), "{}", stderr(&unknown));
}

#[tokio::test]
async fn a_gateway_that_cannot_be_asked_is_named_and_told_by_the_exit_code() {
    let world = World::new().await;
    let id = world.chosen("B1", Choice::Pay).await;
    // The command does not know where the service listens, and with it the built-in sandbox.
    let elsewhere = free_port().to_string();
    let output = pg_service(world.path())
        .args(["--port", &elsewhere, "reconcile", "--older-than", "0s"])
        .output()
        .unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    assert!(text.contains("Could not be asked") && text.contains(&id), "{text}");
    assert!(!text.contains("Asha Demo") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(stderr(&output), "", "no progress is drawn where nobody watches");
    assert!(world.told(&["transaction", "show", &id]).contains("the gateway could not be asked"));
}

#[tokio::test]
async fn an_interrupted_reconciliation_finishes_what_has_begun_and_tells_how_far_it_came() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let settings = [
        ("SANDBOX_URL", url.as_str()),
        ("SANDBOX_SECRET", "a-secret-that-is-long-enough-for-the-sandbox"),
        ("GATEWAYS_WAITMS", "2000"),
        ("RECONCILIATION_CALLSATONCE", "1"),
    ];
    let world = World::with(&settings).await;
    for bill in ["B1", "B2", "B3"] {
        world.create(bill).await;
    }
    let mut child = pg_service(world.path())
        .envs(settings)
        .args(["reconcile", "--older-than", "0s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = tokio::time::timeout(PATIENCE, silent.accept()).await;
    if asked.is_err() {
        child.kill().unwrap();
        panic!("nobody was asked: {:?}", child.wait_with_output().unwrap());
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    assert!(text.contains("Stopped: 1 of 3 payments were checked."), "{text}");
    assert!(stderr(&output).contains("Ctrl-C again"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_case_is_listed_shown_and_resolved_once_by_somebody_who_says_why() {
    let world = World::new().await;
    assert_eq!(world.told(&["attention", "list"]), "Nothing needs an operator.\n");
    let id = world.chosen("B1", Choice::WrongAmount).await;
    assert!(world.told(&["reconcile", "--txn", &id]).contains("FAILURE"));

    let listed = world.told(&["attention", "list", "--kind", "amount-mismatch"]);
    assert!(listed.contains(&id) && listed.contains("open"), "{listed}");
    let shown = world.told(&["attention", "show", "1"]);
    for told in ["amount-mismatch", &id, "99.00", "What to do", "attention resolve 1", "FAILURE"] {
        assert!(shown.contains(told), "{told}:\n{shown}");
    }
    let as_json = world.told(&["attention", "show", "1", "--json"]);
    assert_eq!(json_of(&as_json)["state"], "OPEN");
    assert_eq!(json_of(&as_json)["transaction"]["txnId"], id.as_str());
    for text in [&listed, &shown, &as_json] {
        assert!(!text.contains("Asha Demo") && !text.contains("9876543210"), "{text}");
    }
    let open = world.told(&["attention", "show", "1", "--show-personal-data"]);
    assert!(open.contains("Asha Demo") && open.contains("9876543210"), "{open}");

    let resolve = ["attention", "resolve", "1", "--reason", "refunded, reference 4711"];
    let nobody = world.run(&resolve);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("--by NAME"), "{}", stderr(&nobody));
    let resolved = pg_service(world.path()).args(resolve).env("USER", "clerk-7").output().unwrap();
    assert!(stdout(&resolved).contains("Case 1 is resolved.") && resolved.status.success());
    let again = world.run(&[&resolve[..], &["--by", "clerk-8"]].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("by clerk-7: refunded, reference 4711"), "{}", stderr(&again));

    assert_eq!(world.told(&["attention", "list"]), "Nothing needs an operator.\n");
    assert!(world.told(&["attention", "list", "--all"]).contains("by clerk-7"));
    assert!(world.told(&["attention", "show", "1"]).contains("refunded, reference 4711"));
    let shown = world.told(&["transaction", "show", &id]);
    assert!(shown.contains("An operator has seen to it") && shown.contains("case 1: amount-mismatch"), "{shown}");
}

#[tokio::test]
async fn jobs_are_listed_run_and_looked_up() {
    let world = World::new().await;
    let jobs = json_of(&world.told(&["jobs", "list", "--json"]));
    let names: Vec<&str> = jobs.as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"reconcile-early") && names.contains(&"housekeeping"), "{names:?}");
    let listed = world.told(&["jobs", "list"]);
    assert!(listed.contains("every 15m") && listed.contains("0 0 0,12"), "{listed}");

    let ran = world.told(&["jobs", "run", "reconcile-daily"]);
    assert!(ran.contains("reconcile-daily#") && ran.contains("finished  examined 0"), "{ran}");
    let runs = json_of(&world.told(&["jobs", "history", "reconcile-daily", "--json"]));
    let run = &runs[0];
    assert_eq!((&run["state"], &run["attempt"]), (&json!("FINISHED"), &json!(1)), "{run}");
    assert!(run["node"].as_str().unwrap().starts_with("by-hand-"), "{run}");
    let table = world.told(&["jobs", "history", "reconcile-daily", "--limit", "1"]);
    assert!(table.contains("finished") && table.lines().count() == 2, "{table}");

    let unknown = world.run(&["jobs", "run", "nightly"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("the jobs are reconcile-early"), "{}", stderr(&unknown));
    assert!(world.told(&["jobs", "history", "nightly"]).contains("No run of `nightly`"));
}

#[tokio::test]
async fn a_job_that_is_at_work_elsewhere_is_not_run() {
    let world = World::new().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let millis = |moment: Duration| i64::try_from(moment.as_millis()).unwrap();
    let insert = "INSERT INTO eg_pg_job_runs (job, scheduled_at, attempt, missed, node, started_at, lease_until)
        VALUES ('reconcile-daily', ?1, 1, 0, 'another-node', ?1, ?2)";
    let database = rusqlite::Connection::open(world.database()).unwrap();
    database.busy_timeout(PATIENCE).unwrap();
    database.execute(insert, [millis(now), millis(now + Duration::from_secs(3600))]).unwrap();
    let busy = world.run(&["jobs", "run", "reconcile-daily"]);
    assert_eq!(busy.status.code(), Some(1));
    assert!(stderr(&busy).contains("at work elsewhere"), "{}", stderr(&busy));
    assert!(world.told(&["jobs", "history", "reconcile-daily"]).contains("at work"));
}

#[tokio::test]
async fn operators_are_served_over_http_when_a_token_is_set_and_presented() {
    const TOKEN: &str = "a-token-that-nobody-guesses-0001";
    let ask = async |world: &World, token: &str| {
        let url = format!("{}/jobs/v1/_search", world.service.url());
        let answer = http_client().post(url).bearer_auth(token).json(&json!({})).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let closed = World::new().await;
    let (status, body) = ask(&closed, TOKEN).await;
    assert_eq!((status, &body["Errors"][0]["code"]), (404, &json!("OPERATORS_OFF")));

    let world = World::with(&[("OPERATORS_TOKEN", TOKEN)]).await;
    assert_eq!(ask(&world, "another").await.0, 401);
    let (status, body) = ask(&world, TOKEN).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["Jobs"].as_array().unwrap().iter().any(|job| job["name"] == "reconcile-early"), "{body}");
    assert!(!world.service.log().contains(TOKEN));
}
