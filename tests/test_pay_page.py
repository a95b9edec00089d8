"""A payer at the sandbox's pay page, in a browser: on a phone and on a desktop, without JavaScript, with
realistic names and texts."""

import re

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def page(browser, request):
    """A page of a browser without JavaScript, which must load nothing from other hosts."""
    context = browser.new_context(viewport=request.param, java_script_enabled=False)
    opened = context.new_page()
    yield opened
    context.close()


def no_sideways_scrolling(page) -> bool:
    body = page.locator("body").bounding_box()
    return body["width"] <= page.viewport_size["width"]


def test_paying_brings_the_payer_back_with_a_receipt(service, page):
    txn = service.create("BILL-1", "123456.50", 'ਜਾਇਦਾਦ ਟੈਕਸ & <b>"water"</b> + 100%')
    page.goto(txn["redirectUrl"])
    expect(page.get_by_text("₹1,23,456.50").first).to_be_visible()
    expect(page.get_by_text('ਜਾਇਦਾਦ ਟੈਕਸ & <b>"water"</b> + 100%')).to_be_visible()
    expect(page.get_by_text("BILL-1").first).to_be_visible()
    assert no_sideways_scrolling(page)
    page.get_by_role("button", name=re.compile("^Pay ₹")).click()
    page.wait_for_url(re.compile(r"/sandbox/return\?"))
    assert f"eg_pg_txnid={txn['txnId']}" in page.url and "txnStatus=SUCCESS" in page.url and "from=test" in page.url
    expect(page.get_by_text(txn["txnId"]).first).to_be_visible()
    assert no_sideways_scrolling(page)
    updated = service.update(txn["txnId"])
    assert (updated["txnStatus"], updated["txnAmount"]) == ("SUCCESS", "123456.50")
    assert updated["receipt"]


def test_declining_fails_the_payment_and_frees_the_bill(service, page):
    txn = service.create("BILL-2")
    page.goto(txn["redirectUrl"])
    page.get_by_role("button", name="Decline").click()
    page.wait_for_url(re.compile(r"txnStatus=FAILURE"))
    assert service.update(txn["txnId"])["txnStatus"] == "FAILURE"
    assert service.create("BILL-2")["txnStatus"] == "PENDING"


def test_closing_the_tab_leaves_the_payment_pending(service, page):
    txn = service.create("BILL-3")
    page.goto(txn["redirectUrl"])
    page.close()
    assert service.update(txn["txnId"])["txnStatus"] == "PENDING"


def test_a_payment_without_a_callback_is_found_by_a_status_request(service, page):
    txn = service.create("BILL-4")
    page.goto(txn["redirectUrl"])
    page.get_by_role("button", name=re.compile("^Pay but say nothing")).click()
    assert "/sandbox/" in page.url and "txnStatus" not in page.url
    updated = service.update(txn["txnId"])
    assert updated["txnStatus"] == "SUCCESS" and updated["receipt"]


def test_another_amount_is_never_a_success(service, page):
    txn = service.create("BILL-5")
    page.goto(txn["redirectUrl"])
    page.get_by_role("button", name=re.compile("^Answer with a wrong amount")).click()
    page.wait_for_url(re.compile(r"txnStatus=FAILURE"))
    updated = service.update(txn["txnId"])
    assert (updated["txnStatus"], updated["txnStatusMsg"], updated["receipt"]) == (
        "FAILURE",
        "Transaction failed, amount mismatch",
        None,
    )


def test_going_back_and_paying_again_takes_nothing_twice(service, page):
    txn = service.create("BILL-6")
    page.goto(txn["redirectUrl"])
    page.get_by_role("button", name=re.compile("^Pay ₹")).click()
    page.wait_for_url(re.compile(r"txnStatus=SUCCESS"))
    first = service.update(txn["txnId"])
    page.goto(txn["redirectUrl"])
    expect(page.get_by_role("button", name=re.compile("^Pay ₹"))).to_have_count(0)
    assert service.update(txn["txnId"]) == first
