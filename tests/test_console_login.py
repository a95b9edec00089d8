"""Logins to the console in a browser, at an OpenID Connect provider that others have written, and API tokens."""

import json
import re
import urllib.error
import urllib.request

import oidc_provider_mock
import pytest
from conftest import Service, free_port
from playwright.sync_api import expect
from test_console import NARROW, browser, no_sideways_scrolling, violations  # noqa: F401
from test_pay_page import DESK

PEOPLE = {
    "asha": {"name": "Asha Rani", "roles": ["PG_OPERATOR@pb", "PG_VIEWER@pb.amritsar", "cook"]},
    "bala": {"name": "Bala", "roles": ["cook", "<b>gardener"]},
}


@pytest.fixture(scope="module")
def provider():
    with oidc_provider_mock.run_server_in_thread() as server:
        url = f"http://localhost:{server.server_port}"
        for subject, claims in PEOPLE.items():
            headers = {"Content-Type": "application/json"}
            body = json.dumps(claims).encode()
            request = urllib.request.Request(f"{url}/users/{subject}", body, headers, method="PUT")
            urllib.request.urlopen(request, timeout=30).close()
        yield url


@pytest.fixture(scope="module")
def running(tmp_path_factory, provider):
    """A service with every login; DIGIT itself is not asked."""
    folder = tmp_path_factory.mktemp("logins")
    port, secret = free_port(), folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text("of the client")
    settings = {
        "server.public-url": f"http://127.0.0.1:{port}/pg-service",
        "console.enabled": "true",
        "console.oidc.issuer": provider,
        "console.oidc.client-id": "pg-console",
        "console.oidc.client-secret.file": secret,
        "console.oidc.name": "City accounts",
        "sandbox.active": "true",
        "egov.userservice.host": "http://127.0.0.1:9",
        "callback.allowed-hosts": "127.0.0.1",
    }
    arguments = [argument for name, value in settings.items() for argument in ("--set", f"{name}={value}")]
    service = Service(folder / "data", folder / "service.log", *arguments, port=port)
    yield service
    assert service.stop() == 0, service.log.read_text()


def at_provider(page, service: Service, subject: str):
    page.goto(f"{service.url}/console/login")
    page.get_by_role("link", name="Log in with City accounts").click()
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(re.compile(re.escape(service.url)))


@pytest.mark.parametrize("script", [True, False], ids=["with-javascript", "without"])
def test_a_person_logs_in_at_the_provider_and_out_of_both(running, provider, browser, script):  # noqa: F811
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    at_provider(page, running, "asha")
    page.wait_for_url(re.compile(r"/pg-service/console/$"))
    page.get_by_role("link", name="Sessions").click()
    expect(page.get_by_role("row", name=re.compile("Asha Rani .this session.*login provider"))).to_be_visible()
    [attempt] = [cookie for cookie in context.cookies() if cookie["name"] == "pg_session"]
    assert attempt["httpOnly"] and attempt["sameSite"] == "Lax"
    assert "pg_login" not in [cookie["name"] for cookie in context.cookies()]
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")
    page.get_by_role("link", name="Log out at City accounts, too").click()
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(re.compile(r"/pg-service/console/login"))
    page.goto(f"{running.url}/console/payments")
    assert page.url.endswith("/console/login")
    context.close()


def test_whoever_holds_no_role_or_declines_is_told_so(running, browser):  # noqa: F811
    context = browser.new_context()
    page = context.new_page()
    at_provider(page, running, "bala")
    expect(page.get_by_role("heading", level=1)).to_have_text("You hold no role here")
    expect(page.get_by_text("roles: cook, <b>gardener")).to_be_visible()
    found = violations(page)
    back = page.url
    page.goto(back)
    expect(page.get_by_text("was completed before")).to_be_visible()
    page.goto(f"{running.url}/console/login")
    page.get_by_role("link", name="Log in with City accounts").click()
    page.get_by_role("button", name="Deny").click()
    # This provider leaves the state out: the answer is to no attempt.
    expect(page.get_by_role("heading", level=1)).to_have_text("You were not logged in")
    assert not found, "\n".join(found)
    context.close()


def test_logins_and_tokens_are_accessible_narrow_and_wide(running, browser):  # noqa: F811
    context = browser.new_context()
    page = context.new_page()
    found = []

    def looked_at(name):
        for size in (NARROW, DESK):
            page.set_viewport_size(size)
            assert no_sideways_scrolling(page), f"{name} {size}"
        found.extend(violations(page))

    page.goto(f"{running.url}/console/login")
    page.get_by_text("Log in with an access token of DIGIT").click()
    looked_at("login")
    page.get_by_label("User name").fill("asha")
    page.get_by_label("Password").fill("s3cret word")
    page.get_by_label("Tenant").fill("pb.amritsar")
    page.get_by_role("button", name="Log in").first.click()
    expect(page.get_by_text("egov-user does not answer as it should")).to_be_visible()
    assert "s3cret" not in page.url
    at_provider(page, running, "asha")
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("Purpose").fill("nightly export")
    page.get_by_label("Role").select_option("PG_OPERATOR pb")
    page.get_by_label("Only for this tenant").fill("pb.amritsar")
    page.get_by_role("button", name="Issue the token").click()
    secret = page.locator("#secret").inner_text()
    looked_at("token")
    assert re.fullmatch(r"pgs_[\w-]{43}", secret)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{running.url}/attention/v1/_search", b"{}", headers)
    urllib.request.urlopen(request, timeout=30).close()
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="API tokens").click()
    row = page.get_by_role("row", name=re.compile("nightly export"))
    expect(row).not_to_contain_text("never")
    looked_at("tokens")
    page.set_viewport_size(DESK)
    row.get_by_role("button", name=re.compile("Revoke")).click()
    expect(page.get_by_role("row", name=re.compile("nightly export"))).to_have_count(0)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=30)
    page.goto(f"{running.url}/console/sessions")
    page.get_by_role("button", name="Log out everywhere").click()
    assert "s3cret" not in running.log.read_text()
    assert not found, "\n".join(found)
    context.close()
