"""Rendering of the charts below deploy with Helm, and checks that hold for every rendering."""

import json
import pathlib
import subprocess

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "pg-service"
VERSIONS = ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34"]
# Of the Prometheus operator.
CUSTOM = {
    kind: json.loads((ROOT / "tests" / "schemas" / f"{kind.lower()}.json").read_text())
    for kind in ("ServiceMonitor", "PrometheusRule")
}


class Refused(Exception):
    """What Helm says about values that it does not accept."""


def helm(*arguments, **options) -> str:
    done = subprocess.run(
        [ROOT / "scripts" / "helm", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def template(chart: pathlib.Path, *values, release: str = "pg-service", arguments=()) -> list[dict]:
    """The objects of a chart with these values: files, or dictionaries that are laid over them."""
    given, text = [], []
    for value in values:
        given += ["--values", "-" if isinstance(value, dict) else value]
        text += [json.dumps(value)] if isinstance(value, dict) else []
    assert len(text) <= 1
    rendered = helm("template", release, chart, "--namespace", "egov", *given, *arguments, input="".join(text))
    return [thing for thing in yaml.safe_load_all(rendered) if thing]


def one(objects: list[dict], kind: str, name: str | None = None) -> dict:
    """The one object of a kind, or of a kind and name."""
    found = [thing for thing in objects if thing["kind"] == kind and name in (None, thing["metadata"]["name"])]
    assert len(found) == 1, f"{kind} {name}: {[thing['metadata']['name'] for thing in found]}"
    return found[0]


def pods(objects: list[dict]) -> list[dict]:
    """The specifications of all pods."""
    return [
        thing["spec"] if thing["kind"] == "Pod" else thing["spec"]["template"]["spec"]
        for thing in objects
        if thing["kind"] in ("Pod", "Deployment", "Job")
    ]


def validate(objects: list[dict]):
    """Every object against the schemas of every supported Kubernetes, unknown members refused."""
    assert objects
    for thing in objects:
        if thing["kind"] in CUSTOM:
            jsonschema.validate(thing, CUSTOM[thing["kind"]])
        else:
            for version in VERSIONS:
                assert kubernetes_validate.validate(thing, version, strict=True) == version
