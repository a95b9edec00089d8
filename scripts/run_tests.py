#!/usr/bin/env python3
"""Runs the workspace's test programs, as many at a time as there are cores, and tells how long each took.

cargo test runs one program after the other; most of ours wait for a database, a broker or a clock.
Everything is built once, with the features of the whole workspace, also for the second run on PostgreSQL.

  run_tests.py            every test program, those that take TEST_STORE also on PostgreSQL; beside them, at the
                          lowest priority, Helm is built where it is missing: the tests of the charts need it
  run_tests.py --quick    those that need neither PostgreSQL nor Kafka nor the service's program

The output of a program is shown when it fails, and kept in target/test-output.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "target" / "test-output"
AT_A_TIME = os.cpu_count() or 1
# Run at the end, beside one another alone: they measure, or let leases of a second run out. They wait more than they
# work. In this order.
QUIET = ["limits", "ticks", "cluster", "clocks"]
# Built and run by --quick: unit tests, and the integration tests that are quick on SQLite.
QUICK = ["--exclude", "payment-store-postgres", "--lib", "--bins"]
QUICK += ["--test=service", "--test=contract", "--test=database", "--test=conformance", "--test=vectors"]
# Test programs that run on the database that TEST_STORE names.
EITHER_DATABASE = {"service", "payment_http"}
# Their modules that need PostgreSQL: not run on SQLite as well.
POSTGRES_ONLY = ["--skip=adopted::", "--skip=persister::", "--skip=postgres::"]
# Started first, so that none of them is left alone at the end.
LONG = ["crash", "contract", "service", "cost", "payment_http", "store", "program", "kafka", "conformance", "gateways"]


def build(arguments):
    """The test programs that cargo built: (package, target, kind, program, folder of the package)."""
    command = ["cargo", "test", "--no-run", "--message-format=json-render-diagnostics", *arguments]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode:
        sys.exit(built.returncode)
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable") and message["profile"]["test"]:
            folder = pathlib.Path(message["manifest_path"]).parent
            package = next(
                line.split('"')[1] for line in (folder / "Cargo.toml").read_text().splitlines() if line.startswith("name")
            )
            target = message["target"]
            yield package, target["name"], target["kind"][0], message["executable"], folder


def run(name, program, folder, variables, arguments=()):
    """Runs one program; its name, whether it succeeded, how long it took and where its output is."""
    output = OUTPUT / f"{name.replace('/', '-').replace(' ', '-')}.txt"
    began = time.monotonic()
    with output.open("w") as file:
        ended = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env={**os.environ, "CARGO_MANIFEST_DIR": str(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return name, ended.returncode == 0, time.monotonic() - began, output


def main():
    quick = "--quick" in sys.argv[1:]
    programs = list(build(["--workspace", *(QUICK if quick else [])]))
    OUTPUT.mkdir(parents=True, exist_ok=True)

    together, quiet = [], []
    for package, target, kind, program, folder in programs:
        name = package if kind in ("lib", "bin", "proc-macro") else f"{package}/{target}"
        arguments = POSTGRES_ONLY if target in EITHER_DATABASE else ()
        (quiet if target in QUIET else together).append((target, (name, program, folder, {}, arguments)))
        if target in EITHER_DATABASE and not quick:
            together.append((target, (f"{name} on PostgreSQL", program, folder, {"TEST_STORE": "postgres"})))
    together.sort(key=lambda entry: LONG.index(entry[0]) if entry[0] in LONG else len(LONG))
    quiet.sort(key=lambda entry: QUIET.index(entry[0]))

    failed = []

    def report(ended):
        name, succeeded, seconds, output = ended
        print(f"{'ok    ' if succeeded else 'FAILED'} {seconds:6.1f} s  {name}", flush=True)
        if not succeeded:
            failed.append(name)
            print(output.read_text(errors="replace"), flush=True)

    background = concurrent.futures.ThreadPoolExecutor(1)
    if not quick:
        helm = background.submit(run, "Helm", "nice", ROOT, {}, ("-n", "19", "scripts/helm", "version", "--short"))
    for programs in together, quiet:
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            waiting = [pool.submit(run, *work) for _, work in programs]
            for ended in concurrent.futures.as_completed(waiting):
                report(ended.result())
    if not quick:
        report(helm.result())
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


main()
