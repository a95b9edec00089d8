#!/usr/bin/env python3
"""A remote gateway over a toy provider. Standard library only, Python 3.9 or later.

    REMOTE_GATEWAY_SECRET=… TOY_PROVIDER_KEY=… python3 serve.py --port 8070
"""

import argparse
import json
import os
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from books import Books
from bridge import Bridge, Unavailable
from signing import NotAllowed, Signatures
from toy_provider import ToyProvider

MAX_BODY_BYTES = 4 * 1024 * 1024
SOCKET_TIMEOUT_SECONDS = 20


class Handler(BaseHTTPRequestHandler):
    """Two audiences: the service below /bridge/, visitors below /pay/."""

    server_version = "toy"
    sys_version = ""
    timeout = SOCKET_TIMEOUT_SECONDS

    def do_POST(self):
        body = self._body()
        if body is None:
            return
        path = urllib.parse.urlsplit(self.path).path
        questions = {
            "/bridge/start": self.server.bridge.start,
            "/bridge/status": self.server.bridge.status,
            "/bridge/close": self.server.bridge.close,
            "/bridge/verify": self.server.bridge.verify,
            "/bridge/refund": self.server.bridge.refund,
            "/bridge/refund-status": self.server.bridge.refund_status,
        }
        if path in questions:
            self._answer_question(path, questions[path], body)
        elif path.startswith("/pay/"):
            self._take_choice(path[len("/pay/"):], body)
        else:
            self._send(404, "text/plain; charset=utf-8", b"not found")

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        page = self.server.provider.page(path[len("/pay/"):]) if path.startswith("/pay/") else None
        if page is None:
            self._send(404, "text/plain; charset=utf-8", b"not found")
        else:
            self._send(200, "text/html; charset=utf-8", page.encode("utf-8"))

    def _answer_question(self, path, answer, body):
        try:
            nonce = self.server.signatures.check_question(path, self.headers, body)
        except NotAllowed as refusal:
            self.log_message("refused: %s", refusal)
            self._send(401, "application/json", b"{}")
            return
        try:
            answered = answer(json.loads(body))
        except Unavailable as reason:
            self.log_message("unavailable: %s", reason)
            self._send(503, "application/json", b"{}")
            return
        except (ValueError, KeyError, TypeError):
            self.log_message("a question of the service could not be read")
            self._send(400, "application/json", b"{}")
            return
        text = json.dumps(answered, ensure_ascii=False).encode("utf-8")
        self._send(200, "application/json", text, self.server.signatures.answer_headers(path, nonce, text))

    def _take_choice(self, token, body):
        fields = urllib.parse.parse_qs(body.decode("utf-8", "replace"))
        order = self.server.provider.choose(token, fields.get("choice", [""])[0])
        if order is None:
            self._send(404, "text/plain; charset=utf-8", b"not found")
        else:
            self._send(303, "text/plain; charset=utf-8", b"", {"Location": self.server.provider.way_back(order)})

    def _body(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._send(411, "text/plain; charset=utf-8", b"length required")
        elif int(length) > MAX_BODY_BYTES:
            self._send(413, "text/plain; charset=utf-8", b"too large")
        else:
            return self.rfile.read(int(length))
        return None

    def _send(self, status, content_type, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        """Without the path: the address of a pay page is a secret of its payer."""
        self.log_message("%s %s", self.command, getattr(code, "value", code))


def main():
    parser = argparse.ArgumentParser(description="A remote gateway over a toy provider.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8070, help="the port, 0 for a free one (default: 8070)")
    parser.add_argument("--public-url", help="where browsers reach the pay page (default: host and port)")
    parser.add_argument("--database", default="toy-provider.sqlite", help="the provider's books (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        secret, key = os.environ["REMOTE_GATEWAY_SECRET"], os.environ["TOY_PROVIDER_KEY"]
        books = Books(arguments.database)
        signatures = Signatures(secret, books)
    except KeyError as missing:
        sys.exit(f"set {missing.args[0]}: see README.md")
    except ValueError as problem:
        sys.exit(str(problem))
    server = ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    server.daemon_threads = True
    address = f"http://{arguments.host}:{server.server_address[1]}"
    server.provider = ToyProvider(books, key, arguments.public_url or address)
    server.bridge = Bridge(server.provider)
    server.signatures = signatures
    print(f"listening on {address}, base URL {address}/bridge", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
