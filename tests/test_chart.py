"""deploy/helm/pg-service: what it renders, what it refuses, and what the program makes of it."""

import base64
import os
import re
import subprocess
import tomllib

import pytest
import yaml

from charts import CHART, ROOT, Refused, helm, one, pods, template, validate
from conftest import BINARY, free_port, wait_for

BESIDE_DIGIT = ROOT / "deploy" / "helm" / "beside-digit.yaml"
SANDBOX = ROOT / "deploy" / "helm" / "sandbox.yaml"
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
# Everything that is off by default.
ALL = {
    "image": {"tag": "7", "pullSecrets": ["registry"]},
    "migration": {"mode": "job", "username": "owner", "passwordKey": "owner-password"},
    "ingress": {"enabled": True, "className": "nginx", "paths": ["/transaction/v1/_redirect", "/gateway/v1"]},
    "autoscaling": {"enabled": True},
    "networkPolicy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "rules": {"kind": "PrometheusRule"},
        "dashboard": {"enabled": True, "annotations": {"folder": "Payments"}},
    },
    "tracing": {"endpoint": "http://otel-collector:4317", "protocol": "grpc", "share": 0.25},
    "service": {"type": "LoadBalancer"},
    "settings": {"server.shutdown-wait-secs": 40, "log.format": "human", "limits.bytes-in-flight": 33554432},
    "serviceAccountName": "payments",
    "priorityClassName": "high",
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "payments", "operator": "Exists"}],
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "database-ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/database", "readOnly": True}],
}


@pytest.fixture(scope="module")
def usual():
    return template(CHART, BESIDE_DIGIT)


@pytest.fixture(scope="module")
def everything():
    return template(CHART, BESIDE_DIGIT, ALL)


def properties(objects, name="pg-service") -> dict[str, str]:
    text = one(objects, "ConfigMap", name)["data"]["pg-service.properties"]
    return dict(line.split("=", 1) for line in text.splitlines())


def refusal(*values, arguments=()) -> str:
    with pytest.raises(Refused) as refused:
        template(CHART, *values, arguments=arguments)
    return str(refused.value)


def test_the_chart_has_no_faults_for_helm_and_no_dependencies():
    for values in (BESIDE_DIGIT, SANDBOX):
        helm("lint", "--strict", CHART, "--values", values)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert "dependencies" not in chart
    assert chart["version"] == chart["appVersion"] == version


def test_every_object_is_one_that_every_supported_kubernetes_knows(usual, everything):
    kinds = {thing["kind"] for thing in everything}
    assert kinds == {
        *("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy", "Pod"),
        *("PodDisruptionBudget", "PrometheusRule", "Service", "ServiceMonitor"),
    }
    validate(usual)
    validate(everything)
    validate(template(CHART, SANDBOX))


def test_traces_are_exported_where_a_collector_is_named(usual, everything):
    assert not [name for name in properties(usual) if name.startswith("otel.")]
    assert {name: value for name, value in properties(everything).items() if name.startswith("otel.")} == {
        "otel.exporter.otlp.endpoint": "http://otel-collector:4317",
        "otel.exporter.otlp.protocol": "grpc",
        "otel.service.name": "pg-service",
        "otel.traces.sampler": "parentbased_traceidratio",
        "otel.traces.sampler.arg": "0.25",
    }
    assert "share" in refusal(BESIDE_DIGIT, {"tracing": {"share": 2}})


