"""The record: every act is a statement, written in the transaction of the act itself.

Here live the statements and their queue. The tree, the checkpoints and the proofs come with the
record's own capability; they read this queue and change nothing in it but what is waiting.
"""

from detente.record.cursor import Cursors
from detente.record.feed import (
    Change,
    Note,
    Page,
    Position,
    changes_after,
    feed_secret,
    forget_notes,
    horizon,
)
from detente.record.store import Beyond, Statement, first_beyond, latest_of, statements_of

__all__ = [
    "Beyond",
    "Change",
    "Cursors",
    "Note",
    "Page",
    "Position",
    "Statement",
    "changes_after",
    "feed_secret",
    "first_beyond",
    "forget_notes",
    "horizon",
    "latest_of",
    "statements_of",
]
