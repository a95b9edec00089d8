"""Merchant accounts in a browser, against the simulated gateways: added, entered, verified, activated, rotated and
retired, with and without JavaScript; secrets go in and never come out."""

import pytest
from conftest import Service
from playwright.sync_api import expect
from test_console import NARROW, browser, entered, no_sideways_scrolling, violations  # noqa: F401
from test_gateway_pages import Simulator
from test_pay_page import DESK

SETTINGS = ["--set", "console.enabled=true", "--set", "accounts.second-person=false"]


def key_file(folder) -> list:
    """The setting that names a key-encryption key in a file of its own."""
    path = folder / "kek"
    path.touch(mode=0o600)
    path.write_text("k1:" + "11" * 32 + "\n")
    return ["--set", f"keys.current.file={path}"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A service with the simulated gateways, and the credentials that they accept."""
    folder = tmp_path_factory.mktemp("accounts")
    simulator = Simulator(folder / "simulator.properties")
    settings = ["--properties", simulator.properties, *SETTINGS, *key_file(folder)]
    service = Service(folder / "data", folder / "service.log", *settings, port=simulator.service_port)
    service.folder, service.settings = folder, settings
    lines = simulator.properties.read_text().splitlines()
    service.credentials = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    yield service
    assert service.stop() == 0, service.log.read_text()
    assert simulator.stop() == 0


def enter(page, service) -> str:
    """Enters the credentials of the simulated gateway; gives the secret."""
    page.get_by_role("link", name="Enter credentials").click()
    secret = service.credentials["paytm.merchant.secret.key"]
    field = page.get_by_label("paytm.merchant.secret.key (secret)")
    assert field.get_attribute("autocomplete") == "off" and field.input_value() == ""
    page.get_by_label("paytm.merchant.id", exact=True).fill(service.credentials["paytm.merchant.id"])
    field.fill(secret)
    page.get_by_role("button", name="Enter credentials").click()
    expect(page.get_by_text("The credentials are entered.")).to_be_visible()
    return secret


@pytest.mark.parametrize("script", [True, False], ids=["with-javascript", "without"])
def test_an_account_is_rotated_while_its_old_version_still_verifies(running, browser, script):  # noqa: F811
    page = entered(browser, running, "PG_ADMIN", "PG_AUDITOR", name=f"Admin {script}", java_script_enabled=script)
    page.goto(f"{running.url}/console/accounts")
    page.get_by_role("link", name="Add an account").click()
    page.get_by_label("Tenant", exact=True).fill("pb.amritsar" if script else "pb.nabha")
    page.get_by_label("Gateway", exact=True).select_option("PAYTM")
    page.get_by_label("Name for people").fill(f"City {script}")
    page.get_by_role("button", name="Add an account").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Account City {script}")
    for version in (1, 2):
        secret = enter(page, running)
        assert secret not in page.content() + page.url
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_text("The gateway accepts the credentials.")).to_be_visible()
        page.get_by_role("link", name="Activate").click()
        if version == 2:
            expect(page.get_by_text("Version 1 is retired, and verifies callbacks until")).to_be_visible()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("heading", name=f"Version {version} ✓ Active")).to_be_visible()
    expect(page.get_by_text("Verifies callbacks until")).to_be_visible()
    account = page.url.split("?")[0]
    page.goto(f"{running.url}/console/accounts?tenant={'pb.amritsar' if script else 'pb.nabha'}")
    expect(page.get_by_role("row", name=f"City {script}")).to_have_count(1)
    expect(page.get_by_text("takes them, with version 2 of its credentials")).to_be_visible()
    page.goto(account)
    page.get_by_role("link", name="Retire the account").click()
    page.get_by_role("button", name="Retire the account").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Retired")
    for address in (account, f"{running.url}/console/accounts", f"{running.url}/console/audit"):
        page.goto(address)
        assert secret not in page.content(), address
    page.context.close()


def test_the_pages_of_accounts_are_accessible_narrow_and_wide(running, browser):  # noqa: F811
    page = entered(browser, running, "PG_ADMIN", name="Admin of pages")
    page.goto(f"{running.url}/console/accounts/new")
    page.get_by_label("Tenant", exact=True).fill("pb.patiala")
    page.get_by_label("Name for people").fill("Patiala")
    page.get_by_role("button", name="Add an account").click()
    account = page.url.split("?")[0]
    found = []
    pages = [f"{running.url}/console/accounts?tenant=pb.patiala", f"{running.url}/console/accounts/new"]
    for address in [*pages, account, f"{account}/enter", f"{account}/retire"]:
        for size in (NARROW, DESK):
            page.set_viewport_size(size)
            page.goto(address)
            assert no_sideways_scrolling(page), f"{address} {size}"
        found += violations(page)
    page.goto(f"{account}/enter")
    page.get_by_role("button", name="Enter credentials").click()
    expect(page.get_by_role("alert")).to_be_focused()
    found += violations(page)
    assert not found, "\n".join(found)
    page.context.close()
