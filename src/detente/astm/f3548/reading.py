"""What comes in of ASTM F3548-21, in our words: ids, addresses, bodies, and which scopes a body needs."""

import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from detente.astm.f3548 import wire
from detente.astm.f3548.volumes import MAX_AREA_KM2, to_area, to_plan_volumes
from detente.discovery.acts import Act
from detente.discovery.model import NewSubscription, ReferenceBody, SubscriptionBody, ZoneBody
from detente.errors import BadInput, NotAllowed, TooLarge
from detente.plans.model import MAX_VOLUMES, PlanState
from detente.web.model import Principal, Request

COORDINATION = "utm.strategic_coordination"
CONSTRAINTS = "utm.constraint_processing"
CONSTRAINTS_WRITE = "utm.constraint_management"
CONFORMANCE = "utm.conformance_monitoring_sa"
ARBITRATION = "utm.availability_arbitration"

NO_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"
"""What a reference names that has no subscription: the member is required, and this is nobody's."""
_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OFF_NOMINAL = frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT})
_MAX_SHOWN = 200


def read_id(text: str, field: str) -> str:
    """An id of the standard, with or without its dashes, in canonical form.

    Raises:
        BadInput: if it is no UUID of version 4.
    """
    try:
        read = str(uuid.UUID(text))
    except ValueError:
        read = ""
    is_spelt = text.lower() in {read, read.replace("-", "")}
    if not is_spelt or _V4.fullmatch(read) is None:
        raise BadInput(
            f"{field} is no UUID of version 4",
            field=field,
            expected="a UUID of version 4",
            actual=text[:_MAX_SHOWN],
        )
    return read


def act_of(request: Request, target: str) -> Act:
    """Who writes, when, and the words.

    Args:
        request: as admitted.
        target: what is written and at which version, so that the same words elsewhere are another act.
    """
    words = hashlib.sha256(request.body).digest()
    return Act(
        who=request.who(),
        now_ms=request.now_ms,
        content=request.body,
        request_sha256=hashlib.sha256(target.encode() + b"\n" + words).digest(),
    )


def require_scope(who: Principal, scopes: Iterable[str], why: str) -> None:
    """Refuse what a part of the body needs and the token lacks.

    Raises:
        NotAllowed: naming the scopes of which one is needed.
    """
    wanted = tuple(scopes)
    if not who.scopes.intersection(wanted):
        raise NotAllowed(f"{why} needs a token with the scope {' or '.join(wanted)}", scope=" ".join(wanted))


class Reader:
    """Reads bodies of the standard.

    Args:
        allows_http: whether addresses of peers may be plain http: in development only.
    """

    def __init__(self, *, allows_http: bool) -> None:
        self._schemes = ("https", "http") if allows_http else ("https",)

    def reference(self, body: wire.PutOperationalIntentReferenceParameters, who: Principal) -> ReferenceBody:
        """A reference to be written.

        Raises:
            BadInput: naming the member on the wire.
            NotAllowed: a state for which the token lacks the scope.
        """
        state = PlanState(body.state.lower())
        needed = CONFORMANCE if state in _OFF_NOMINAL else COORDINATION
        require_scope(who, [needed], f"a reference in state {body.state}")
        self.check_url(body.uss_base_url, "uss_base_url")
        new = None
        if body.new_subscription is not None:
            asked = body.new_subscription
            self.check_url(asked.uss_base_url, "new_subscription.uss_base_url")
            new = NewSubscription(asked.uss_base_url, bool(asked.notify_for_constraints))
        _require_few(body.extents)
        return ReferenceBody(
            extents=to_plan_volumes(body.extents, "extents", max_area_km2=MAX_AREA_KM2),
            state=state,
            uss_base_url=body.uss_base_url,
            key=body.key or (),
            subscription_id=_subscription_of(body.subscription_id),
            new_subscription=new,
            ovn_suffix=body.requested_ovn_suffix,
        )

    def subscription(self, body: wire.PutSubscriptionParameters, who: Principal) -> SubscriptionBody:
        """A subscription to be written.

        The standard asks for the scope of constraints before one may subscribe to them; InterUSS' discovery
        service does not, and its tests subscribe without. So it is not asked for; who lacks it is shown none.

        Raises:
            BadInput: naming the member on the wire.
            NotAllowed: it would tell of plans, and the token has no scope for them.
        """
        self.check_url(body.uss_base_url, "uss_base_url")
        tells_plans = bool(body.notify_for_operational_intents)
        tells_zones = bool(body.notify_for_constraints)
        if tells_plans:
            require_scope(who, [COORDINATION], "a subscription to operational intents")
        return SubscriptionBody(
            area=to_area(body.extents, "extents", max_area_km2=MAX_AREA_KM2),
            uss_base_url=body.uss_base_url,
            tells_plans=tells_plans,
            tells_zones=tells_zones,
        )

    def zone(self, body: wire.PutConstraintReferenceParameters) -> ZoneBody:
        """A zone's reference to be written.

        Raises:
            BadInput: naming the member on the wire.
        """
        self.check_url(body.uss_base_url, "uss_base_url")
        _require_few(body.extents)
        return ZoneBody(
            extents=tuple(
                to_area(one, f"extents[{i}]", max_area_km2=MAX_AREA_KM2) for i, one in enumerate(body.extents)
            ),
            uss_base_url=body.uss_base_url,
        )

    def check_url(self, url: str, field: str) -> None:
        """Refuse what is no address of a party's own server.

        Raises:
            BadInput: naming the member.
        """
        try:
            split = urlsplit(url)
            is_good = split.scheme in self._schemes and bool(split.hostname) and split.port != 0
        except ValueError:
            is_good = False
        if not is_good or "@" in url or "?" in url or "#" in url or not url.isprintable() or " " in url:
            raise BadInput(
                f"{field} is no address that peers could call",
                field=field,
                expected=f"an absolute URL ({' or '.join(self._schemes)}) without query and credentials",
                actual=url[:_MAX_SHOWN],
            )


def _require_few(extents: Sequence[wire.Volume4D]) -> None:
    if len(extents) > MAX_VOLUMES:
        raise TooLarge(
            f"extents has {len(extents)} items",
            field="extents",
            limit=MAX_VOLUMES,
            expected=f"at most {MAX_VOLUMES}",
        )


def _subscription_of(named: str | None) -> str | None:
    """The subscription that a body names; the null id stands for none, as in the answers."""
    if named is None:
        return None
    read = read_id(named, "subscription_id")
    return None if read == NO_SUBSCRIPTION else read
