"""Words of the trade with only one meaning in a field with fixed choices, whatever system writes them.

A word is listed if every system that writes it means the same by it. An ambiguous word needs `values=`: a deal or a
lead that is "dead", an order that is "refunded" (in part, or the whole?), a ticket that is "on hold" (for the customer,
or for the support team?).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["usual_words"]

_WORDS: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    ("deals", "status"): {
        "won": ("closed won", "closed-won", "closedwon", "closed - won", "closed (won)"),
        "lost": ("closed lost", "closed-lost", "closedlost", "closed - lost", "closed (lost)"),
        "open": ("in progress", "in_progress", "ongoing"),
    },
    ("leads", "status"): {
        "new": ("not contacted", "uncontacted"),
        "working": ("contacted", "attempted to contact", "in progress", "in_progress"),
        "disqualified": ("unqualified", "not qualified", "junk", "spam"),
    },
    ("tickets", "status"): {
        "open": ("new", "in progress", "in_progress", "in-progress", "reopened", "re-opened"),
        "pending": ("waiting on customer", "waiting for customer", "awaiting customer"),
        "solved": ("resolved", "done"),
    },
    ("orders", "status"): {
        "completed": ("complete", "paid", "shipped", "fulfilled", "delivered"),
        "cancelled": ("canceled", "voided"),
    },
    ("subscriptions", "status"): {
        "canceled": ("cancelled",),
        "trialing": ("trial", "in trial", "in_trial", "trialling"),
        "past_due": ("past due", "overdue"),
    },
    ("interactions", "kind"): {
        "email": ("e-mail", "e-mails", "emails", "mail"),
        "call": ("phone", "phone call", "calls", "telephone"),
        "sms": ("text message",),
        "chat": ("live chat",),
    },
}


def usual_words(table: str, field: str) -> dict[str, str]:
    """The usual words of a field with their meanings.

    >>> usual_words("tickets", "status")["resolved"]
    'solved'
    """
    known = _WORDS.get((table, field), {})
    return {word: ours for ours, words in known.items() for word in words}
