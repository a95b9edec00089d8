"""deploy/digit/egov-pg-service, laid over DIGIT's folder of that name; digit-common stands for their common chart."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from charts import ROOT, Refused, helm, one, template, validate
from conftest import BINARY

OVERLAY = ROOT / "deploy" / "digit" / "egov-pg-service"
ENVIRONMENT = ROOT / "deploy" / "digit" / "environment.yaml"
# The service's entries of egov-config and egov-service-host.
CONFIG = {
    "db-url": "jdbc:postgresql://egov-db.egov:5432/egov",
    "timezone": "UTC",
    "kafka-brokers": "kafka-v2.kafka-cluster:9092",
    "egov-services-fqdn-name": "https://city.example.org/",
    "is-environment-central-instance": "true",
    "state-schema-index-position-tenantid": "2",
}
CENTRAL = ["is-environment-central-instance", "state-schema-index-position-tenantid"]
CENTRAL = {"cluster-configs": {"configmaps": {"egov-config": {"data": {key: CONFIG[key] for key in CENTRAL}}}}}


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    """The chart in their folders, with its dependency."""
    charts = tmp_path_factory.mktemp("helm") / "charts"
    shutil.copytree(ROOT / "tests" / "digit-common", charts / "common")
    shutil.copytree(OVERLAY, charts / "core-services" / "egov-pg-service")
    helm("dependency", "update", charts / "core-services" / "egov-pg-service")
    return charts / "core-services" / "egov-pg-service"


def render(chart, *values, arguments=()):
    return template(chart, *values, release="egov-pg-service", arguments=["--set", "image.tag=v1", *arguments])


def container(objects) -> dict:
    return one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]


def sources(objects) -> dict[str, object]:
    """Each variable's value, or the object and key it comes from."""
    env = container(objects)["env"]
    assert len({variable["name"] for variable in env}) == len(env), "each is set once"
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in env}


def secret(key: str, name: str = "egov-pg-service") -> dict:
    return {"secretKeyRef": {"name": name, "key": key}}


def test_it_renders_with_their_common_chart_and_every_kubernetes_knows_it(chart):
    helm("lint", "--strict", chart, "--set", "image.tag=v1")
    for objects in (render(chart), render(chart, ENVIRONMENT)):
        assert sorted(thing["kind"] for thing in objects) == ["Deployment", "Ingress", "Service"]
        validate(objects)


def test_traces_are_exported_where_a_collector_is_named(chart):
    assert not [name for name in sources(render(chart)) if name.startswith("OTEL_")]
    traced = sources(render(chart, {"otel-endpoint": "http://otel-collector:4318"}))
    assert {name: value for name, value in traced.items() if name.startswith("OTEL_")} == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector:4318",
        "OTEL_SERVICE_NAME": "egov-pg-service",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.1",
    }


def test_it_takes_the_place_of_the_other_for_services_and_the_api_gateway(chart):
    objects = render(chart)
    deployment, service = one(objects, "Deployment"), one(objects, "Service")
    labels = {"app": "egov-pg-service", "group": "core"}
    assert deployment["metadata"]["name"] == service["metadata"]["name"] == "egov-pg-service"
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert service["spec"]["ports"][0]["port"] == 8080
    assert service["metadata"]["annotations"] == {"zuul/route-path": "pg-service"}
    backend = one(objects, "Ingress")["spec"]["rules"][0]["http"]["paths"][0]
    assert backend["path"] == "/pg-service" and backend["backend"]["service"]["name"] == "gateway"
    pod = deployment["spec"]["template"]["spec"]
    assert "initContainers" not in pod, "the service migrates by itself"
    assert pod["securityContext"] == {"fsGroup": 10001, "runAsUser": 10001}


