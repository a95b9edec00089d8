"""A toy payment provider: a pay page, a status, and callbacks with its own signature.

It represents the real provider. Its states are in its own words:
the bridge next door translates them.
"""

import hashlib
import hmac
import html
import secrets
import threading
import urllib.parse
import urllib.request

# The provider's states of an order.
OPEN = "OPEN"
IN_PROGRESS = "IN_PROGRESS"
CAPTURED = "CAPTURED"
DENIED = "DENIED"
ON_HOLD = "ON_HOLD_AT_BANK"
CANCELLED = "CANCELLED"

# The provider's states of a refund.
RETURNED = "RETURNED_TO_PAYER"

# The visitor's choices, and the states in which each is possible: only the first choice counts, except
# that a payment in progress is completed by paying, and a denied one may be paid later, as with banks.
CHOICES = {
    "pay": ("Pay", (OPEN, IN_PROGRESS, DENIED)),
    "decline": ("Be declined", (OPEN,)),
    "wait": ("Pay, but the bank takes its time", (OPEN,)),
    "less": ("Pay, but one rupee less is taken", (OPEN,)),
    "hold": ("Pay, but the bank answers something new", (OPEN,)),
}

NOTIFY_TIMEOUT_SECONDS = 5


class OtherOrder(Exception):
    """The number belongs to an order with another amount."""


class ToyProvider:
    """The provider's side. `key` signs its messages."""

    def __init__(self, books, key, public_url):
        self._books = books
        self._key = key.encode("utf-8")
        self._public_url = public_url.rstrip("/")

    def open_order(self, number, amount_paise, description, return_url, notify_url):
        """Opens an order, or finds the existing one; returns the address of its page."""
        order = self._books.add_order({
            "number": number,
            "token": secrets.token_urlsafe(24),  # order numbers can be guessed, addresses of pages must not be
            "amount_paise": amount_paise,
            "description": description,
            "return_url": return_url,
            "notify_url": notify_url,
            "status": OPEN,
            "taken_paise": None,
            "payment_id": None,
        })
        if order["amount_paise"] != amount_paise:
            raise OtherOrder(number)
        return f"{self._public_url}/pay/{order['token']}"

    def look_up(self, number):
        """The provider's record of an order, or None."""
        return self._books.order("number", number)

    def cancel(self, number):
        """Cancels an unpaid order; returns its state afterwards, or None."""
        self._books.move(number, (OPEN,), CANCELLED, None, None)
        return self.look_up(number)

    def give_back(self, refund_id, number, amount_paise):
        """Gives money back, once for every id; returns the refund, or None when it is refused."""
        return self._books.add_refund(refund_id, number, amount_paise, RETURNED)

    def look_up_refund(self, refund_id):
        """The provider's record of a refund, or None."""
        return self._books.refund(refund_id)

    def news(self, order):
        """The provider's signed message about an order."""
        fields = {
            "orderId": order["number"],
            "status": order["status"],
            "amountPaise": str(order["taken_paise"] if order["taken_paise"] is not None else order["amount_paise"]),
            "currency": "INR",
            "paymentId": order["payment_id"] or "",
        }
        return {**fields, "providerSign": self.sign(fields)}

    def sign(self, fields):
        """The provider's signature: HMAC-SHA256 over the fields, sorted by name and form-encoded."""
        text = urllib.parse.urlencode(sorted(fields.items()))
        return hmac.new(self._key, text.encode("ascii"), hashlib.sha256).hexdigest()

    def choose(self, token, choice):
        """Executes a visitor's choice; returns the order, or None when there is no such page."""
        order = self._books.order("token", token)
        if order is None or choice not in CHOICES:
            return order
        status, taken = {
            "pay": (CAPTURED, order["amount_paise"]),
            "decline": (DENIED, None),
            "wait": (IN_PROGRESS, None),
            "less": (CAPTURED, max(order["amount_paise"] - 100, 1)),
            "hold": (ON_HOLD, None),
        }[choice]
        payment_id = order["payment_id"] or f"TOY{secrets.randbelow(10**12):012}"
        if self._books.move(order["number"], CHOICES[choice][1], status, taken, payment_id):
            order = self._books.order("token", token)
            threading.Thread(target=self._notify, args=(order,), daemon=True).start()
        return self._books.order("token", token)

    def way_back(self, order):
        """The browser's next address."""
        separator = "&" if "?" in order["return_url"] else "?"
        return order["return_url"] + separator + urllib.parse.urlencode(self.news(order))

    def _notify(self, order):
        """Sends a callback, once: a real provider would retry for hours."""
        if not order["notify_url"]:
            return
        body = urllib.parse.urlencode(self.news(order)).encode("ascii")
        request = urllib.request.Request(order["notify_url"], data=body, method="POST")
        try:
            urllib.request.urlopen(request, timeout=NOTIFY_TIMEOUT_SECONDS).close()
        except (OSError, ValueError):
            pass  # a status request will return the state

    def page(self, token):
        """The pay page, or None when there is no such page."""
        order = self._books.order("token", token)
        if order is None:
            return None
        rupees = f"{order['amount_paise'] // 100}.{order['amount_paise'] % 100:02}"
        buttons = "\n".join(
            f'<p><button name="choice" value="{choice}">{html.escape(text)}</button></p>'
            for choice, (text, before) in CHOICES.items()
            if order["status"] in before
        )
        back = html.escape(self.way_back(order))
        return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Toy provider</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 2rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .6rem 1rem; width: 100% }} dt {{ color: #666 }} dd {{ margin: 0 0 .8rem }}</style>
<h1>Toy provider</h1>
<p>No money moves here.</p>
<dl>
<dt>Order</dt><dd id="order">{html.escape(order['number'])}</dd>
<dt>For</dt><dd id="description">{html.escape(order['description'])}</dd>
<dt>Amount</dt><dd id="amount">₹ {rupees}</dd>
<dt>Status</dt><dd id="status">{order['status']}</dd>
</dl>
<form method="post">
{buttons}
</form>
<p><a href="{back}">Back to the application</a></p>
</html>
"""
