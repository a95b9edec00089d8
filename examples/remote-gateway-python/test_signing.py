"""The worked example of docs/remote-gateway.md, and requests that must be refused."""

import pathlib
import unittest

from signing import NONCE, SIGNATURE, TIMESTAMP, NotAllowed, Signatures

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "remote-gateway.md"
SECRET = "0123456789abcdef0123456789abcdef"
NOW = 1795342201


class Nonces:
    def __init__(self):
        self.used = set()

    def is_new_nonce(self, nonce, now, remember_seconds):
        if nonce in self.used:
            return False
        self.used.add(nonce)
        return True


def messages():
    """The request and the answer of the worked example: headers and body each."""
    for block in DOCUMENT.read_text(encoding="utf-8").split("```http\n")[1:]:
        head, body = block.split("\n```", 1)[0].split("\n\n", 1)
        yield dict(line.split(": ", 1) for line in head.splitlines()[1:]), body.encode("utf-8")


class Signing(unittest.TestCase):
    def setUp(self):
        (self.question, self.body), (self.answer, self.answer_body) = messages()
        self.signatures = Signatures(SECRET, Nonces(), lambda: NOW)

    def check(self, headers=None, path="/bridge/start", body=None):
        headers = self.question if headers is None else headers
        return self.signatures.check_question(path, headers, body or self.body)

    def test_the_worked_example_is_accepted_and_answered(self):
        nonce = self.check()
        headers = self.signatures.answer_headers("/bridge/start", nonce, self.answer_body)
        self.assertEqual(headers, {name: self.answer[name] for name in (TIMESTAMP, NONCE, SIGNATURE)})

    def test_a_question_is_answered_once(self):
        self.check()
        with self.assertRaises(NotAllowed):
            self.check()

    def test_whatever_is_changed_is_refused(self):
        changed = [
            {"headers": {}},
            {"path": "/bridge/status"},
            {"body": self.body.replace(b"10050", b"10051")},
            {"headers": {**self.question, NONCE: "0" * 32}},
            {"headers": {**self.question, TIMESTAMP: "1795342202"}},
            {"headers": {**self.question, SIGNATURE: "\u0906" * 64}},
            {"headers": {**self.question, SIGNATURE: self.question[SIGNATURE].upper()}},
        ]
        for change in changed:
            with self.subTest(change), self.assertRaises(NotAllowed):
                self.check(**change)
        self.check()

    def test_an_old_question_is_refused(self):
        for now in (NOW + 300, NOW - 302):
            with self.subTest(now), self.assertRaises(NotAllowed):
                Signatures(SECRET, Nonces(), lambda: now).check_question("/bridge/start", self.question, self.body)

    def test_a_short_secret_is_no_secret(self):
        with self.assertRaises(ValueError):
            Signatures("short", Nonces())


if __name__ == "__main__":
    unittest.main()
