"""The running service against its OpenAPI document: thousands of generated requests, of which none may be
answered with an internal fault or with an undocumented answer."""

import json
import pathlib
import subprocess
import sys

import pytest

from conftest import BINARY

CONFIG = """
# Endpoints accept a POST with more possible errors than the document can describe.
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.enabled = false
unsupported_method.enabled = true
"""


# Calls of each endpoint, five times as many with --long. The answers are made in the same place: PostgreSQL is
# tried with fewer.
@pytest.fixture(params=[("service", 15), ("service_on_postgres", 6)], ids=["sqlite", "postgres"])
def service_on_either_database(request):
    name, examples = request.param
    return request.getfixturevalue(name), examples


# Every role that reads or acts; PG_ADMIN makes and checks no refunds, so it has a tenant of its own.
ROLES = [
    "PG_VIEWER@pb",
    "PG_OPERATOR@pb",
    "PG_AUDITOR@pb",
    "PG_REFUND_MAKER@pb",
    "PG_REFUND_CHECKER@pb",
    "PG_ADMIN@mh",
]


def named(folder: pathlib.Path) -> list[str]:
    """The header of a caller with a personal API token."""
    command = [BINARY, "tokens", "issue", "--data-dir", folder, "--holder", "Asha Rani", "--uuid", "u-1", "--json"]
    for role in ROLES:
        command += ["--grant", role]
    issued = subprocess.run([*command, "--label", "test"], capture_output=True, text=True, check=True, env={})
    return ["--header", f"Authorization: Bearer {json.loads(issued.stdout)['secret']}"]


def test_every_answer_is_documented_and_none_is_our_fault(service_on_either_database, tmp_path, pytestconfig):
    service, examples = service_on_either_database
    answers_are_documented(service, tmp_path, examples * times(pytestconfig), [])


def test_every_answer_to_a_caller_with_roles_is_documented(service, tmp_path, pytestconfig):
    paths = "^/(account|refund|tokens|attention|audit)/"
    options = ["--include-path-regex", paths, *named(tmp_path / "data")]
    answers_are_documented(service, tmp_path, 12 * times(pytestconfig), options)


def times(pytestconfig) -> int:
    return 5 if pytestconfig.getoption("--long") else 1


def answers_are_documented(service, tmp_path, examples: int, options: list[str]):
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis",
        "--config-file",
        config,
        "run",
        f"{service.url}/openapi.json",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--max-examples",
        str(examples),
        "--seed",
        "20261122",
        "--generation-database",
        "none",
        "--suppress-health-check",
        "all",
        "--no-color",
        *options,
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "passed" in run.stdout or "No issues found" in run.stdout, run.stdout[-4000:]
