"""One SQLite file with the toy provider's orders and the used nonces."""

import sqlite3
import threading

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number TEXT PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    amount_paise INTEGER NOT NULL,
    description TEXT NOT NULL,
    return_url TEXT NOT NULL,
    notify_url TEXT NOT NULL,
    status TEXT NOT NULL,
    taken_paise INTEGER,
    payment_id TEXT
);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL REFERENCES orders (number),
    amount_paise INTEGER NOT NULL CHECK (amount_paise > 0),
    status TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, used_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS nonces_by_time ON nonces (used_at);
"""

_COLUMNS = (
    "number", "token", "amount_paise", "description", "return_url", "notify_url", "status",
    "taken_paise", "payment_id",
)


class Books:
    """Usable from several threads; every change is on disk before its answer."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)

    def _run(self, statement, values=()):
        with self._lock:
            cursor = self._connection.execute(statement, values)
            return cursor.fetchall(), cursor.rowcount

    def add_order(self, order):
        """Adds an order unless the number exists; returns the stored order."""
        marks = ", ".join("?" for _ in _COLUMNS)
        self._run(
            f"INSERT INTO orders ({', '.join(_COLUMNS)}) VALUES ({marks}) ON CONFLICT (number) DO NOTHING",
            tuple(order[column] for column in _COLUMNS),
        )
        return self.order("number", order["number"])

    def order(self, column, value):
        """The order with this number or token, or None."""
        if column not in ("number", "token"):
            raise ValueError(column)
        rows, _ = self._run(f"SELECT {', '.join(_COLUMNS)} FROM orders WHERE {column} = ?", (value,))
        return dict(zip(_COLUMNS, rows[0])) if rows else None

    def move(self, number, before, status, taken_paise, payment_id):
        """Changes an order's state if it is one of `before`; returns whether it did."""
        marks = ", ".join("?" for _ in before)
        _, changed = self._run(
            f"UPDATE orders SET status = ?, taken_paise = ?, payment_id = ? WHERE number = ? AND status IN ({marks})",
            (status, taken_paise, payment_id, number, *before),
        )
        return changed == 1

    def add_refund(self, refund_id, number, amount_paise, status):
        """Adds a refund unless the id exists or more would be given back than was taken; returns the stored one.

        One statement decides: two requests at once cannot both find the same money left.
        """
        self._run(
            "INSERT INTO refunds (id, number, amount_paise, status)"
            " SELECT ?, number, ?, ? FROM orders WHERE number = ? AND ? <= taken_paise -"
            " (SELECT coalesce(sum(amount_paise), 0) FROM refunds WHERE refunds.number = orders.number)"
            " ON CONFLICT (id) DO NOTHING",
            (refund_id, amount_paise, status, number, amount_paise),
        )
        return self.refund(refund_id)

    def refund(self, refund_id):
        """The refund with this id, or None."""
        columns = ("id", "number", "amount_paise", "status")
        rows, _ = self._run(f"SELECT {', '.join(columns)} FROM refunds WHERE id = ?", (refund_id,))
        return dict(zip(columns, rows[0])) if rows else None

    def is_new_nonce(self, nonce, now, remember_seconds):
        """Stores a nonce; returns False when it was stored before."""
        self._run("DELETE FROM nonces WHERE used_at < ?", (now - remember_seconds,))
        _, added = self._run(
            "INSERT INTO nonces (nonce, used_at) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING", (nonce, now)
        )
        return added == 1
