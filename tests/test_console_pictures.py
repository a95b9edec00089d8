"""The pictures of the console in its guided tour. `UPDATE_PICTURES=1` makes them anew from a running service."""

import io
import os
import pathlib
import re

import pytest
from conftest import ROOT, Service
from PIL import Image
from playwright.sync_api import sync_playwright
from test_console import ALL, entered
from test_console_accounts import SETTINGS, key_file
from test_pay_page import CHROMIUM, FLAGS

FOLDER = ROOT / "docs" / "console"
WIDTH, HEIGHT = 1280, 900
LARGEST = 100_000
# In the order of the tour.
PICTURES = ["today", "payments", "payment", "case", "refund-approval", "account", "jobs", "audit"]


@pytest.mark.skipif(not os.environ.get("UPDATE_PICTURES"), reason="makes the pictures anew: UPDATE_PICTURES=1")
def test_the_pictures_are_made_of_a_running_service(tmp_path):
    settings = [*SETTINGS, *key_file(tmp_path)]
    service = Service(tmp_path / "data", tmp_path / "service.log", *settings)
    service.folder, service.settings = tmp_path, settings
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tour(browser, service)
        browser.close()
    assert service.stop() == 0, service.log.read_text()


def test_every_picture_of_the_tour_is_there_small_and_shown():
    tour = (ROOT / "docs" / "console.md").read_text()
    shown = re.findall(r"!\[[^]]+\]\(console/([a-z-]+)\.png\)", tour)
    assert shown == PICTURES
    assert sorted(path.stem for path in FOLDER.glob("*.png")) == sorted(PICTURES)
    for path in FOLDER.glob("*.png"):
        content = path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) <= LARGEST, path
        assert int.from_bytes(content[16:20], "big") == WIDTH, path


def tour(browser, service):
    size = {"width": WIDTH, "height": HEIGHT}
    page = entered(browser, service, *ALL, name="Asha Rani", viewport=size)
    payer = browser.new_context().new_page()

    def paid(bill: str, amount: str, choice: str) -> dict:
        txn = service.create(bill, amount)
        payer.goto(txn["redirectUrl"])
        payer.get_by_role("button", name=re.compile(f"^{choice}")).first.click()
        return txn

    whole = paid("PT-2026-000117", "12345.00", "Pay ₹")
    wrong = paid("WS-2026-000042", "980.50", "Answer with a wrong amount")
    paid("TL-2026-000009", "2500.00", "Decline")
    service.create("PT-2026-000118", "7600.00")
    for txn in (whole, wrong):
        service.update(txn["txnId"])

    refund_page = f"/payments/{whole['txnId']}/refund"
    page.goto(f"{service.url}/console{refund_page}")
    page.get_by_label("Amount to give back").fill("2345.00")
    page.get_by_label("Reason", exact=True).fill("paid too much")
    page.get_by_role("button", name="Request a refund").click()
    refund = page.url.split("?")[0]
    page.goto(f"{service.url}/console/attention")
    page.locator("tbody th a").first.click()
    case = page.url
    page.get_by_role("button", name="Take the case").click()
    page.get_by_label("Note").fill("The bank confirms the transfer.")
    page.get_by_role("button", name="Add the note").click()
    # A job that has run.
    page.goto(f"{service.url}/console/jobs/reconcile-early")
    page.get_by_role("button", name="Run now").click()

    # The roles of the newcomer are those of refunds, too, while no merchant account is stored.
    checker = entered(browser, service, "PG_REFUND_CHECKER", "PG_VIEWER", name="Bala Singh", viewport=size)
    admin = entered(browser, service, "PG_ADMIN", "PG_AUDITOR", name="Chitra Devi", viewport=size)
    picture(page, f"{service.url}/console/", "today")
    picture(page, f"{service.url}/console/payments", "payments")
    picture(page, f"{service.url}/console/payments/{whole['txnId']}", "payment")
    picture(page, case, "case")
    picture(checker, f"{refund}/approve", "refund-approval")
    picture(page, f"{service.url}/console/jobs", "jobs")
    picture(admin, f"{service.url}/console/audit", "audit")
    admin.goto(f"{service.url}/console/accounts/new")
    admin.get_by_label("Tenant", exact=True).fill("pb.amritsar")
    admin.get_by_label("Gateway", exact=True).select_option("PAYTM")
    admin.get_by_label("Name for people").fill("Amritsar Municipal Corporation")
    admin.get_by_role("button", name="Add an account").click()
    admin.get_by_role("link", name="Enter credentials").click()
    admin.get_by_label("paytm.merchant.id", exact=True).fill("AMRITS00000001")
    admin.get_by_label("paytm.merchant.secret.key (secret)").fill("0123456789abcdef")
    admin.get_by_label("paytm.merchant.website").fill("WEBSTAGING")
    admin.get_by_role("button", name="Enter credentials").click()
    admin.wait_for_url(re.compile("said=entered$"))
    picture(admin, admin.url.split("?")[0], "account")


def picture(page, address: str, name: str):
    """The upper part of a page, in as many colours as a page of text needs."""
    page.goto(address)
    FOLDER.mkdir(exist_ok=True)
    shot = Image.open(io.BytesIO(page.screenshot()))
    path: pathlib.Path = FOLDER / f"{name}.png"
    shot.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
