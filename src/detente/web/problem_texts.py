"""What each problem means and what to do about it, in words for whoever meets one.

``docs/problems/<slug>.md`` and the page that the server shows at ``/problems/<slug>`` both come from here.
"""

from msgspec import Struct


class ProblemText(Struct, frozen=True):
    """One problem, explained."""

    meaning: str
    """What happened, and that nothing was changed where that is so."""
    remedy: str
    """What to do."""
    members: tuple[tuple[str, str], ...] = ()
    """The members beside the standard ones, and what they say."""
    example: str = ""
    """A ``detail`` as it may stand in a document."""


_FIELD = (
    "field",
    "where the fault is: a path such as `volumes[0].lower_m`, a header, or empty for the whole body",
)
_EXPECTED = ("expected", "what would have been right")
_ACTUAL = ("actual", "what was found, shortened")
_RETRY = ("retry_after_s", "seconds to wait; also in the header `Retry-After`")

TEXTS: dict[str, ProblemText] = {
    "error": ProblemText(
        "Something went wrong inside the server. The act may or may not have been carried out.",
        "Ask for the thing by its id, or repeat the request: repeating the same request is harmless. "
        "Give the `instance` to whoever runs the exchange; it is in their log.",
        example="something went wrong here; nothing is known of the outcome",
    ),
    "bad-input": ProblemText(
        "A field, a header or a member of the query is wrong. Nothing was changed.",
        "Correct the field that is named and send the request again.",
        (_FIELD, _EXPECTED, _ACTUAL),
        "volumes[0].lower_m: Expected `float`, got `str`",
    ),
    "invalid-shape": ProblemText(
        "A ground shape has no defined inside: it crosses itself, has no area, or is too wide.",
        "Draw the shape so that its outline does not touch or cross itself, or use several volumes.",
        (_FIELD, ("fault", "which fault it is, such as `self-crossing`"), _EXPECTED, _ACTUAL),
        "the outline crosses itself between edges 2 and 5",
    ),
    "unsupported-datum": ProblemText(
        "The altitudes are measured from something that this exchange cannot compare with the rest.",
        "Send the altitudes in another datum, or ask whoever runs the exchange to install "
        "the data that is missing.",
        (_FIELD, _EXPECTED, _ACTUAL),
        "altitudes above ground need terrain data, and this exchange has none",
    ),
    "too-large": ProblemText(
        "The request is over one of the documented limits. It was not read to its end and "
        "nothing was changed.",
        "Split it: several plans instead of one, pages instead of a long list. The limits "
        "are in the documentation.",
        (_FIELD, ("limit", "the limit"), _ACTUAL),
        "the body is over the limit of 1048576 bytes",
    ),
    "unsupported-media-type": ProblemText(
        "The body is in a form that this route does not read.",
        "Send the content type that `expected` names, in UTF-8 and without compression.",
        (_FIELD, _EXPECTED, _ACTUAL),
        "this reads application/json in UTF-8",
    ),
    "too-slow": ProblemText(
        "The body did not arrive in time and the server stopped waiting. Nothing was changed.",
        "Send the whole body at once; on a poor line, send less at a time.",
        (("limit_s", "seconds that the server waits for a body"),),
        "the body did not arrive within 20 s",
    ),
    "not-authenticated": ProblemText(
        "There was no access token, or one that does not verify: expired, for somebody else, or not ours. "
        "At the console: no open session, or a link that opens none.",
        "Get a token from `POST /v1/token` and send it as `Authorization: Bearer <token>`. "
        "At the console, sign in with a new link.",
        example="the access token has expired",
    ),
    "not-allowed": ProblemText(
        "The token is good, but it does not allow this, or the thing belongs to another party.",
        "Use an account whose role holds the scope that is named, or ask the owner to act.",
        (
            ("scope", "the scope that is needed, where a scope is what is missing"),
            ("header", "the header that is needed, where one of the console's own is what is missing"),
        ),
        "this needs a token with the scope plans.write",
    ),
    "not-found": ProblemText(
        "There is no such thing here, or none that you may see; the answer is the same on purpose.",
        "Check the path and the id.",
        example="there is no plan with this id",
    ),
    "method-not-allowed": ProblemText(
        "The path exists, but not with this method.",
        "Use one of the methods in the header `Allow`.",
        (("allow", "the methods that the path has"),),
        "this path has no method PATCH",
    ),
    "refused": ProblemText(
        "The state of things forbids the act. Nothing was changed.",
        "Read the detail; ask for the current state and decide again.",
        example="the account is closed",
    ),
    "conflicting-plan": ProblemText(
        "The plan shares a piece of sky, or comes closer than agreed, to plans that are in force. "
        "It was not accepted.",
        "Take one of the `ways_out` (each was checked when it was offered), choose another "
        "place or time, or talk to "
        "the other party. An account that may override names the other plan's OVN in `knows`.",
        (
            ("conflicts", "each plan in the way: whose, which rule, where, from when to when, how deep"),
            (
                "ways_out",
                "shifts of the whole plan that are free, smallest first, and why a kind of shift has none",
            ),
        ),
        "the plan conflicts with 2 plans in force",
    ),
    "closed-zone": ProblemText(
        "The plan shares a piece of sky with prohibited zones of other parties. It was not accepted.",
        "Take one of the `ways_out`, choose another place, height or time, or ask the zone's party. "
        "An account that may override names the zone's OVN in `knows`.",
        (
            (
                "zones",
                "each zone: whose, its message, where and from when to when the plan meets it",
            ),
            (
                "ways_out",
                "shifts of the whole plan that are free, smallest first, and why a kind of shift has none",
            ),
        ),
        "prohibited here: LF-P 12 of aviation-authority",
    ),
    "forbidden-transition": ProblemText(
        "A plan cannot go from the state it is in to the one that was asked for. An ended plan stays ended.",
        "Ask for the plan; declare a new one if it has ended.",
        (("state", "the state it is in"), ("asked", "the state that was asked for")),
        "an ended plan cannot become activated",
    ),
    "already-exists": ProblemText(
        "Something else with that id exists already.",
        "Choose another id, or change the existing one if it is yours.",
        example="there is a party with this id",
    ),
    "missing-keys": ProblemText(
        "The write must name the current version (OVN) of everything that it meets by cell, height and time, "
        "and does not.",
        "Ask the managers of what is listed for their details, look at them, and write again with their OVNs "
        "in the key.",
        example="the key lacks the current OVN of 2 plans and 0 zones that this write meets",
    ),
    "party-down": ProblemText(
        "Availability arbitration found your party's own server down. Until it is said to be up again, your "
        "party makes, changes and ends no reference that is accepted or activated.",
        "Have whoever arbitrates availability mark your party as normal.",
        example="your party is marked as down, and may not do this until it is no more",
    ),
    "stale-version": ProblemText(
        "The change names a version that is no longer current: somebody changed the thing in between.",
        "Ask for the current version, look at it, and send the change again with its ETag in `If-Match`.",
        (("expected", "the current version"), ("actual", "the version that was named")),
        "the plan is at version 4, the change names version 3",
    ),
    "version-required": ProblemText(
        "A change must say which version it was made from, so that nobody overwrites what "
        "they have not seen.",
        'Send the ETag of the version you saw: `If-Match: "3"`.',
        example="send If-Match with the version that you are changing",
    ),
    "key-reused": ProblemText(
        "The idempotency key was used before, for a request that was not the same.",
        "Use a new key for a new request; a key is for repeating one.",
        example="this Idempotency-Key was used for another request",
    ),
    "too-many": ProblemText(
        "There were too many requests, or there is too much of something. Nothing was changed.",
        "Wait as long as the answer says; then send less at a time.",
        (("limit", "the limit"), _RETRY),
        "this account sent more than 5000 requests a second",
    ),
    "unavailable": ProblemText(
        "The exchange cannot answer now.",
        "Repeat the same request after a while. Repeating the same request is harmless.",
        (_RETRY, ("missing", "what is missing, by name, when it is the readiness that was asked for")),
        "the server is stopping",
    ),
    "store-unavailable": ProblemText(
        "The database does not answer, or refuses to write (its disk may be full).",
        "Repeat the same request after a while. Whoever runs the exchange finds the cause in the log.",
        (_RETRY,),
        "the database does not answer",
    ),
    "peer-unavailable": ProblemText(
        "Another party's server had to be asked, and it does not answer, or not as the standard says. "
        "Nothing was changed.",
        "Repeat the same request after a while. If it stays so, tell the party that runs the server.",
        (("peer", "the base URL of the server"), ("why", "what it did instead of answering"), _RETRY),
        "https://uss.example.org does not answer within 5 s",
    ),
    "store-refused": ProblemText(
        "The data folder or the schema cannot be used as it is, for example because a newer "
        "version wrote it.",
        "Whoever runs the exchange does what the detail says.",
        example="the data folder was written by a newer version",
    ),
}
