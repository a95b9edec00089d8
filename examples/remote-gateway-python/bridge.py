"""The bridge: answers the payment gateway service's requests for the provider.

This is the file to rewrite for a real provider. It has one function per request, which takes the
members of the request and returns those of the answer. See docs/remote-gateway.md.
"""

import hmac

import toy_provider

# The provider's states. A word that is not here is passed on unchanged: the service does not know it
# either, and the payment stays pending. It is never taken for "declined".
STATES = {
    toy_provider.OPEN: "pending",
    toy_provider.IN_PROGRESS: "pending",
    toy_provider.CAPTURED: "paid",
    toy_provider.DENIED: "declined",
    toy_provider.CANCELLED: "declined",
}

# The same for refunds: an unknown word is never taken for "refused".
REFUND_STATES = {toy_provider.RETURNED: "refunded"}


class Bridge:
    """Translates between the service and one provider."""

    def __init__(self, provider):
        self._provider = provider

    def start(self, question):
        """Opens an order; repeating the request opens no second one."""
        try:
            url = self._provider.open_order(
                question["orderId"],
                question["amountPaise"],
                question["description"],
                question["returnUrl"],
                question.get("notifyUrl") or "",  # null where the service is not reachable
            )
        except toy_provider.OtherOrder:
            # The first order can still be paid: "refused" would be wrong.
            raise Unavailable("the order was opened with another amount")
        return {"orderId": question["orderId"], "redirectUrl": url}

    def status(self, question):
        """The status of an order."""
        return self._standing(question, self._provider.look_up(question["orderId"]))

    def close(self, question):
        """Closes an order and returns its status."""
        return self._standing(question, self._provider.cancel(question["orderId"]))

    def _standing(self, question, order):
        if order is None:
            return {"orderId": question["orderId"], "state": "not_found"}
        return {
            "orderId": order["number"],
            **self._state(order["status"], order["taken_paise"], order["payment_id"]),
        }

    def verify(self, question):
        """Checks the authenticity of a message from the provider."""
        # This provider sends forms, whose fields are among the parameters. A JSON body would be in
        # question["body"], in base64.
        pairs = [(name, value) for name, value in question["params"]]
        names = ("orderId", "status", "amountPaise", "currency", "paymentId")
        fields = {name: value for name, value in pairs if name in names}
        signatures = [value for name, value in pairs if name == "providerSign"]
        if not signatures:
            return {"verdict": "unsigned"}
        # With a repeated name it is ambiguous which value was signed.
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

    def refund(self, question):
        """Gives money back; repeating the request gives nothing back a second time."""
        refund = self._provider.give_back(
            question["refundId"], question["orderId"], question["refundAmountPaise"]
        )
        if refund is None:
            return {
                "orderId": question["orderId"],
                "refundId": question["refundId"],
                "state": "refused",
                "statusMessage": "not paid, or more than is left of the payment",
            }
        return self._refund(refund)

    def refund_status(self, question):
        """The status of a refund."""
        refund = self._provider.look_up_refund(question["refundId"])
        if refund is None:
            return {
                "orderId": question["orderId"],
                "refundId": question["refundId"],
                "state": "not_found",
            }
        return self._refund(refund)

    @staticmethod
    def _refund(refund):
        # The provider's values, never those of the request: the service compares them.
        return {
            "orderId": refund["number"],
            "refundId": refund["id"],
            "state": REFUND_STATES.get(refund["status"], refund["status"]),
            "refundAmountPaise": refund["amount_paise"],
            "currency": "INR",
            "gatewayRefundId": f"TOY-{refund['id']}",
            "statusCode": refund["status"],
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
    """No answer is possible now: HTTP status 503, so that the service repeats the request."""
