"""A payer in a browser at the simulator's pay pages: the gateways that differ in the way of a browser to them
and back, with and without JavaScript."""

import itertools
import json
import re
import subprocess
import urllib.request

import pytest
from conftest import BINARY, Service, free_port
from playwright.sync_api import expect, sync_playwright
from test_pay_page import CHROMIUM, DESK, FLAGS, PHONE, no_sideways_scrolling


class Simulator:
    """The providers' side, and the properties of a service that uses it."""

    def __init__(self, properties):
        port, self.service_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.properties = properties
        service_url = f"http://127.0.0.1:{self.service_port}/pg-service"
        command = [BINARY, "simulate", "--port", str(port), "--service-url", service_url]
        self.process = subprocess.Popen(
            [*command, "--write-properties", properties],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )
        # It prints its address when it listens.
        while b"--properties" not in self.process.stdout.readline():
            assert self.process.poll() is None, "the simulator does not start"

    def order(self, provider: str, txn_id: str) -> dict:
        with urllib.request.urlopen(f"{self.url}/control/orders/{provider}/{txn_id}", timeout=30) as response:
            return json.load(response)

    def stop(self) -> int:
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait(timeout=30)


class ServiceWithGateways(Service):
    """A service with the simulator's gateways."""

    def __init__(self, folder, log, simulator: Simulator):
        self.simulator = simulator
        choices = ["paytm.protocol=v3", "phonepe.protocol=v2", "sandbox.active=true"]
        settings = [argument for choice in choices for argument in ("--set", choice)]
        super().__init__(
            folder, log, "--properties", simulator.properties, *settings, port=simulator.service_port
        )

    def create_at(self, gateway: str, bill: str, amount: str = "100.00") -> dict:
        product = 'ਜਾਇਦਾਦ ਟੈਕਸ & <b>"water"</b> + 100%'
        return self.create(bill, amount, product, gateway, payer="Åsha & Söns")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    running = Simulator(tmp_path_factory.mktemp("simulator") / "simulator.properties")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def service(tmp_path_factory, simulator):
    folder = tmp_path_factory.mktemp("gateways")
    running = ServiceWithGateways(folder / "data", folder / "service.log", simulator)
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def bill(counter=itertools.count(1)):
    """An unpaid bill."""
    return f"BILL-{next(counter)}"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def page(browser, request):
    """A page on a phone with JavaScript, or on a desktop without."""
    scripts = request.param
    context = browser.new_context(viewport=PHONE if scripts else DESK, java_script_enabled=scripts)
    opened = context.new_page()
    opened.scripts = scripts
    opened.complaints = []
    opened.on("console", lambda line: opened.complaints.append(line.text) if line.type == "error" else None)
    yield opened
    # The console reports violated policies and failing scripts.
    assert opened.complaints == []
    context.close()


def go_to_the_pay_page(page, txn: dict, provider: str, by_form: bool):
    """Follows redirectUrl; without JavaScript, presses the button of the service's page."""
    page.goto(txn["redirectUrl"])
    if by_form and not page.scripts:
        assert "/gateway/v1/_pay?" in page.url
        expect(page.get_by_text("You are being taken to")).to_be_visible()
        assert no_sideways_scrolling(page)
        page.get_by_role("button", name="Continue to the payment").click()
    page.wait_for_url(re.compile(rf"/{provider}/pay-page\?"))
    expect(page.get_by_text(txn["txnId"]).first).to_be_visible()
    assert no_sideways_scrolling(page)


def come_back(page, txn: dict, status: str, by_form: bool):
    """The provider returns the browser, if necessary by the button of its page."""
    if by_form and not page.scripts:
        page.get_by_role("button", name="Return to the application").click()
    page.wait_for_url(re.compile(rf"/sandbox/return\?.*txnStatus={status}"))
    assert f"eg_pg_txnid={txn['txnId']}" in page.url and "from=test" in page.url
    expect(page.get_by_text(txn["txnId"]).first).to_be_visible()


