"""The bridge: answers the payment gateway service's questions in the provider's place.

This is the file to rewrite for a real provider. It has one function for each question; each takes the
members of the question and returns those of the answer. See docs/remote-gateway.md.
"""

import hmac

import toy_provider

# What the provider's words mean. A word that is not here is passed on as it is: it is then unknown to
# the service as well, and the payment stays pending. It is never taken for "declined".
STATES = {
    toy_provider.OPEN: "pending",
    toy_provider.IN_PROGRESS: "pending",
    toy_provider.CAPTURED: "paid",
    toy_provider.DENIED: "declined",
    toy_provider.CANCELLED: "declined",
}


class Bridge:
    """Translates between the service and one provider."""

    def __init__(self, provider):
        self._provider = provider

    def start(self, question):
        """Where is this order paid? Asking twice opens one order."""
        try:
            url = self._provider.open_order(
                question["orderId"],
                question["amountPaise"],
                question["description"],
                question["returnUrl"],
                question.get("notifyUrl") or "",  # null where nobody can be reported to
            )
        except toy_provider.OtherOrder:
            # The first order can still be paid: "refused" would say that nothing can.
            raise Unavailable("the order was opened with another amount")
        return {"orderId": question["orderId"], "redirectUrl": url}

    def status(self, question):
        """Where does the order stand?"""
        return self._standing(question, self._provider.look_up(question["orderId"]))

    def close(self, question):
        """Nobody shall pay this order any more. Where does it stand now?"""
        return self._standing(question, self._provider.cancel(question["orderId"]))

    def _standing(self, question, order):
        if order is None:
            return {"orderId": question["orderId"], "state": "not_found"}
        return {
            "orderId": order["number"],
            **self._state(order["status"], order["taken_paise"], order["payment_id"]),
        }

    def verify(self, question):
        """Is what the provider is said to have sent genuine, and what does it say?"""
        # This provider sends forms, whose fields are among the parameters. One that sends JSON is found
        # in question["body"], in base64.
        pairs = [(name, value) for name, value in question["params"]]
        names = ("orderId", "status", "amountPaise", "currency", "paymentId")
        fields = {name: value for name, value in pairs if name in names}
        signatures = [value for name, value in pairs if name == "providerSign"]
        if not signatures:
            return {"verdict": "unsigned"}
        # With a name twice nobody can say which value was signed.
        once = len([name for name, _ in pairs if name in names]) == len(fields) and len(signatures) == 1
        expected = self._provider.sign(fields)
        if not once or not hmac.compare_digest(expected.encode(), signatures[0].encode("utf-8", "replace")):
            return {"verdict": "bad_signature"}
        if fields.get("orderId") != question["orderId"]:
            return {"verdict": "wrong_transaction"}
        return {
            "verdict": "signed",
            "orderId": fields["orderId"],
            **self._state(fields["status"], int(fields["amountPaise"]), fields["paymentId"]),
        }

    @staticmethod
    def _state(status, amount_paise, payment_id):
        return {
            "state": STATES.get(status, status),
            "amountPaise": amount_paise,
            "currency": "INR",
            "gatewayTxnId": payment_id or None,
            "paymentMode": "TOY",
            "statusCode": status,
        }


class Unavailable(Exception):
    """Nothing can be said now: answered with HTTP status 503, so that the service asks again."""
