"""Alerts and dashboard of the chart: they are about metrics that the program has, and Prometheus can read them."""

import contextlib
import functools
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

from charts import CHART, ROOT, one, template, validate
from conftest import Service, free_port

BESIDE_DIGIT = ROOT / "deploy" / "helm" / "beside-digit.yaml"
RULES = yaml.safe_load((CHART / "files" / "rules.yaml").read_text())
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
# A name with this form is one of a metric.
METRIC = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b(?=[\[{\s)]|$)(?!\s*\()")
WORDS = {"histogram_quantile"}


@functools.cache
def metrics_of_the_program() -> set[str]:
    """Every text in the sources that has the form of a metric's name."""
    names = set()
    for path in ROOT.glob("crates/*/src/**/*.rs"):
        names |= set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', path.read_text()))
    return names


def metrics(expression: str) -> set[str]:
    """The metrics in an expression, without its labels."""
    expression = re.sub(r"\{[^}]*\}", "", expression)
    expression = re.sub(r"\b(by|on|without)\s*\([^)]*\)", "", expression)
    found = set(METRIC.findall(expression)) - WORDS
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


@pytest.mark.parametrize("expression", [rule["expr"] for rule in ALERTS] + QUERIES)
def test_every_expression_is_about_metrics_that_the_program_has(expression):
    assert metrics(expression), expression
    assert metrics(expression) <= metrics_of_the_program(), expression


def test_alerts_fire_when_something_is_wrong_and_are_silent_otherwise():
    done = subprocess.run(
        ["promtool", "test", "rules", ROOT / "tests" / "alerts.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tested = (ROOT / "tests" / "alerts.yaml").read_text()
    assert all(rule["alert"] in tested for rule in ALERTS)


def test_every_query_of_the_dashboard_can_be_read(tmp_path):
    rules = [
        {"record": f"dashboard:query{number}", "expr": query.replace("$namespace", ".*")}
        for number, query in enumerate(QUERIES)
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_to_read():
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names) >= 12
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("warning", "critical")
        document, _, heading = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^#+ (.*)$", (ROOT / document).read_text(), re.M)
        anchors = {re.sub(r"[^a-z0-9 -]", "", text.lower()).replace(" ", "-") for text in headings}
        assert heading in anchors, rule["alert"]


def test_every_metric_that_operating_recommends_an_alarm_for_is_shown():
    table = (ROOT / "docs" / "operating.md").read_text().split("## Monitoring")[1].split("All metrics;")[0]
    recommended = {
        re.sub(r"\{.*", "", name)
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([^`]*)`", row.split("|")[1].split(" by ")[0])
    }
    assert len(recommended) > 12
    shown = set().union(*(metrics(query) for query in QUERIES))
    assert recommended <= shown


def test_the_dashboard_has_a_place_and_a_query_for_every_panel():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"] and panel["targets"]
        assert all('namespace=~"$namespace"' in target["expr"] for target in panel["targets"])


@pytest.fixture
def service(tmp_path):
    """A service that counts open work every second."""
    interval = "--set=metrics.backlog-interval-secs=1"
    running = Service(tmp_path / "data", tmp_path / "service.log", interval)
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def prometheus(service, tmp_path):
    """A Prometheus that scrapes a running service every second; its address."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    target = {"targets": [f"127.0.0.1:{service.port}"], "labels": {"namespace": "egov", "pod": "pg-service-0"}}
    job = {"job_name": "pg-service", "metrics_path": "/pg-service/prometheus", "static_configs": [target]}
    interval = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": interval, "rule_files": ["rules.yaml"], "scrape_configs": [job]}
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    arguments = [f"--config.file={tmp_path}/prometheus.yaml", f"--storage.tsdb.path={tmp_path}/data"]
    with (tmp_path / "prometheus.log").open("w") as log:
        command = ["prometheus", *arguments, f"--web.listen-address={address}"]
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    yield f"http://{address}"
    running.terminate()
    running.wait(timeout=30)


def ask(prometheus: str, path: str, **parameters) -> dict:
    with urllib.request.urlopen(f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as reply:
        return json.load(reply)["data"]


def test_the_dashboard_shows_a_running_service(service, prometheus):
    for number in range(5):
        service.create(f"BILL-SHOWN-{number}", "100.00", "Property tax")
    counted = 'transactions_pending{namespace="egov", gateway="SANDBOX", age="under_15m"} == 5'
    created = f'count_over_time(transactions_created_total{{namespace="egov"}}[1m]) > 2 and on () {counted}'
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(urllib.error.URLError):
            if ask(prometheus, "query", query=created)["result"]:
                break
        assert time.monotonic() < deadline, "Prometheus has no samples"
        time.sleep(0.2)
    answered = [query for query in QUERIES if shown(prometheus, query)]
    # The others are about Kafka, text messages and faults, of which this service has none.
    assert len(answered) >= 12, answered
    rules = [rule for group in ask(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(ALERTS)
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []


def shown(prometheus: str, query: str) -> list:
    """The series of a panel; a query that Prometheus refuses raises an error."""
    return ask(prometheus, "query", query=query.replace("$namespace", "egov"))["result"]


@pytest.mark.parametrize("kind", ["PrometheusRule", "ConfigMap"])
def test_the_chart_carries_both_unchanged(kind):
    monitoring = {"rules": {"kind": kind, "labels": {"release": "prometheus"}}, "dashboard": {"enabled": True}}
    objects = template(CHART, BESIDE_DIGIT, {"monitoring": monitoring})
    validate([thing for thing in objects if thing["metadata"]["name"].endswith(("-rules", "-dashboard"))])
    rules = one(objects, kind, "pg-service-rules")
    assert rules["metadata"]["labels"]["release"] == "prometheus"
    carried = rules["spec"] if kind == "PrometheusRule" else yaml.safe_load(rules["data"]["pg-service.yaml"])
    assert carried == RULES
    dashboard = one(objects, "ConfigMap", "pg-service-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["pg-service.json"]) == DASHBOARD
