"""The running service against its OpenAPI document: thousands of generated requests, of which none may be
answered with an internal fault or with an undocumented answer."""

import pathlib
import subprocess
import sys

import pytest

CONFIG = """
# Endpoints accept a POST with more possible errors than the document can describe.
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.enabled = false
unsupported_method.enabled = true
"""


@pytest.fixture(params=["service", "service_on_postgres"])
def service_on_either_database(request):
    return request.getfixturevalue(request.param)


def test_every_answer_is_documented_and_none_is_our_fault(service_on_either_database, tmp_path):
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis",
        "--config-file",
        config,
        "run",
        f"{service_on_either_database.url}/openapi.json",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--max-examples",
        "60",
        "--seed",
        "20261122",
        "--generation-database",
        "none",
        "--suppress-health-check",
        "all",
        "--no-color",
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "passed" in run.stdout or "No issues found" in run.stdout, run.stdout[-4000:]
