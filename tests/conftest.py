"""The program, started for a test on a free port in its own folder."""

import json
import os
import pathlib
import secrets
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("PG_SERVICE_BINARY", ROOT / "target" / "debug" / "pg-service"))


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes minutes: the image's contents")


def pytest_ignore_collect(collection_path, config):
    return collection_path.name == "test_image.py" and not config.getoption("--long") or None


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, log: pathlib.Path):
    """Waits until a service that was started answers at this address."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


class Service:
    """A running service and the requests that a test makes to it."""

    def __init__(
        self,
        folder: pathlib.Path,
        log: pathlib.Path,
        *arguments,
        port: int | None = None,
        database: str | None = None,
    ):
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.base}/pg-service"
        self.log = log
        # Independent of this machine's configuration.
        environment = {"SPRING_DATASOURCE_URL": database, "SANDBOX_ACTIVE": "true"} if database else {}
        self.process = subprocess.Popen(
            [BINARY, "serve", "--port", str(self.port), "--data-dir", folder, *arguments],
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            env=environment,
        )
        wait_for(self.url, self.process, log)

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def create(
        self,
        bill: str,
        amount: str = "100.00",
        product: str = "Property tax",
        gateway: str = "SANDBOX",
        payer: str = "Asha Rani",
    ) -> dict:
        """Creates a payment of one bill and returns the transaction."""
        body = {
            "RequestInfo": request_info(),
            "Transaction": {
                "tenantId": "pb.amritsar",
                "txnAmount": amount,
                "billId": bill,
                "module": "PT",
                "consumerCode": "PT-107-001",
                "taxAndPayments": [{"billId": bill, "amountPaid": amount}],
                "productInfo": product,
                "gateway": gateway,
                "callbackUrl": f"{self.url}/sandbox/return?from=test",
                "user": {"name": payer, "mobileNumber": "9876543210", "tenantId": "pb"},
            },
        }
        return self.post("/transaction/v1/_create", body)["Transaction"]

    def update(self, txn_id: str) -> dict:
        return self.post(f"/transaction/v1/_update?transactionId={txn_id}", {"RequestInfo": request_info()})[
            "Transaction"
        ][0]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


def request_info() -> dict:
    return {
        "apiId": "Rainmaker",
        "userInfo": {
            "uuid": "a6f9b1c4-0000-4000-8000-000000000001",
            "userName": "asha",
            "name": "Asha Rani",
            "mobileNumber": "9876543210",
            "tenantId": "pb",
            "type": "CITIZEN",
        },
    }


@pytest.fixture
def service(tmp_path):
    running = Service(tmp_path / "data", tmp_path / "service.log")
    yield running
    assert running.stop() == 0, running.log.read_text()


def on_the_server(statement: str):
    """Runs a statement on the PostgreSQL server for tests."""
    server = os.environ.get("DATABASE_URL")
    assert server, "DATABASE_URL is not set: run `scripts/services start`, then `eval \"$(scripts/services env)\"`"
    subprocess.run(["psql", "-XAtq", "-d", server, "-c", statement], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def postgres():
    """The address of an empty PostgreSQL database."""
    name = f"test_{secrets.token_hex(16)}"
    on_the_server(f"CREATE DATABASE {name}")
    server = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    yield urllib.parse.urlunsplit(server._replace(path=f"/{name}"))
    on_the_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def service_on_postgres(tmp_path, postgres):
    running = Service(tmp_path / "data", tmp_path / "service.log", database=postgres)
    yield running
    assert running.stop() == 0, running.log.read_text()
