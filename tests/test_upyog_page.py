"""UPYOG's citizen application in a browser: it cuts redirectUrl at `&` and `=`, and posts the pairs to `txURL`."""

import contextlib
import http.server
import json
import re
import threading

import pytest
from conftest import Service
from playwright.sync_api import sync_playwright
from test_gateway_pages import Simulator
from test_pay_page import CHROMIUM, FLAGS, PHONE

# The application's page: follows the URL for AXIS, otherwise posts its parameters, none of them decoded.
PAGE = """<!doctype html><title>Pay</title><script>
const {redirectUrl, gateway} = %s;
if (gateway === "AXIS") {
  window.location = redirectUrl;
} else {
  const pairs = redirectUrl.split("?").slice(1).join("?").split("&").map((pair) => pair.split("="));
  const form = document.createElement("form");
  form.method = "POST";
  form.action = Object.fromEntries(pairs)["txURL"];
  for (const [name, value] of pairs) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.appendChild(input);
  }
  addEventListener("DOMContentLoaded", () => { document.body.appendChild(form); form.submit(); });
}
</script><body></body>"""


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    running = Simulator(tmp_path_factory.mktemp("upyog-simulator") / "simulator.properties")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def service(tmp_path_factory, simulator):
    folder = tmp_path_factory.mktemp("upyog")
    choices = ["paytm.protocol=v3", "sandbox.active=true", "redirect.upyog-form=true"]
    settings = [argument for choice in choices for argument in ("--set", choice)]
    properties = ["--properties", simulator.properties, *settings]
    running = Service(folder / "data", folder / "service.log", *properties, port=simulator.service_port)
    yield running
    assert running.stop() == 0, running.log.read_text()


@contextlib.contextmanager
def application(txn: dict):
    """The application's page about a transaction; its address."""
    page = PAGE % json.dumps({"redirectUrl": txn["redirectUrl"], "gateway": txn["gateway"]})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("gateway", ["AXIS", "PAYTM", "PAYU", "RAZORPAY"])
def test_a_payer_of_upyog_pays(service, simulator, gateway):
    txn = service.create(f"BILL-UPYOG-{gateway}", "100.00", "Property tax", gateway)
    assert ("&txURL=" in txn["redirectUrl"]) == (gateway != "AXIS")
    with sync_playwright() as playwright, application(txn) as address:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport=PHONE)
        page.goto(address)
        page.wait_for_url(re.compile(rf"/{gateway.lower()}/pay-page\?"))
        page.get_by_role("button", name=re.compile("^Pay ₹")).click()
        page.wait_for_url(re.compile(r"/sandbox/return\?.*txnStatus=SUCCESS"))
        browser.close()
    updated = service.update(txn["txnId"])
    assert updated["txnStatus"] == "SUCCESS" and updated["receipt"]
