//! Work of operators: jobs, reconciliation by hand, review cases.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{PATIENCE, Service, free_port, http_client, pg_service, run, stderr, stdout};
use payment_simulator::sandbox::{Choice, Visitor};
use payment_testing::postgres::FreshDatabase;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A running service in a folder of its own, and commands beside it, with the same environment.
struct World {
    folder: tempfile::TempDir,
    port: u16,
    environment: Vec<(String, String)>,
    service: Service,
}

impl World {
    async fn new() -> World {
        World::with(&[]).await
    }

    async fn with(environment: &[(&str, &str)]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut command = pg_service(folder.path());
        command.envs(environment.clone());
        let service = Service::start(command, port, &folder.path().join("log")).await;
        World { folder, port, environment, service }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command with the settings of the service.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pg_service(self.path());
        command.envs(self.environment.clone()).args(["--port", &self.port.to_string()]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The output of a successful command.
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
            "gateway": "SANDBOX", "callbackUrl": "http://127.0.0.1:1/done",
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
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn a_payment_behind_a_closed_tab_gets_its_receipt_by_hand() {
    let world = World::new().await;
    let id = world.chosen("B1", Choice::SayNothing).await;

    let young = world.told(&["reconcile"]);
    assert_eq!(young, "No payment is pending for 15 min or longer: there is nothing to reconcile.\n");

    let due = json_of(&world.told(&["reconcile", "--older-than", "0s", "--dry-run", "--json"]));
    assert_eq!((&due["taken"], &due["due"][0]["txnId"]), (&json!(1), &json!(id)));
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
async fn one_payment_is_reconciled_at_any_age() {
    let world = World::new().await;
    let id = world.chosen("B1", Choice::Decline).await;
    assert_eq!(world.told(&["reconcile", "--txn", &id]), format!("{id}  FAILURE\n"));
    let (open, _) = world.create("B2").await;
    let undecided = world.told(&["reconcile", "--txn", &open, "--json"]);
    assert_eq!(json_of(&undecided)["gateways"][0]["stillPending"], 1);

    let unknown = world.run(&["reconcile", "--txn", "UNKNOWN"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("no transaction UNKNOWN"), "{}", stderr(&unknown));
    assert_eq!(world.run(&["reconcile", "--txn", &id, "--gateway", "SANDBOX"]).status.code(), Some(2));
    assert_eq!(world.run(&["reconcile", "--older-than", "30"]).status.code(), Some(2));
    let unknown = world.run(&["reconcile", "--gateway", "AXSI"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("the gateways are SANDBOX"), "{}", stderr(&unknown));
}

#[tokio::test]
async fn an_unavailable_gateway_is_named_and_sets_the_exit_code() {
    let world = World::new().await;
    let id = world.chosen("B1", Choice::SayNothing).await;
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
    assert_eq!(stderr(&output), "", "no progress is drawn without a terminal");
    assert!(world.told(&["transaction", "show", &id]).contains("the gateway could not be asked"));
}

#[tokio::test]
async fn an_interrupted_reconciliation_finishes_begun_checks_and_reports_its_progress() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let settings = [
        ("PG_SERVICE_SANDBOX_URL", url.as_str()),
        ("PG_SERVICE_SANDBOX_SECRET", "a-secret-that-is-long-enough-for-the-sandbox"),
        ("PG_SERVICE_GATEWAYS_WAIT_MS", "30000"),
        ("PG_SERVICE_RECONCILIATION_CALLS_AT_ONCE", "1"),
    ];
    let world = World::with(&settings).await;
    for bill in ["B1", "B2", "B3"] {
        world.create(bill).await;
    }
    let mut child = world
        .command(&["reconcile", "--older-than", "0s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let Ok(asked) = tokio::time::timeout(PATIENCE, silent.accept()).await else {
        child.kill().unwrap();
        panic!("no status request was made: {:?}", child.wait_with_output());
    };
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = complaints.next().unwrap().unwrap();
    assert!(told.contains("Ctrl-C again"), "{told}");
    // Now the gateway hangs up: begun work ends.
    drop((asked, silent));
    let output = child.wait_with_output().unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Stopped: 1 of 3 payments were checked."), "{text}");
}

#[tokio::test]
async fn every_command_works_on_postgresql() {
    let database = FreshDatabase::create().await;
    let world = World::with(&[("SPRING_DATASOURCE_URL", database.url()), ("SANDBOX_ACTIVE", "true")]).await;
    assert!(world.told(&["migrate", "--check"]).contains("up to date"));
    assert!(world.told(&["migrate"]).contains("Nothing to do"));
    let id = world.chosen("B1", Choice::SayNothing).await;
    let wrong = world.chosen("B2", Choice::WrongAmount).await;
    assert!(world.told(&["reconcile", "--older-than", "0s", "--dry-run"]).contains(&id));
    let done = json_of(&world.told(&["reconcile", "--older-than", "0s", "--json"]));
    assert_eq!(done["gateways"][0]["paid"], 1, "{done}");
    assert!(world.told(&["transaction", "show", &id]).contains("receipt issued"));
    assert!(world.told(&["events", "tail", "--txn", &id]).contains("update-pg-txns"));
    assert!(world.told(&["reconcile", "--txn", &wrong]).contains("FAILURE"));
    let case = &json_of(&world.told(&["attention", "list", "--json", "--txn", &wrong]))[0]["id"].to_string();
    assert!(world.told(&["attention", "show", case]).contains("amount-mismatch"));
    world.told(&["attention", "resolve", case, "--by", "clerk-7", "--reason", "refunded"]);
    assert_eq!(world.told(&["attention", "list"]), "Nothing needs an operator.\n");
    assert!(world.told(&["jobs", "list"]).contains("reconcile-early"));
    assert!(world.told(&["jobs", "history", "--limit", "3"]).contains("finished"));
    let unknown = world.run(&["transaction", "show", "UNKNOWN"]);
    assert!(stderr(&unknown).contains(database.name()), "{}", stderr(&unknown));
    assert!(!world.path().join("data/payments.db").exists(), "it is not an embedded one");
}

#[tokio::test]
async fn a_case_is_listed_shown_and_resolved_once_by_a_named_person_with_a_reason() {
    let world = World::new().await;
    assert_eq!(world.told(&["attention", "list"]), "Nothing needs an operator.\n");
    let id = world.chosen("B1", Choice::WrongAmount).await;
    assert!(world.told(&["reconcile", "--txn", &id]).contains("FAILURE"));

    let listed = world.told(&["attention", "list", "--kind", "amount-mismatch"]);
    assert!(listed.contains(&id) && listed.contains("open"), "{listed}");
    let shown = world.told(&["attention", "show", "1"]);
    for told in
        ["amount-mismatch", &id, r#""paid_paise": "9900""#, "What to do", "attention resolve 1", "FAILURE"]
    {
        assert!(shown.contains(told), "{told}:\n{shown}");
    }
    let as_json = world.told(&["attention", "show", "1", "--json"]);
    assert_eq!(json_of(&as_json)["resolution"], Value::Null);
    assert_eq!(json_of(&as_json)["transaction"]["txnId"], id.as_str());
    for text in [&listed, &shown, &as_json] {
        assert!(!text.contains("Asha Demo") && !text.contains("9876543210"), "{text}");
    }
    let open = world.told(&["attention", "show", "1", "--show-personal-data"]);
    assert!(open.contains("Asha Demo") && open.contains("9876543210"), "{open}");

    let other = world.chosen("B1", Choice::SayNothing).await;
    assert!(world.told(&["reconcile", "--txn", &other]).contains("SUCCESS"));
    let shown = world.told(&["attention", "show", "1"]);
    assert!(shown.contains(&format!("{other}  SUCCESS  of bill B1")), "{shown}");
    let listed = json_of(&world.told(&["attention", "list", "--json"]));
    let alone = json_of(&world.told(&["attention", "show", "1", "--json"]));
    for case in [&listed[0], &alone] {
        assert_eq!(case["otherPayments"], json!([{"billId": "B1", "txnId": other, "txnStatus": "SUCCESS"}]));
        assert!(case["recommendedAction"].as_str().unwrap().contains("Do not register it"), "{case}");
    }

    let resolve = ["attention", "resolve", "1", "--reason", "refunded, reference 4711"];
    let unknown = world.run(&resolve);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("--by NAME"), "{}", stderr(&unknown));
    let resolved = pg_service(world.path()).args(resolve).env("USER", "clerk-7").output().unwrap();
    assert!(stdout(&resolved).contains("Case 1 is resolved.") && resolved.status.success());
    let again = world.run(&[&resolve[..], &["--by", "clerk-8"]].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("by clerk-7: refunded, reference 4711"), "{}", stderr(&again));

    assert_eq!(world.told(&["attention", "list"]), "Nothing needs an operator.\n");
    assert!(world.told(&["attention", "list", "--all"]).contains("by clerk-7"));
    assert!(world.told(&["attention", "show", "1"]).contains("refunded, reference 4711"));
    let shown = world.told(&["transaction", "show", &id]);
    assert!(
        shown.contains("An operator has seen to it") && shown.contains("case 1: amount-mismatch"),
        "{shown}"
    );
}

/// A folder with a database, without another process that runs jobs.
fn quiet_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    folder
}

#[test]
fn jobs_are_listed_run_and_looked_up() {
    let folder = quiet_folder();
    let told = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    };
    assert!(told(&["jobs", "history"]).contains("No run is recorded"));
    let jobs = json_of(&told(&["jobs", "list", "--json"]));
    let names: Vec<&str> = jobs.as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"reconcile-early") && names.contains(&"housekeeping"), "{names:?}");

    let ran = told(&["jobs", "run", "reconcile-daily"]);
    assert!(ran.contains("reconcile-daily#1  finished  examined 0"), "{ran}");
    let listed = told(&["jobs", "list"]);
    for told in ["every 15m", "0 0 0,12", "#1 ", "finished after", "never run"] {
        assert!(listed.contains(told), "{told}:\n{listed}");
    }
    told(&["jobs", "run", "housekeeping"]);
    let runs = json_of(&told(&["jobs", "history", "reconcile-daily", "--json"]));
    let run_of = &runs[0];
    assert_eq!((&run_of["state"], &run_of["attempt"]), (&json!("FINISHED"), &json!(1)), "{run_of}");
    assert!(run_of["node"].as_str().unwrap().starts_with("by-hand-"), "{run_of}");
    let table = told(&["jobs", "history", "--limit", "1"]);
    assert!(table.contains("housekeeping") && table.lines().count() == 2, "{table}");

    let unknown = run(folder.path(), &["jobs", "run", "nightly"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("the jobs are reconcile-early"), "{}", stderr(&unknown));
    assert!(told(&["jobs", "history", "nightly"]).contains("No run of `nightly`"));
}

#[test]
fn a_job_under_way_elsewhere_is_not_run() {
    let folder = quiet_folder();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let millis = |moment: Duration| i64::try_from(moment.as_millis()).unwrap();
    let insert =
        "INSERT INTO eg_pg_job_runs (job, scheduled_at, attempt, missed, node, started_at, lease_until)
        VALUES ('reconcile-daily', ?1, 1, 0, 'another-node', ?1, ?2)";
    let database = rusqlite::Connection::open(folder.path().join("data/payments.db")).unwrap();
    database.execute(insert, [millis(now), millis(now + Duration::from_secs(3600))]).unwrap();
    let busy = run(folder.path(), &["jobs", "run", "reconcile-daily"]);
    assert_eq!(busy.status.code(), Some(1));
    assert!(stderr(&busy).contains("at work elsewhere"), "{}", stderr(&busy));
    assert!(stdout(&run(folder.path(), &["jobs", "history", "reconcile-daily"])).contains("at work"));
}

#[tokio::test]
async fn operators_are_served_over_http_when_a_token_is_set_and_presented() {
    const TOKEN: &str = "a-token-that-cannot-be-guessed-01";
    let ask = async |world: &World, token: &str| {
        let url = format!("{}/jobs/v1/_search", world.service.url());
        let answer = http_client().post(url).bearer_auth(token).json(&json!({})).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let closed = World::new().await;
    let (status, body) = ask(&closed, TOKEN).await;
    assert_eq!((status, &body["Errors"][0]["code"]), (404, &json!("OPERATORS_OFF")));

    let world = World::with(&[("PG_SERVICE_OPERATORS_TOKEN", TOKEN)]).await;
    assert_eq!(ask(&world, "another").await.0, 401);
    let (status, body) = ask(&world, TOKEN).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["Jobs"].as_array().unwrap().iter().any(|job| job["name"] == "reconcile-early"), "{body}");
    assert!(!world.service.log().contains(TOKEN));
}

/// As `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

#[tokio::test]
async fn the_audit_log_is_read_signed_exported_and_verified_from_the_command_line() {
    let keys = tempfile::tempdir().unwrap();
    let file = |name: &str| keys.path().join(name).display().to_string();
    std::fs::write(file("audit.key"), SIGNING_KEY).unwrap();
    std::fs::write(file("audit.pub"), PUBLIC_KEY).unwrap();
    let (key, checkpoints, public) = (file("audit.key"), file("checkpoints.jsonl"), file("audit.pub"));
    let world = World::with(&[
        ("PG_SERVICE_AUDIT_SIGNING_KEY_FILE", key.as_str()),
        ("PG_SERVICE_AUDIT_CHECKPOINT_FILE", checkpoints.as_str()),
        ("PG_SERVICE_AUDIT_SEAL_INTERVAL_MS", "100"),
        ("USER", "auditor-of-amritsar"),
        // The link that a start prints is an entry as well.
        ("PG_SERVICE_CONSOLE_ENABLED", "false"),
    ])
    .await;
    world.create("B-AUDIT").await;
    let deadline = std::time::Instant::now() + PATIENCE;
    let verified = loop {
        let verified: Value = serde_json::from_str(&world.told(&["audit", "verify", "--json"])).unwrap();
        if verified["historyLines"] == 1 {
            break verified;
        }
        assert!(std::time::Instant::now() < deadline, "not sealed: {verified}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((&verified["broken"], &verified["entries"]), (&Value::Null, &json!(2)));
    let listed: Value = serde_json::from_str(&world.told(&["audit", "list", "--json"])).unwrap();
    assert_eq!(listed[0]["entry"]["action"], "settings.changed");
    assert_eq!(listed[1]["entry"]["action"], "history.sealed");

    assert!(world.told(&["audit", "checkpoint"]).starts_with("Signed: 2 entries"));
    world.told(&["jobs", "run", "housekeeping"]);
    let shown: Value =
        serde_json::from_str(&world.told(&["audit", "show", "3", "--show-personal-data"])).unwrap();
    assert_eq!(
        (&shown["entry"]["action"], &shown["personal"]["name"]),
        (&json!("job.run"), &json!("auditor-of-amritsar"))
    );
    world.told(&["audit", "redact", "3", "--reason", "asked for"]);
    let hidden: Value = serde_json::from_str(&world.told(&["audit", "show", "3"])).unwrap();
    assert_eq!(hidden["personal"]["name"], Value::Null);

    let export = file("audit.jsonl");
    world.told(&["audit", "export", "--output", &export]);
    let with_key = ["--checkpoints", checkpoints.as_str(), "--public-key", public.as_str()];
    for how in [vec!["audit", "verify"], vec!["audit", "verify", "--export", &export]] {
        let told = world.told(&[how, with_key.to_vec()].concat());
        assert!(told.contains("as it was written") && told.contains("entries 3 to"), "{told}");
    }
    let text = std::fs::read_to_string(&export).unwrap();
    std::fs::write(&export, text.replacen("housekeeping", "housebreaking", 1)).unwrap();
    let broken = world.run(&["audit", "verify", "--export", &export]);
    assert!(!broken.status.success() && stdout(&broken).contains("Broken at entry 3"), "{}", stdout(&broken));
    let unsigned = world.run(&["--set", "audit.seal-interval-ms=5", "audit", "verify"]);
    assert!(stderr(&unsigned).contains("audit.seal-interval-ms"), "{}", stderr(&unsigned));
}
