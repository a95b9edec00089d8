"""The list of metrics in docs/operating.md against the sources, and against what a running service exposes.
`UPDATE_METRICS=1` writes it anew."""

import os
import re
import urllib.request

from charts import ROOT
from test_log_events import arguments, sources

DOCUMENT = ROOT / "docs" / "operating.md"
BEGIN, END = "<!-- metrics: begin -->\n", "<!-- metrics: end -->\n"
DESCRIPTION = re.compile(r"metrics::describe_(counter|gauge|histogram)!\(")
USE = re.compile(r"metrics::(counter|gauge|histogram)!\(")
CONSTANT = re.compile(r'const (\w+): &(?:\'static )?str = "(\w+)";')
# Given as one variable.
LABELS = {
    "&labels": ["route", "status"],
    "labels.iter()": ["gateway", "account"],
    "self.labels.iter()": ["gateway", "account"],
    "labels": ["gateway", "account", "reason"],
}
# Endings by convention: base units, and totals for counters.
CONVENTION = {"counter": r".*_total", "histogram": r".*_(seconds|size)", "gauge": r".*(?<!_total)"}


def text(argument: str) -> str:
    return re.sub(r"\\\s*\n\s*", "", argument).strip('"')


def listed() -> dict[str, tuple[str, list[str], str]]:
    """Kind, labels and description of each metric in the sources, by its name."""
    texts = list(sources())
    constants = {}
    for source in texts:
        for name, value in CONSTANT.findall(source):
            constants.setdefault(name, set()).add(value)

    def name_of(argument: str, source: str) -> str:
        if argument.startswith('"'):
            return argument.strip('"')
        word = argument.split("::")[-1]
        here = dict(CONSTANT.findall(source)).get(word)
        elsewhere = constants[word]
        assert here or len(elsewhere) == 1, f"{word} names several metrics"
        return here or next(iter(elsewhere))

    metrics = {}
    for source in texts:
        for call in DESCRIPTION.finditer(source):
            name, *_, description = arguments(source, call.end())
            metrics[name_of(name, source)] = (call[1], set(), text(description))
    for source in texts:
        for call in USE.finditer(source):
            name, *labels = arguments(source, call.end())
            kind, known, _ = metrics[name_of(name, source)]
            assert kind == call[1], name
            for label in labels:
                known |= set(LABELS.get(label) or [label.split("=>")[0].strip().strip('"')])
    return metrics


def written() -> str:
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for name, (kind, labels, description) in sorted(listed().items()):
        shown = ", ".join(f"`{label}`" for label in sorted(labels))
        lines.append(f"| `{name}` | {kind} | {shown} | {description} |")
    return "\n".join(lines) + "\n"


def test_the_list_of_metrics_is_that_of_the_sources():
    before, rest = DOCUMENT.read_text().split(BEGIN)
    kept, behind = rest.split(END)
    if os.environ.get("UPDATE_METRICS"):
        DOCUMENT.write_text(before + BEGIN + written() + END + behind)
        kept = written()
    assert kept == written(), "write it anew: UPDATE_METRICS=1 pytest tests/test_metrics.py"


def test_names_follow_the_conventions():
    for name, (kind, _, description) in listed().items():
        assert re.fullmatch(CONVENTION[kind], name), name
        assert description and not description.endswith("."), name


def test_a_running_service_exposes_nothing_else(service):
    service.create("BILL-METRICS", "100.00", "Property tax")
    with urllib.request.urlopen(f"{service.url}/prometheus", timeout=30) as response:
        exposed = response.read().decode()
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", exposed, re.M))
    known = {name: kind for name, (kind, _, _) in listed().items()}
    assert kinds.items() <= known.items()
    # Every one that is exposed is described.
    assert set(kinds) == set(re.findall(r"^# HELP (\w+) ", exposed, re.M))
    for expected in [
        "http_request_duration_seconds",
        "database_group_size",
        "pg_service_build_info",
        "receipts_due",
        "backlog_sampled_timestamp_seconds",
    ]:
        assert expected in kinds
