"""The console in a browser: entered by the link that a start prints, every page with and without JavaScript, in three
languages, narrow and wide, by the keyboard, without a violation that axe-core knows."""

import csv
import json
import pathlib
import re
import sqlite3
import subprocess
import time

import openpyxl
import pytest
from conftest import BINARY, Service
from playwright.sync_api import expect, sync_playwright
from test_pay_page import CHROMIUM, DESK, FLAGS

AXE = (pathlib.Path(__file__).parent / "axe" / "axe.min.js").read_text()
NARROW = {"width": 320, "height": 700}
PAGES = ["/", "/payments", "/attention", "/refunds", "/events", "/jobs", "/gateways", "/jobs/reconcile-early"]
PAGES += ["/audit", "/sessions", "/tokens"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A service as a newcomer starts it, with two payments."""
    folder = tmp_path_factory.mktemp("console")
    service = Service(folder / "data", folder / "service.log")
    service.folder, service.settings = folder, []
    service.named = service.create("BILL-PAID", "1234567.50", 'ਜਾਇਦਾਦ ਟੈਕਸ & <b>"water"</b>', payer="<i>Asha</i> Rani")
    service.pending = service.create("BILL-PENDING")
    yield service
    assert service.stop() == 0, service.log.read_text()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


def issued_link(service: Service, *roles: str, name: str = "Asha Rani") -> str:
    """A link as `pg-service console login` prints it."""
    arguments = [argument for role in roles for argument in ("--role", role)]
    settings = ["--port", str(service.port), "--data-dir", service.folder / "data", *service.settings]
    command = [BINARY, "console", "login", *arguments, "--tenant", "pb", "--name", name, *settings]
    # Independent of this machine's configuration, as the service is.
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env={}).stdout
    return re.search(r"http\S+/login/link/\S+", printed)[0]


def entered(browser, service: Service, *roles: str, name: str = "Asha Rani", **options):
    """A page of a browser that has logged in."""
    context = browser.new_context(**options)
    page = context.new_page()
    problems = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.problems = problems
    page.goto(issued_link(service, *roles, name=name))
    page.get_by_role("button", name="Enter the console").click()
    page.wait_for_url(re.compile(r"/pg-service/console/$"))
    return page


ALL = ["PG_OPERATOR", "PG_VIEWER", "PG_AUDITOR", "PG_REFUND_MAKER", "PG_REFUND_CHECKER"]


def no_sideways_scrolling(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def violations(page) -> list[str]:
    """What axe-core finds, by WCAG 2.2 AA and best practice."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{page.url}: {rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def test_the_link_of_a_start_shows_the_payment_just_made(running, browser):
    link = re.search(r"http\S+/console/login/link/\S+", running.log.read_text())[0]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Enter the console").click()
    expect(page.get_by_text("Payments through the sandbox gateway move no money.")).to_be_visible()
    page.get_by_role("link", name=re.compile(running.pending["txnId"])).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(running.pending["txnId"])
    again = context.new_page()
    assert again.goto(link).status == 410, "it works once"
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{running.url}/console/payments")
    assert page.url.endswith("/console/login")
    context.close()


@pytest.mark.parametrize("language", ["en", "hi", "pa"])
def test_every_page_is_accessible_in_every_language_narrow_and_wide(running, browser, language):
    page = entered(browser, running, *ALL)
    page.goto(f"{running.url}/console/language/{language}")
    for payment in (running.named, running.pending):
        running.update(payment["txnId"])
    paths = [*PAGES, f"/payments/{running.pending['txnId']}", "/payments?status=PAID", "/payments?q=none", "/nothing"]
    found = []
    for path in paths:
        page.set_viewport_size(NARROW)
        page.goto(f"{running.url}/console{path}")
        assert page.locator("html").get_attribute("lang") == language
        # Messages of machines stand in `code`.
        assert language == "en" or page.locator("main [lang=en]:not(code)").count() == 0, path
        for size in (NARROW, DESK):
            page.set_viewport_size(size)
            assert no_sideways_scrolling(page), f"{path} {size}"
        # The structure is the same in every language and at every width; axe-core takes seconds for a page.
        page.set_viewport_size(DESK if language == "en" else NARROW)
        found += violations(page)
    assert not found, "\n".join(found)
    policy = [problem for problem in page.problems if "Content Security Policy" in problem]
    assert not policy, policy
    page.context.close()


def test_dark_and_forced_colours_keep_their_contrast(running, browser):
    page = entered(browser, running, *ALL, color_scheme="dark")
    found = []
    for path in [*PAGES, f"/payments/{running.pending['txnId']}"]:
        page.goto(f"{running.url}/console{path}")
        found += violations(page)
    assert not found, "\n".join(found)
    page.context.close()


def test_the_keyboard_alone_finds_and_reads_a_payment(running, browser):
    page = entered(browser, running, "PG_VIEWER")
    page.goto(f"{running.url}/console/payments")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(f"  {running.named['txnId'].lower()} ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(running.named["txnId"])
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with-javascript", "without"])
def test_a_payment_is_told_asked_about_and_given_back_by_two_people(running, browser, script):
    bill = f"BILL-{script}"
    txn = running.create(bill, "98765.00")
    maker = entered(browser, running, "PG_OPERATOR", "PG_REFUND_MAKER", java_script_enabled=script)
    maker.goto(txn["redirectUrl"])
    maker.get_by_role("button", name=re.compile("^Pay but say nothing")).click()
    maker.goto(f"{running.url}/console/payments?q={bill}")
    expect(maker.get_by_role("heading", level=1)).to_contain_text("Pending")
    maker.get_by_role("button", name="Ask the gateway now").click()
    expect(maker.get_by_role("heading", level=1)).to_contain_text("Paid")
    expect(maker.get_by_text("The gateway has confirmed that ₹98,765.00 was paid.")).to_be_visible()
    maker.get_by_text("Show personal data").click()
    maker.get_by_label("Reason").fill("the payer calls")
    maker.get_by_role("button", name="Show it now").click()
    expect(maker.get_by_text("9876543210", exact=True)).to_be_visible()
    maker.goto(f"{running.url}/console/payments/{txn['txnId']}/refund")
    maker.get_by_label("Amount to give back").fill("8,765.00")
    maker.get_by_label("Reason", exact=True).fill("paid too much")
    maker.get_by_role("button", name="Request a refund").dblclick()
    expect(maker.get_by_role("heading", level=1)).to_contain_text("Requested")
    expect(maker.get_by_role("link", name="Approve")).to_have_count(0)
    refund = maker.url.split("?")[0]
    maker.context.close()

    checker = entered(browser, running, "PG_REFUND_CHECKER", name=f"Bala {script}", java_script_enabled=script)
    checker.goto(f"{running.url}/console/refunds?view=decide")
    checker.get_by_role("link", name=refund.rsplit("/", 1)[1]).click()
    checker.get_by_role("link", name="Approve").click()
    expect(checker.get_by_text("₹8,765.00 leave through the gateway")).to_be_visible()
    checker.get_by_role("button", name="Approve and send").click()
    expect(checker.get_by_role("heading", level=1)).not_to_contain_text("Requested")
    checker.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with-javascript", "without"])
def test_a_view_is_downloaded_as_a_file_of_each_format(running, browser, tmp_path, script):
    page = entered(browser, running, "PG_OPERATOR", "PG_VIEWER", java_script_enabled=script)
    page.goto(f"{running.url}/console/payments?service=PT&status=PENDING")
    shown = page.get_by_role("row").get_by_role("rowheader").all_inner_texts()
    page.get_by_text("Download this list").click()
    files = {}
    for form in ["CSV", "JSONL", "XLSX"]:
        with page.expect_download() as download:
            page.get_by_role("button", name=form, exact=True).click()
        name = download.value.suggested_filename
        assert re.fullmatch(rf"payments-\d{{8}}-\d{{6}}\.{form.lower()}", name)
        files[form] = tmp_path / name
        download.value.save_as(files[form])
        page.wait_for_timeout(0 if not script else 3100)
    with files["CSV"].open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in files["JSONL"].read_text("utf-8").splitlines()]
    sheet = openpyxl.load_workbook(files["XLSX"], read_only=True).active
    names, *cells = sheet.iter_rows(values_only=True)
    assert list(names) == list(rows[0])
    assert [row["txnId"] for row in rows] == [line["txnId"] for line in lines] == [row[0] for row in cells] == shown
    amount = names.index("txnAmount")
    for row, line, cell in zip(rows, lines, cells, strict=True):
        assert float(row["txnAmount"]) == line["txnAmount"] == cell[amount]
        assert row["mobileNumber"] == line["mobileNumber"] == cell[names.index("mobileNumber")] == "98******10"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30", row["createdTime"])
        assert row["createdTime"] == line["createdTime"] == cell[names.index("createdTime")]
    page.context.close()


def test_work_under_way_is_followed_by_the_script_and_without_it(running, browser):
    database = sqlite3.connect(running.folder / "data" / "payments.db", timeout=30, isolation_level=None)
    now = time.time_ns() // 1_000_000
    columns = "job, scheduled_at, attempt, missed, node, started_at, lease_until"
    begin = f"INSERT INTO eg_pg_job_runs ({columns}) VALUES ('reconcile-daily', ?, 1, 0, 'node-2', ?, ?) RETURNING run_id"
    [[run]] = database.execute(begin, (now, now, now + 600_000)).fetchall()
    pages = [
        entered(browser, running, "PG_OPERATOR", name=f"Live {script}", java_script_enabled=script)
        for script in (True, False)
    ]
    for page in pages:
        page.goto(f"{running.url}/console/jobs/reconcile-daily")
        expect(page.get_by_text(f"Run {run}: 0 examined, 0 changed")).to_be_visible()
        expect(page.get_by_role("button", name="Run now")).to_have_count(0)
        page.get_by_text("Download this list").click()
    with_script, without = pages
    with_script.evaluate("window.isTheSame = true")
    end = "UPDATE eg_pg_job_runs SET examined = 7, changed = 4, ended_at = ?, ended = 'finished' WHERE run_id = ?"
    database.execute(end, (now + 1, run))
    database.close()
    for page in pages:
        row = page.get_by_role("row").filter(has_text="node-2")
        expect(row).to_contain_text("Finished", timeout=20_000)
        expect(row).to_contain_text("7")
        expect(page.get_by_role("button", name="Run now")).to_be_visible()
        assert page.locator("#live").get_attribute("data-refresh") is None, "nothing is left to follow"
    assert with_script.evaluate("window.isTheSame"), "the page was not loaded again"
    expect(with_script.get_by_role("button", name="CSV")).to_be_visible()
    expect(without.get_by_role("button", name="CSV")).to_be_hidden()
    for page in pages:
        page.context.close()
