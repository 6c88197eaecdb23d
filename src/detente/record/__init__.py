"""The record: every act is a statement, written in the transaction of the act itself.

Here live the statements and their queue. The tree, the checkpoints and the proofs come with the
record's own capability; they read this queue and change nothing in it but what is waiting.
"""

from detente.record.cursor import Cursors
from detente.record.feed import Change, Page, Position, changes_after, feed_secret, horizon
from detente.record.store import Statement, latest_of, statements_of

__all__ = [
    "Change",
    "Cursors",
    "Page",
    "Position",
    "Statement",
    "changes_after",
    "feed_secret",
    "horizon",
    "latest_of",
    "statements_of",
]
