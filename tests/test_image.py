"""The image without a container engine: the program in a Debian root of the Dockerfile's packages, as its user, on
a read-only file system.

Runs with `--long` alone. Needs root, unshare(1), chroot(8), debootstrap, Debian's packages, and a program that was
built on the Debian of the image. The root is kept in target/image.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import BINARY, ROOT, free_port, wait_for

STAGES = {
    re.match(r"\S+ AS (\S+)|", text)[1]: text
    for text in re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)
}
BASE = STAGES["base"]
USER = re.search(r"^USER (\d+):(\d+)$", BASE, re.M)
# Writable, as in the chart; everything else is read-only. Then the image's user, and nothing of this machine's
# environment.
INSIDE = """
set -e
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
for folder in tmp data; do mount -t tmpfs -o "uid=$USER_ID,mode=700" tmpfs "$ROOT/$folder"; done
exec chroot --userspec="$USER_ID:$GROUP_ID" --groups="$GROUP_ID" "$ROOT" /usr/bin/env -i "$@"
"""


def environment() -> dict[str, str]:
    text = re.search(r"^ENV ((?:.*\\\n)*.*)$", BASE, re.M)[1]
    return dict(pair.split("=", 1) for pair in shlex.split(text.replace("\\\n", " ")))


def entry(stage: str) -> list[str]:
    return json.loads(re.search(r"^ENTRYPOINT (.*)$", STAGES[stage], re.M)[1])


@pytest.fixture(scope="module")
def root():
    packages = re.search(r"--no-install-recommends (.*?) \\\n", BASE)[1].split()
    release = {"12": "bookworm"}[re.match(r"debian:(\d+)", BASE)[1]]
    digest = hashlib.sha256(" ".join([release, *packages]).encode()).hexdigest()[:12]
    folder = ROOT / "target" / "image" / digest
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            release,
            folder / "root",
        ]
        subprocess.run([*command, "http://deb.debian.org/debian"], check=True, stdout=subprocess.DEVNULL)
        (folder / "complete").touch()
    root = folder / "root"
    shutil.copy(BINARY, root / "usr/local/bin/pg-service")
    shutil.copy(ROOT / "deploy/docker/healthcheck", root / "usr/local/bin/healthcheck")
    (root / "data").mkdir(exist_ok=True)
    return root


def inside(root, command, variables=(), **options) -> subprocess.Popen:
    """A command in the root, with the image's variables."""
    given = {**environment(), "PATH": "/usr/local/bin:/usr/bin:/bin", **dict(variables)}
    return subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGTERM", "bash", "-c", INSIDE, "inside"]
        + [f"{name}={value}" for name, value in given.items()]
        + list(command),
        env={**os.environ, "ROOT": str(root), "USER_ID": USER[1], "GROUP_ID": USER[2]},
        text=True,
        **options,
    )


def run(root, command, variables=()) -> tuple[int, str]:
    process = inside(root, command, variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told, _ = process.communicate(timeout=60)
    return process.returncode, told


def test_the_root_has_all_that_the_program_needs_and_can_not_be_written(root):
    code, told = run(root, ["ldd", "/usr/local/bin/pg-service"])
    assert code == 0 and "libssl.so.3" in told and "not found" not in told, told
    assert run(root, ["id", "-u"]) == (0, f"{USER[1]}\n")
    assert run(root, ["test", "-s", "/etc/ssl/certs/ca-certificates.crt"])[0] == 0
    for folder in ("/", "/usr/local/bin", "/etc", "/var/tmp"):
        code, told = run(root, ["touch", f"{folder}/x"])
        assert code and ("Read-only file system" in told or "Permission denied" in told), told
    assert run(root, ["touch", "/data/x", "/tmp/x"])[0] == 0
    # The preStop of the charts.
    assert run(root, ["sleep", "0"])[0] == 0


def serve(root, tmp_path, variables=()):
    port = free_port()
    log = tmp_path / "service.log"
    process = inside(
        root,
        entry("base"),
        {"SERVER_PORT": port, "SERVER_ADDRESS": "127.0.0.1", **dict(variables)},
        stdout=subprocess.DEVNULL,
        stderr=log.open("wb"),
    )
    url = f"http://127.0.0.1:{port}/pg-service"
    wait_for(url, process, log)
    return process, port, url, log


def stop(process, log):
    """SIGTERM to the program, as a container engine does; it is the first process of its namespace."""
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(children) as file:
        (program,) = file.read().split()
    with open(f"/proc/{program}/status") as file:
        assert f"Uid:\t{USER[1]}\t{USER[1]}\t" in file.read()
    os.kill(int(program), 15)
    assert process.wait(timeout=30) == 0, log.read_text()
    assert "stopped" in log.read_text()


def test_it_serves_pays_and_stops(root, tmp_path):
    process, port, url, log = serve(root, tmp_path)
    for path, expected in (("/health/liveness", 0), ("/health/readiness", 0), ("/nothing", 1)):
        assert run(root, ["healthcheck", path], {"SERVER_PORT": port})[0] == expected
    code, told = run(root, [*entry("base"), "demo", "--url", url])
    assert code == 0 and "All as promised." in told, told
    json.loads(log.read_text().splitlines()[0])
    stop(process, log)


def test_the_migration_entry_migrates_and_the_service_needs_no_folder(root, tmp_path, postgres):
    address = re.fullmatch(r"postgres(?:ql)?://([^:@]*)(?::([^@]*))?@(.*)", postgres)
    variables = {
        "DB_URL": f"jdbc:postgresql://{address[3]}",
        "FLYWAY_USER": address[1],
        "FLYWAY_PASSWORD": address[2] or "unused",
        "SCHEMA_TABLE": "egov_pg_service_schema",
        "FLYWAY_LOCATIONS": "filesystem:/flyway/sql",
    }
    code, told = run(root, entry("migration"), variables)
    assert code == 0 and "this container is not needed" in told and "applied now" in told, told
    beside = {"SPRING_DATASOURCE_URL": postgres, "PG_SERVICE_DATABASE_MIGRATE_AT_START": "false"}
    # A folder that the user can not write to.
    process, _, _, log = serve(root, tmp_path, {**beside, "PG_SERVICE_DATA_DIR": "/var/nothing"})
    stop(process, log)
