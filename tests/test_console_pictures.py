"""The pictures of the console in its guided tour. `UPDATE_PICTURES=1` makes them anew from a running service."""

import io
import os
import pathlib
import re

import pytest
from conftest import ROOT, Service
from PIL import Image
from test_console import ALL, browser, entered  # noqa: F401
from test_console_accounts import SETTINGS, enter, key_file, running  # noqa: F401

FOLDER = ROOT / "docs" / "console"
SIZE = {"width": 1280, "height": 900}
LARGEST = 100_000
# In the order of the tour.
PICTURES = [
    *("login", "today", "payments", "payment", "refund-request", "cases", "case", "refunds", "refund"),
    *("refund-approval", "accounts", "account-new", "account-credentials", "account", "account-activation"),
    *("account-retirement", "gateways", "jobs", "job", "events", "audit", "audit-verification", "sessions", "tokens"),
]


@pytest.mark.skipif(not os.environ.get("UPDATE_PICTURES"), reason="makes the pictures anew: UPDATE_PICTURES=1")
def test_the_pictures_are_made_of_a_running_service(tmp_path, running, browser):  # noqa: F811
    settings = [*SETTINGS, *key_file(tmp_path)]
    service = Service(tmp_path / "data", tmp_path / "service.log", *settings)
    service.folder, service.settings = tmp_path, settings
    tour(browser, service)
    assert service.stop() == 0, service.log.read_text()
    of_accounts(browser, running)


def test_every_picture_of_the_tour_is_there_small_and_shown():
    tour = (ROOT / "docs" / "console.md").read_text()
    shown = re.findall(r"!\[[^]]+\]\(console/([a-z-]+)\.png\)", tour)
    assert shown == PICTURES
    assert sorted(path.stem for path in FOLDER.glob("*.png")) == sorted(PICTURES)
    for path in FOLDER.glob("*.png"):
        content = path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) <= LARGEST, path
        assert int.from_bytes(content[16:20], "big") == SIZE["width"], path


def tour(browser, service):  # noqa: F811
    page = entered(browser, service, *ALL, name="Asha Rani", viewport=SIZE)
    payer = browser.new_context(viewport=SIZE).new_page()

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

    console = f"{service.url}/console"
    paid_page = f"{console}/payments/{whole['txnId']}"
    picture(payer, f"{console}/login", "login")
    page.goto(f"{paid_page}/refund")
    page.get_by_label("Amount to give back").fill("2345.00")
    page.get_by_label("Reason", exact=True).fill("paid too much")
    shoot(page, "refund-request")
    page.get_by_role("button", name="Request a refund").click()
    refund = page.url.split("?")[0]
    picture(page, f"{console}/attention", "cases")
    page.locator("tbody th a").first.click()
    case = page.url
    page.get_by_role("button", name="Take the case").click()
    page.get_by_label("Note").fill("The bank confirms the transfer.")
    page.get_by_role("button", name="Add the note").click()
    page.goto(f"{console}/jobs/reconcile-early")
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("Finished").first.wait_for()

    # The roles of the newcomer are those of refunds, too, while no merchant account is stored.
    checker = entered(browser, service, "PG_REFUND_CHECKER", "PG_VIEWER", name="Bala Singh", viewport=SIZE)
    auditor = entered(browser, service, "PG_AUDITOR", name="Chitra Devi", viewport=SIZE)
    picture(page, f"{console}/", "today")
    picture(page, f"{console}/payments", "payments")
    picture(page, paid_page, "payment")
    picture(page, case, "case")
    picture(page, f"{console}/refunds", "refunds")
    picture(checker, refund, "refund")
    picture(checker, f"{refund}/approve", "refund-approval")
    for name in ("gateways", "jobs", "events", "sessions", "tokens"):
        picture(page, f"{console}/{name}", name)
    picture(page, f"{console}/jobs/reconcile-early", "job")
    picture(auditor, f"{console}/audit", "audit")
    auditor.get_by_role("button", name="Verify").click()
    picture(auditor, f"{console}/audit/verification", "audit-verification")


def of_accounts(browser, service):  # noqa: F811
    """Against the simulated gateways, which accept the credentials."""
    admin = entered(browser, service, "PG_ADMIN", "PG_AUDITOR", name="Chitra Devi", viewport=SIZE)
    console = f"{service.url}/console"
    admin.goto(f"{console}/accounts/new")
    admin.get_by_label("Tenant", exact=True).fill("pb.amritsar")
    admin.get_by_label("Gateway", exact=True).select_option("PAYTM")
    admin.get_by_label("Name for people").fill("Amritsar Municipal Corporation")
    shoot(admin, "account-new")
    admin.get_by_role("button", name="Add an account").click()
    account = admin.url.split("?")[0]
    picture(admin, f"{account}/enter", "account-credentials")
    admin.goto(account)
    enter(admin, service)
    picture(admin, account, "account")
    admin.get_by_role("button", name="Verify").click()
    picture(admin, f"{account}/activate", "account-activation")
    picture(admin, f"{account}/retire", "account-retirement")
    picture(admin, f"{console}/accounts", "accounts")


def picture(page, address: str, name: str):
    page.goto(address)
    shoot(page, name)


def shoot(page, name: str):
    """The upper part of a page, in as many colours as a page of text needs."""
    FOLDER.mkdir(exist_ok=True)
    shot = Image.open(io.BytesIO(page.screenshot()))
    path: pathlib.Path = FOLDER / f"{name}.png"
    shot.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
