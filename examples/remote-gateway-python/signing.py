"""The signatures of the remote gateway protocol, of requests and answers.

See docs/remote-gateway.md, "Signatures".
"""

import hashlib
import hmac
import re
import time

TIMESTAMP = "X-Gateway-Timestamp"
NONCE = "X-Gateway-Nonce"
SIGNATURE = "X-Gateway-Signature"

MAX_SKEW_SECONDS = 300
# The permitted difference between a request's time and the clock, in both directions.
REMEMBER_NONCES_SECONDS = 2 * MAX_SKEW_SECONDS
MIN_SECRET_CHARACTERS = 32


class NotAllowed(Exception):
    """The request is not signed by the payment gateway service, or is a repetition."""


class Signatures:
    """Checks requests and signs answers with one shared secret."""

    def __init__(self, secret, nonces, now=time.time):
        """`nonces` stores used nonces: see `Books.is_new_nonce`."""
        if len(secret) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"the secret must have at least {MIN_SECRET_CHARACTERS} characters")
        self._key = secret.encode("utf-8")
        self._nonces = nonces
        self._now = now

    def _sign(self, side, path, timestamp, nonce, body):
        lines = f"remote-gateway-{side}-1\nPOST\n{path}\n{timestamp}\n{nonce}\n"
        return hmac.new(self._key, lines.encode("utf-8") + body, hashlib.sha256).hexdigest()

    def check_question(self, path, headers, body):
        """Returns the nonce of a valid request; raises NotAllowed otherwise."""
        timestamp = headers.get(TIMESTAMP, "")
        nonce = headers.get(NONCE, "")
        signature = headers.get(SIGNATURE, "")
        if not re.fullmatch(r"[0-9]{1,12}", timestamp) or not re.fullmatch(r"[0-9a-f]{32}", nonce):
            raise NotAllowed("headers are missing or malformed")
        expected = self._sign("request", path, timestamp, nonce, body)
        # In bytes: compare_digest accepts no text with characters outside ASCII.
        if not hmac.compare_digest(expected.encode("ascii"), signature.encode("utf-8", "replace")):
            raise NotAllowed("the signature is wrong")
        now = int(self._now())
        if abs(now - int(timestamp)) > MAX_SKEW_SECONDS:
            raise NotAllowed("the question is too old, or the clocks differ")
        # Only now, so that strangers cannot fill the memory.
        if not self._nonces.is_new_nonce(nonce, now, REMEMBER_NONCES_SECONDS):
            raise NotAllowed("the question was asked before")
        return nonce

    def answer_headers(self, path, nonce, body):
        """The headers that sign an answer."""
        timestamp = str(int(self._now()))
        return {
            TIMESTAMP: timestamp,
            NONCE: nonce,
            SIGNATURE: self._sign("response", path, timestamp, nonce, body),
        }