def test_a_stop_needs_no_shell_and_fits_into_thirty_seconds(chart):
    objects = render(chart)
    command = container(objects)["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["sleep", "10"]
    assert int(command[1]) + int(sources(objects)["PG_SERVICE_SERVER_SHUTDOWN_WAIT_SECS"]) < 30


def test_image_host_and_keys_are_where_an_operator_of_digit_sets_them(chart):
    # The deployer's tag and the environment's registry.
    assert container(render(chart))["image"] == "registry.state.example/pg-service:v1"
    objects = render(chart, ENVIRONMENT)
    assert container(objects)["image"] == "registry.example.org/payments/pg-service:0.2.0"
    assert one(objects, "Deployment")["spec"]["replicas"] == 3
    given = sources(objects)
    assert given["PAYU_MERCHANT_KEY"] == secret("payumerchantkey")
    assert given["PAYU_MERCHANT_SALT"] == secret("payumerchantsalt")
    assert given["PHONEPE_V2_CLIENT_SECRET"] == secret("phonepe-client-secret", "pg-service-gateways")
    assert "AXIS_ACTIVE" not in given
    assert given["EGOV_PG_RECONCILIATION_SYSTEM_USER_UUID"] == "db4fe8ed-c0e0-4c2a-829b-72296d8d156f"
    environment = yaml.safe_load(ENVIRONMENT.read_text())
    hosts = environment["cluster-configs"]["configmaps"]["egov-service-host"]["data"]
    assert hosts == {"egov-pg-service": "http://egov-pg-service.egov:8080/"}

    axis = sources(render(chart))
    assert {name: value for name, value in axis.items() if "MERCHANT" in name} == {
        "AXIS_MERCHANT_ID": secret("axismerchantid"),
        "AXIS_MERCHANT_SECRET_KEY": secret("axismerchantsecret"),
        "AXIS_MERCHANT_USER": secret("axismerchantuser"),
        "AXIS_MERCHANT_PWD": secret("axismerchantpwd"),
        "AXIS_MERCHANT_ACCESS_CODE": secret("axismerchantaccesscode"),
    }
    ccavenue = sources(
        render(chart, {"egov-pg-service": {"ccavenue": True, "ccavenue-status-access-code": "AV1"}})
    )
    assert ccavenue["CCAVENUE_STATUS_WORKING_KEY"] == secret("ccavenue-status-working-key")
    assert ccavenue["CCAVENUE_REDIRECT_WORKING_KEY"] == secret("ccavenue-redirect-working-key")
    assert ccavenue["CCAVENUE_STATUS_ACCESS_CODE"] == "AV1"


def test_flyways_container_is_that_of_this_service_where_an_environment_enables_it(chart):
    enabled = {"egov-pg-service": {"initContainers": {"dbMigration": {"enabled": True}}}}
    objects = render(chart, enabled, arguments=["--set", "initContainers.dbMigration.image.tag=v1"])
    validate(objects)
    migration = one(objects, "Deployment")["spec"]["template"]["spec"]["initContainers"][0]
    assert migration["image"] == "registry.state.example/pg-service-migration:v1"
    assert (
        "command" not in migration and "args" not in migration
    ), "the image's entry has to accept its variables"
    names = {variable["name"] for variable in migration["env"]}
    assert names == {"DB_URL", "SCHEMA_TABLE", "FLYWAY_USER", "FLYWAY_PASSWORD", "FLYWAY_LOCATIONS"}
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)
    stage = next(stage for stage in stages if stage.startswith("production AS migration"))
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", stage, re.M)[1])
    # crates/server/tests/program/setup/migration.rs runs it with these variables.
    assert entry == ["pg-service", "migrate", "--flyway"]


@pytest.mark.parametrize("values", [[], [ENVIRONMENT], [CENTRAL]])
def test_the_program_knows_every_variable_and_those_of_this_chart_count(chart, tmp_path, values):
    def value(source) -> str:
        if isinstance(source, str):
            return source
        ((kind, reference),) = source.items()
        if kind == "secretKeyRef":
            return "0123456789ABCDEF"
        if reference["name"] == "egov-config":
            return CONFIG[reference["key"]]
        assert reference["name"] == "egov-service-host"
        return f"http://{reference['key']}.egov:8080/"

    variables = {name: value(source) for name, source in sources(render(chart, *values)).items()}
    done = subprocess.run(
        [BINARY, "check-config"], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    told = done.stdout
    assert done.returncode == 0 and "Unknown" not in told, told + done.stderr
    # Of those that their charts always set, in one line.
    quiet = told.split("Set by DIGIT's chart for Java, without effect\n")[1].split("\n")[0].split()
    assert sorted(quiet) == ["APP_TIMEZONE", "SPRING_DATASOURCE_TOMCAT_MAX_ACTIVE"]
    assert re.search(r"database\.pool-size +12 ", told), "not Java's 2"
    assert re.search(rf"is\.environment\.central\.instance +{str(values == [CENTRAL]).lower()} ", told), told
    for service in ("idgen", "collectionservice", "userservice"):
        assert re.search(rf"egov\.{service}\.host +http://", told), told


def test_without_a_tag_there_is_no_image(chart):
    with pytest.raises(Refused) as refused:
        template(chart, release="egov-pg-service")
    assert "tag" in str(refused.value)