def test_every_pod_is_confined_and_bounded(usual, everything):
    found = pods(usual) + pods(everything)
    assert len(found) == 5
    for pod in found:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == {
            **{"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in pod["containers"]:
            assert container["securityContext"] == {
                **{"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]
        for volume in pod["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]


def test_an_update_never_has_fewer_replicas_and_a_lost_node_takes_one(usual, everything):
    deployment = one(usual, "Deployment")["spec"]
    assert deployment["replicas"] == 3
    assert deployment["strategy"] == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    pod = deployment["template"]["spec"]
    spread = {rule["topologyKey"]: rule for rule in pod["topologySpreadConstraints"]}
    assert list(spread) == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    labels = deployment["selector"]["matchLabels"]
    assert all(rule["labelSelector"]["matchLabels"] == labels for rule in spread.values())
    assert one(usual, "PodDisruptionBudget")["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": labels},
    }

    container = pod["containers"][0]
    assert container["lifecycle"]["preStop"] == {
        "exec": {"command": ["sleep", "10"]}
    }, "the image may lose its shell"
    assert pod["terminationGracePeriodSeconds"] == 10 + 20 + 15
    assert (
        one(everything, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        == 10 + 40 + 15
    )
    paths = {
        probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert (
        paths["startupProbe"]
        == paths["livenessProbe"]
        == {"path": "/pg-service/health/liveness", "port": "admin"}
    )
    assert paths["readinessProbe"] == {"path": "/pg-service/health/readiness", "port": "admin"}
    scaled = one(everything, "HorizontalPodAutoscaler")["spec"]
    assert "replicas" not in one(everything, "Deployment")["spec"], "the autoscaler decides"
    assert (scaled["minReplicas"], scaled["scaleTargetRef"]["name"]) == (3, "pg-service")


def test_selectors_are_the_same_in_every_version(usual, tmp_path):
    """A Deployment refuses another selector, so that an upgrade would fail."""
    selector = {"app.kubernetes.io/name": "pg-service", "app.kubernetes.io/instance": "pg-service"}
    newer = tmp_path / "pg-service"
    subprocess.run(["cp", "-r", CHART, newer], check=True)
    chart = (newer / "Chart.yaml").read_text().replace("ersion: 0.2.0", "ersion: 2.3.4-beta+5")
    (newer / "Chart.yaml").write_text(chart)
    for objects in (usual, template(newer, BESIDE_DIGIT, {"podLabels": {"team": "payments"}})):
        deployment = one(objects, "Deployment")["spec"]
        assert deployment["selector"] == {"matchLabels": selector}
        assert selector.items() <= deployment["template"]["metadata"]["labels"].items()
        assert one(objects, "Service")["spec"]["selector"] == selector


def test_no_selector_finds_the_pods_of_jobs_and_tests(everything):
    selector = one(everything, "Deployment")["spec"]["selector"]["matchLabels"]
    for labels in (
        one(everything, "Job")["spec"]["template"]["metadata"]["labels"],
        one(everything, "Pod")["metadata"]["labels"],
    ):
        assert not selector.items() <= labels.items()


def test_secrets_are_files_and_nothing_else(usual, tmp_path):
    given = properties(usual)
    assert given["axis.merchant.pwd.file"] == "/run/secrets/pg-service/axis-password"
    assert not [thing for thing in usual if thing["kind"] == "Secret"], "that of the operator"
    pod = one(usual, "Deployment")["spec"]["template"]["spec"]
    secret = next(volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets")
    assert secret == {"secretName": "pg-service-secrets", "defaultMode": 0o440}

    (tmp_path / "password").write_text("pa55word\n")
    own = {"secrets": {"existingSecret": "", "settings": {"spring.datasource.password": "pw"}}}
    own["secrets"]["settings"] |= {
        f"axis.merchant.{name}": "pw" for name in ("secret.key", "access.code", "pwd")
    }
    given = ["--set-file", f"secrets.files.pw={tmp_path / 'password'}"]
    made = template(CHART, BESIDE_DIGIT, own, arguments=given)
    assert base64.b64decode(one(made, "Secret")["data"]["pw"]) == b"pa55word\n"
    others = yaml.safe_dump([thing for thing in made if thing["kind"] != "Secret"])
    assert "pa55word" not in others and "cGE1NXdvcmQ" not in others
    pod = one(made, "Deployment")["spec"]["template"]["spec"]
    assert (
        next(volume["secret"]["secretName"] for volume in pod["volumes"] if volume["name"] == "secrets")
        == "pg-service"
    )


SECRETS = CHART / "files" / "secret-settings.txt"


def documented() -> tuple[list[str], list[str]]:
    """The names of settings in the reference: secrets, and others that take effect."""
    secrets, others = [], []
    for cell, doc in re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", REFERENCE.split("# Reference")[1], re.M):
        names = re.findall(r"`([a-z][^`]*)`", cell)
        names = [
            re.sub(r"\[.*\]$", "", name).replace("<name>", "city-pay").replace(".…", ".debug") for name in names
        ]
        (secrets if "**Secret.**" in doc else others).extend(names)
    assert len(secrets) > 10 and len(others) > 100
    return secrets, others


def test_every_documented_secret_is_refused_among_settings_and_no_other_setting_is():
    secrets, others = documented()
    listed = "".join(f"{name}\n" for name in sorted(secrets) if not name.startswith("remote."))
    if os.environ.get("UPDATE_CHART"):
        SECRETS.write_text(listed)
    assert SECRETS.read_text() == listed, "UPDATE_CHART=1 writes it anew"
    secrets += ["kafka.client.sasl.password", "spring.kafka.properties.sasl.jaas.config"]
    told = refusal(BESIDE_DIGIT, {"settings": dict.fromkeys(secrets, "hush")})
    for name in secrets:
        assert f'secrets.settings."{name}"' in told, name
    assert "hush" not in told
    set_by_chart = {"server.port", "server.admin-port", "server.context-path", "server.servlet.context-path"}
    set_by_chart |= {"server.public-url", "server.address", "data.dir", "scheduler.node-name"}
    set_by_chart |= {"database.migrate-at-start"}
    template(CHART, BESIDE_DIGIT, {"secrets": {"settings": dict.fromkeys(secrets, "key")}})
    others += ["kafka.client.ssl.key.location", "axis.merchant.pwd.file"]
    template(CHART, BESIDE_DIGIT, {"settings": dict.fromkeys(set(others) - set_by_chart, "1")})
    told = refusal(BESIDE_DIGIT, {"settings": dict.fromkeys(set_by_chart, "1")})
    for name in set_by_chart:
        assert f'settings."{name}": is set by the chart' in told


@pytest.mark.parametrize(
    "values, sentences",
    [
        ({"replicas": 0}, ["at '/replicas': minimum: got 0, want 1"]),
        ({"replica": 2}, ["additional properties 'replica' not allowed"]),
        (
            {"migration": {"mode": "hook"}},
            ["at '/migration/mode': value must be one of 'start', 'job', 'none'"],
        ),
        (
            {
                "image": {"repository": ""},
                "settings": {"spring.datasource.url": None},
                "publicUrl": "http://x/other",
            },
            [
                "image.repository: must be set",
                "payments are lost with the pod",
                "publicUrl: must end with contextPath, /pg-service",
                "publicUrl: must begin with https://",
            ],
        ),
        (
            {
                "settings": {
                    "spring.datasource.url": "jdbc:postgresql://db/p?user=u&password=hush",
                    "a b": "c\nd",
                }
            },
            ["holds a password", '"a b": is no name of a setting', 'settings."a b": must be one line'],
        ),
        ({"publicUrl": "", "ingress": {"enabled": True}}, ["publicUrl: must be set with ingress.enabled"]),
        ({"publicUrl": "city.example/pg-service"}, ["publicUrl: must be an address such as https://"]),
        ({"secrets": {"existingSecret": ""}}, ["secrets.existingSecret: must name the Secret"]),
        ({"secrets": {"files": {"x": "hush"}}}, ["has both existingSecret and files"]),
        ({"secrets": {"existingSecret": "", "files": {"x": "y"}}}, ['secrets.files: has no "axis-password"']),
        ({"migration": {"username": "owner"}}, ["are for migration.mode job"]),
        (
            {"secrets": {"settings": {"payu.merchant.key": "k"}}},
            ['settings."payu.merchant.key": is not read from a file'],
        ),
        ({"autoscaling": {"enabled": True, "minReplicas": 9}}, ["minReplicas: exceeds maxReplicas"]),
        ({"target": "sandbox"}, ["replicas: must be 1 with target sandbox"]),
        ({"image": {"digest": "sha256:1"}}, ["image.digest: must be sha256: and 64"]),
    ],
)
def test_what_is_wrong_is_told_in_sentences_and_together(values, sentences):
    told = refusal(BESIDE_DIGIT, values)
    for sentence in sentences:
        assert sentence in told, told
    assert "hush" not in told


def test_a_change_of_settings_replaces_the_pods(usual):
    def checksums(objects):
        return one(objects, "Deployment")["spec"]["template"]["metadata"]["annotations"]

    assert checksums(template(CHART, BESIDE_DIGIT)) == checksums(usual)
    changed = template(CHART, BESIDE_DIGIT, {"settings": {"receipts.wait-ms": 100}})
    assert checksums(changed)["checksum/config"] != checksums(usual)["checksum/config"]
    keys = {"secrets": {"existingSecret": "", "settings": {"axis.merchant.pwd": "x"}, "files": {"x": "1"}}}
    keys["secrets"]["settings"] |= dict.fromkeys(
        ["spring.datasource.password", "axis.merchant.secret.key", "axis.merchant.access.code"], "x"
    )
    before = checksums(template(CHART, BESIDE_DIGIT, keys))
    keys["secrets"]["files"]["x"] = "2"
    assert checksums(template(CHART, BESIDE_DIGIT, keys))["checksum/secret"] != before["checksum/secret"]


def test_one_of_three_migrates(usual, everything):
    assert properties(usual)["database.migrate-at-start"] == "true"
    assert not [thing for thing in usual if thing["kind"] == "Job"]
    none = template(CHART, BESIDE_DIGIT, {"migration": {"mode": "none"}})
    assert properties(none)["database.migrate-at-start"] == "false"
    assert not [thing for thing in none if thing["kind"] == "Job"]

    assert properties(everything)["database.migrate-at-start"] == "false"
    job = one(everything, "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["migrate"]
    given = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert given["PG_SERVICE_SPRING_DATASOURCE_USERNAME"] == "owner"
    assert given["PG_SERVICE_SPRING_DATASOURCE_PASSWORD_FILE"] == "/run/secrets/pg-service/owner-password"
    # Its settings are there before the release's own objects are.
    copy = one(everything, "ConfigMap", "pg-service-migration")
    assert copy["metadata"]["annotations"]["helm.sh/hook-weight"] == "-1"
    assert copy["data"] == one(everything, "ConfigMap", "pg-service")["data"]
    volumes = job["spec"]["template"]["spec"]["volumes"]
    assert {"name": "settings", "configMap": {"name": "pg-service-migration"}} in volumes


def test_the_port_for_operators_is_not_exposed(everything):
    outside = one(everything, "Service", "pg-service")["spec"]
    assert outside["type"] == "LoadBalancer" and [port["name"] for port in outside["ports"]] == ["http"]
    inside = one(everything, "Service", "pg-service-admin")
    assert inside["spec"].get("type", "ClusterIP") == "ClusterIP"
    monitor = one(everything, "ServiceMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= inside["metadata"]["labels"].items()
    assert (
        not monitor["selector"]["matchLabels"].items()
        <= one(everything, "Service", "pg-service")["metadata"]["labels"].items()
    )
    assert monitor["endpoints"][0]["path"] == "/pg-service/prometheus"
    payment, admin = one(everything, "NetworkPolicy")["spec"]["ingress"]
    assert payment == {"ports": [{"port": "http"}]}
    assert admin == {
        "ports": [{"port": "admin"}],
        "from": [{"namespaceSelector": {}}],
    }, "no address outside of the cluster"
    ingress = one(everything, "Ingress")["spec"]
    assert ingress["tls"] == [{"hosts": ["city.example.org"], "secretName": "pg-service-tls"}]
    rule = ingress["rules"][0]
    assert rule["host"] == "city.example.org"
    assert [path["path"] for path in rule["http"]["paths"]] == [
        "/pg-service/transaction/v1/_redirect",
        "/pg-service/gateway/v1",
    ]
    assert all(path["backend"]["service"]["port"] == {"name": "http"} for path in rule["http"]["paths"])


def test_the_console_has_a_port_a_service_and_a_host_of_its_own(usual, tmp_path):
    assert not [name for name in properties(usual) if name.startswith("console.")]
    host = "payments-office.example.org"
    values = {"console": {"enabled": True, "host": host, "annotations": {"admits": "10.0.0.0/8"}}}
    objects = template(CHART, BESIDE_DIGIT, values | {"ingress": {"enabled": True, "className": "nginx"}})
    validate(objects)
    ports = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [port["name"] for port in ports] == ["http", "admin", "console"]
    service = one(objects, "Service", "pg-service-console")["spec"]
    assert service["selector"] == one(objects, "Service", "pg-service")["spec"]["selector"]
    assert service["ports"] == [{"name": "console", "port": 9002, "targetPort": "console"}]
    ingress = one(objects, "Ingress", "pg-service-console")
    assert ingress["metadata"]["annotations"] == {"admits": "10.0.0.0/8"}
    assert ingress["spec"]["tls"] == [{"hosts": [host], "secretName": "pg-service-console-tls"}]
    rule = ingress["spec"]["rules"][0]
    backend = {"service": {"name": "pg-service-console", "port": {"name": "console"}}}
    assert rule["host"] == host and [path["path"] for path in rule["http"]["paths"]] == ["/pg-service/console"]
    assert rule["http"]["paths"][0]["backend"] == backend
    assert one(objects, "NetworkPolicy")["spec"]["ingress"][2] == {
        "ports": [{"port": "console"}],
        "from": [{"namespaceSelector": {}}],
    }
    told = check_config(objects, tmp_path)
    assert "No problems." in told and "Unknown" not in told and f"https://{host}" in told, told
    forwarded = template(CHART, BESIDE_DIGIT, {"console": {"enabled": True}})
    assert properties(forwarded)["console.url"] == "http://127.0.0.1:9002"
    assert not [thing for thing in forwarded if thing["kind"] == "Ingress"]
    told = refusal(BESIDE_DIGIT, {"console": {"enabled": True, "host": "city.example.org"}})
    assert "console.host: must be another host than that of publicUrl" in told
    told = refusal(BESIDE_DIGIT, {"console": {"enabled": True}, "settings": {"console.port": 9000}})
    assert 'settings."console.port": is set by the chart' in told


def test_numbers_and_backslashes_reach_the_program_as_they_are_written(tmp_path):
    written = {
        "limits.bytes-in-flight": 33554432,
        "axis.merchant.user": "city\\payments",
        "search.scope": False,
    }
    objects = template(CHART, BESIDE_DIGIT, {"settings": written})
    assert properties(objects)["limits.bytes-in-flight"] == "33554432"
    told = check_config(objects, tmp_path)
    for line in (
        r"limits.bytes-in-flight +33554432",
        r"axis.merchant.user +city\\payments ",
        r"search.scope +false",
    ):
        assert re.search(line, told), told


def check_config(objects, folder) -> str:
    """What the program says about the settings in a rendering, run as in its container."""
    text = one(objects, "ConfigMap", "pg-service")["data"]["pg-service.properties"]
    (folder / "secrets").mkdir()
    for key in set(re.findall(r"/run/secrets/pg-service/(.*)", text)):
        (folder / "secrets" / key).write_text("0123456789ABCDEF0123456789ABCDEF")
    file = folder / "pg-service.properties"
    file.write_text(text.replace("/run/secrets/pg-service", str(folder / "secrets")))
    image = {"SERVER_ADDRESS": "0.0.0.0", "PG_SERVICE_DATA_DIR": "/data", "PG_SERVICE_LOG_FORMAT": "json"}
    done = subprocess.run(
        [BINARY, "check-config"],
        env={**image, "PG_SERVICE_PROPERTIES": str(file)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_program_accepts_the_settings_of_the_examples(usual, tmp_path):
    told = check_config(usual, tmp_path)
    assert "No problems." in told and "Unknown" not in told and "Without effect" not in told, told
    (tmp_path / "sandbox").mkdir()
    told = check_config(template(CHART, SANDBOX), tmp_path / "sandbox")
    assert "Unknown" not in told and "http://pg-service.egov:8080/pg-service" in told, told


def test_helm_test_pays_with_the_sandbox_and_probes_the_production_target(usual, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/pg-service"
    objects = template(CHART, SANDBOX, {"publicUrl": url})
    assert one(objects, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    pod = one(objects, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    test = pod["spec"]["containers"][0]
    assert test["image"].endswith(":0.2.0-sandbox") and test["args"] == ["demo", "--url", url]
    probe = one(usual, "Pod")["spec"]["containers"][0]
    assert probe["image"].endswith(":0.2.0")

    (tmp_path / "pg-service.properties").write_text(properties_text(objects))
    service = subprocess.Popen(
        [BINARY, "--properties", "pg-service.properties", "--port", str(port), "--set", "server.admin-port=0"],
        cwd=tmp_path,
        env={},
        stdout=subprocess.DEVNULL,
        stderr=(tmp_path / "log").open("wb"),
    )
    try:
        wait_for(url, service, tmp_path / "log")
        paid = subprocess.run([BINARY, *test["args"]], capture_output=True, text=True, check=False)
        assert paid.returncode == 0 and "All as promised." in paid.stdout, paid.stdout + paid.stderr
        # The Service's name and port are those of this machine here.
        variables = {variable["name"]: variable["value"] for variable in probe["env"]}
        assert variables.pop("HEALTHCHECK_HOST") == "pg-service" and variables.pop("SERVER_PORT") == "8080"
        script = [ROOT / "deploy" / "docker" / probe["command"][0], *probe["command"][1:]]
        for at, code in ((port, 0), (free_port(), 1)):
            variables |= {"HEALTHCHECK_HOST": "127.0.0.1", "SERVER_PORT": str(at)}
            assert (
                subprocess.run(script, env=variables, stderr=subprocess.DEVNULL, check=False).returncode == code
            )
    finally:
        service.terminate()
        service.wait(timeout=30)


def properties_text(objects) -> str:
    return one(objects, "ConfigMap", "pg-service")["data"]["pg-service.properties"]