# The gateway, whether a form sends the browser there, and whether one returns it.
GATEWAYS = pytest.mark.parametrize(
    ("gateway", "there_by_form", "back_by_form"),
    [
        ("AXIS", False, False),
        ("CCAVENUE", True, True),
        ("HYPERSWITCH", False, False),
        ("PAYU", True, True),
        ("PHONEPE", False, False),
        ("PAYTM", True, True),
        ("RAZORPAY", False, False),
        ("STRIPE", False, False),
    ],
    ids=["AXIS", "CCAVENUE", "HYPERSWITCH", "PAYU", "PHONEPE", "PAYTM", "RAZORPAY", "STRIPE"],
)


# The gateways whose pay page allows another attempt after a decline.
RETRIED = {"HYPERSWITCH"}


@GATEWAYS
def test_paying_brings_the_payer_back_with_a_receipt(service, page, bill, gateway, there_by_form, back_by_form):
    txn = service.create_at(gateway, bill, "123456.50")
    go_to_the_pay_page(page, txn, gateway.lower(), there_by_form)
    expect(page.get_by_text("₹1,23,456.50").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Pay ₹")).click()
    come_back(page, txn, "SUCCESS", back_by_form)
    updated = service.update(txn["txnId"])
    assert (updated["txnStatus"], updated["txnAmount"]) == ("SUCCESS", "123456.50")
    assert updated["receipt"] and updated["gatewayTxnId"]
    order = service.simulator.order(gateway.lower(), txn["txnId"])
    assert (order["state"], order["taken"]) == ("PAID", {"minor": 12345650, "currency": "INR"})

    # Going back in the browser permits no second payment.
    page.goto(txn["redirectUrl"])
    expect(page.get_by_role("button", name=re.compile("^Pay ₹"))).to_have_count(0)
    assert service.update(txn["txnId"]) == updated


@GATEWAYS
def test_declining_frees_the_bill_or_leaves_another_attempt(
    service, page, bill, gateway, there_by_form, back_by_form
):
    txn = service.create_at(gateway, bill)
    go_to_the_pay_page(page, txn, gateway.lower(), there_by_form)
    page.get_by_role("button", name="Decline").click()
    if gateway in RETRIED:
        come_back(page, txn, "PENDING", back_by_form)
        go_to_the_pay_page(page, txn, gateway.lower(), there_by_form)
        page.get_by_role("button", name=re.compile("^Pay ₹")).click()
        come_back(page, txn, "SUCCESS", back_by_form)
        return
    come_back(page, txn, "FAILURE", back_by_form)
    assert service.update(txn["txnId"])["txnStatus"] == "FAILURE"
    assert service.create_at(gateway, bill)["txnStatus"] == "PENDING"


def test_cancelling_fails_the_payment(service, page, bill):
    txn = service.create_at("CCAVENUE", bill)
    go_to_the_pay_page(page, txn, "ccavenue", by_form=True)
    page.get_by_role("button", name="Cancel").click()
    come_back(page, txn, "FAILURE", by_form=True)
    assert service.update(txn["txnId"])["gatewayStatusCode"] == "Aborted"


@GATEWAYS
def test_leaving_keeps_the_payment_pending(service, page, bill, gateway, there_by_form, back_by_form):
    txn = service.create_at(gateway, bill)
    go_to_the_pay_page(page, txn, gateway.lower(), there_by_form)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="You left without paying")).to_be_visible()
    assert service.update(txn["txnId"])["txnStatus"] == "PENDING"


@GATEWAYS
def test_a_payment_without_a_callback_is_found_by_a_status_request(
    service, page, bill, gateway, there_by_form, back_by_form
):
    txn = service.create_at(gateway, bill)
    go_to_the_pay_page(page, txn, gateway.lower(), there_by_form)
    page.get_by_text("Or try what can go wrong").click()
    page.get_by_role("button", name=re.compile("^Pay without a report")).click()
    expect(page.get_by_role("heading", name="Paid, without a report")).to_be_visible()
    updated = service.update(txn["txnId"])
    assert updated["txnStatus"] == "SUCCESS" and updated["receipt"]
