"""How much the edge lets in. Listed for readers in docs/limits.md; a test holds the two together."""

from msgspec import Struct

DEFAULT_BODY_BYTES = 1_048_576
"""What a route takes unless it says otherwise (``Route.max_body_bytes``)."""


class Limits(Struct, frozen=True):
    """The edge's own limits; each has a problem that names it when it is passed."""

    body_timeout_s: float = 20.0
    """From the end of the headers to the last byte of the body."""
    query_bytes: int = 8_192
    """The query string, as received."""
    path_variable_chars: int = 256
    """Each variable of a path."""
    token_bytes: int = 8_192
    """An access token."""
    form_fields: int = 32
    """Fields of a form."""
    rate_per_s: float = 5_000.0
    """Requests a second per account and process, over time; 0 switches the limit off."""
    rate_burst: int = 10_000
    """Requests that an account may send at once after a pause."""
    rate_accounts: int = 10_000
    """Accounts whose rate one process remembers."""
    stream_send_s: float = 10.0
    """How long the reader of a stream may leave a chunk untaken."""
    stream_check_s: float = 10.0
    """How often a stream's token and reader are looked at."""
