"""The verbs on zones: publish, change and withdraw those that are hosted here; find and query all."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from detente.errors import (
    AlreadyExists,
    BadInput,
    DetenteError,
    KeyReused,
    NotAllowed,
    NotFound,
    StaleVersion,
    Unavailable,
    VersionRequired,
)
from detente.geo import Shape, Solid, Terrain, Volume, overlaps, prepare
from detente.geo.index import Reach, Rows, no_rows, rows_of
from detente.geo.instants import to_ms
from detente.geo.limits import MAX_ALTITUDE_M, MAX_INSTANT_MS, MIN_ALTITUDE_M
from detente.store import Pool
from detente.web.ids import read_uuid
from detente.web.model import Principal
from detente.web.versions import request_sha256
from detente.zones import store
from detente.zones.model import LIMITS, ZoneBody, ZonePage, ZonePublication, ZoneQuery, ZoneView
from detente.zones.solids import require_not_over, rows_of_zone, solids_of, window_of
from detente.zones.store import Answer, ZoneHost, ZoneRow
from detente.zones.views import body_of, encode, view

_MAX_ROUNDS = 5
_NO_ONE = "00000000-0000-0000-0000-000000000000"
_ASKED = "asked-about"


class ZoneRequest(Struct, frozen=True):
    """A request for a write as it came in: what the statement holds and what a retry is known by."""

    content: bytes
    """The body as received."""
    target: str
    """Method and path, so that the same body elsewhere is another request."""
    expected_version: int | None = None
    """From If-Match."""
    key: str | None = None
    """From Idempotency-Key."""

    @property
    def sha256(self) -> bytes:
        """What identifies the request."""
        return request_sha256(self.target, self.expected_version, self.content)

    @property
    def made_version(self) -> int:
        """The version that the request makes."""
        return (self.expected_version or 0) + 1


class ZoneOutcome(Struct, frozen=True):
    """What a write answers: an HTTP status and the zone's view as JSON, with the version it now has."""

    status: int
    body: bytes
    version: int | None


class ZonesService:
    """Zones that parties publish here, and all zones to be read.

    Args:
        pool: database connections.
        now_ms: the clock, ms since 1970-01-01 UTC.
        new_ovn: a fresh unguessable OVN.
        terrain: heights of the ground, if configured.
        addresses: where parties' own servers answer for zones published here; else at the exchange's.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        now_ms: Callable[[], int],
        new_ovn: Callable[[], str],
        terrain: Terrain | None = None,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._new_ovn = new_ovn
        self._terrain = terrain
        self._addresses = addresses or {}

    async def publish(
        self, who: Principal, zone_id: str, asked: ZonePublication, request: ZoneRequest
    ) -> ZoneOutcome:
        """Publish a zone, or change the caller's own (a change names the version it saw).

        Raises:
            BadInput: a volume that cannot be used, or a zone that is over; InvalidShape, TooLarge.
            AlreadyExists: the id is another's, or the party has another zone of this identifier.
            NotFound, NotAllowed, StaleVersion, VersionRequired, KeyReused, Unavailable.
        """
        now_ms, ovn, zone = self._now_ms(), self._new_ovn(), asked.zone
        _require_few(zone)
        solids = solids_of(zone, self._terrain)
        cells = rows_of_zone(solids)
        start_ms, end_ms = window_of(zone)
        require_not_over(zone, now_ms)
        row = ZoneRow(
            zone_id, who.party_id, request.made_version, ovn, start_ms, end_ms, now_ms, asked.source or None,
            encode(zone), is_elsewhere=False, told=None,
        )  # fmt: skip
        write = self._write_of(who, request, row, cells, zone)
        answer = await self._host(who, now_ms, write)
        if answer.status == "written":
            return ZoneOutcome(write.key_status, write.key_response, request.made_version)
        return await self._outcome(who, zone_id, request, answer)

    async def withdraw(self, who: Principal, zone_id: str, request: ZoneRequest) -> ZoneOutcome:
        """Withdraw a zone of the caller's, at the version it saw.

        Raises:
            VersionRequired: if none is named.
            NotFound, NotAllowed, StaleVersion, KeyReused, Unavailable.
        """
        if request.expected_version is None:
            raise VersionRequired(
                "name the version that you saw in If-Match", expected='If-Match: "<version>"'
            )
        row = ZoneRow(
            zone_id, who.party_id, request.made_version, "", 0, 0, 0, None, None,
            is_elsewhere=False, told=None,
        )  # fmt: skip
        answer = await self._host(who, self._now_ms(), self._write_of(who, request, row, no_rows(), None))
        if answer.status == "written":
            return ZoneOutcome(204, b"", None)
        return await self._outcome(who, zone_id, request, answer)

    async def find(self, zone_id: str) -> ZoneView:
        """One zone.

        Raises:
            NotFound: there is none.
        """
        row = await store.find(self._pool, zone_id)
        if row is None:
            raise _absent(zone_id)
        return view(row)

    async def query(self, body: ZoneQuery) -> ZonePage:
        """One page of the zones that meet an area, of a time, a party, a source; ordered by id.

        Raises:
            BadInput: an area, a time or a cursor that cannot be used.
        """
        start_ms = None if body.start is None else to_ms(body.start)
        end_ms = None if body.end is None else to_ms(body.end)
        if start_ms is not None and end_ms is not None and end_ms <= start_ms:
            raise BadInput("the time asked about ends before it starts", field="end", expected="after start")
        area = None if body.area is None else _asked(body.area, start_ms, end_ms)
        rows = None if area is None else rows_of([area], Reach())
        after = _NO_ONE if body.cursor is None else read_uuid(body.cursor, "cursor")
        found: list[ZoneView] = []
        while True:
            wanted = store.PageFilter(body.party_id, body.source, start_ms, end_ms, after, body.limit + 1)
            batch = await store.page(self._pool, wanted, rows)
            for row in batch:
                zone = body_of(row)
                if area is None or (
                    zone is not None and any(overlaps(area, one) for one in solids_of(zone, self._terrain))
                ):
                    found.append(view(row, zone))
            if len(found) > body.limit or len(batch) <= body.limit:
                break
            after = batch[-1].zone_id
        page = found[: body.limit]
        return ZonePage(tuple(page), page[-1].zone_id if len(found) > body.limit else None)

    def _write_of(
        self, who: Principal, request: ZoneRequest, row: ZoneRow, cells: Rows, zone: ZoneBody | None
    ) -> ZoneHost:
        return ZoneHost(
            zone_id=row.zone_id,
            request=request.content,
            request_sha256=request.sha256,
            expected_version=request.expected_version,
            ovn=row.ovn,
            start_ms=row.start_ms,
            end_ms=row.end_ms,
            body=row.body,
            uss_base_url=self._addresses.get(who.party_id),
            cells=cells,
            restriction=None if zone is None else zone.restriction.value,
            identity=None if zone is None else identity_of(zone),
            source=row.source,
            key=request.key,
            key_status=204 if zone is None else 200 if request.expected_version else 201,
            key_response=b"" if zone is None else encode(view(row, zone)),
        )

    async def _host(self, who: Principal, now_ms: int, write: ZoneHost) -> Answer:
        for _ in range(_MAX_ROUNDS):
            answer = await store.host(self._pool, who, now_ms, write)
            if answer.status != "unlocked":
                return answer
            await store.seed_locks(self._pool, write.cells.locks)
        raise Unavailable("the zone's cells could not be locked; try again")

    async def _outcome(
        self, who: Principal, zone_id: str, request: ZoneRequest, answer: Answer
    ) -> ZoneOutcome:
        if answer.status == "replayed":
            body = answer.body or b""
            version = None if not body else request.made_version
            return ZoneOutcome(answer.version or 200, body, version)
        if answer.status == "same":
            row = await store.find(self._pool, zone_id)
            if row is not None and row.ovn == answer.ovn:
                return ZoneOutcome(
                    201 if request.expected_version is None else 200, encode(view(row)), row.version
                )
            raise Unavailable("the zone changed while this was answered; ask for it", zone_id=zone_id)
        raise _refusal(who, zone_id, request, answer)


def identity_of(zone: ZoneBody) -> str:
    """What a party's zones are told apart by: country and identifier.

    Source: ED-269 and ED-318: an identifier is unique within its country.
    """
    return f"{zone.country or ''}/{zone.identifier}"


def _require_few(zone: ZoneBody) -> None:
    """Refuse what no reader could make, and nobody could compare in time.

    Raises:
        BadInput: too many positions.
    """
    points = sum(len(getattr(one.shape, "vertices", getattr(one.shape, "path", ()))) for one in zone.volumes)
    if points > LIMITS.vertices:
        raise BadInput(
            f"the zone has {points:,} positions",
            field="zone.volumes",
            expected=f"at most {LIMITS.vertices:,}",
        )


def _asked(area: Shape, start_ms: int | None, end_ms: int | None) -> Solid:
    """What is asked about as a volume of all heights."""
    start_ms = -MAX_INSTANT_MS if start_ms is None else start_ms
    end_ms = MAX_INSTANT_MS if end_ms is None else end_ms
    try:
        return prepare(Volume(area, MIN_ALTITUDE_M, MAX_ALTITUDE_M, start_ms, end_ms), field=_ASKED)
    except BadInput as error:
        told = {
            name: value.replace(f"{_ASKED}.shape", "area") if isinstance(value, str) else value
            for name, value in error.members.items()
        }
        raise type(error)(error.detail.replace(f"{_ASKED}.shape", "area"), **told) from error


def _absent(zone_id: str) -> NotFound:
    return NotFound(f"there is no zone {zone_id}", zone_id=zone_id)


def _refusal(who: Principal, zone_id: str, request: ZoneRequest, answer: Answer) -> DetenteError:
    refusals: dict[str, DetenteError] = {
        "absent": _absent(zone_id),
        "foreign": NotAllowed("the zone belongs to another party", zone_id=zone_id),
        "hosted": NotAllowed("the zone is managed at its own server; change it there", zone_id=zone_id),
        "reused": KeyReused(
            "the idempotency key was used for another request", field="Idempotency-Key", actual=request.key
        ),
        "stale": StaleVersion(
            f"you named version {request.expected_version}, but the zone stands at {answer.version}; read it "
            "again before you change it",
            field="If-Match",
            expected=answer.version,
            actual=request.expected_version,
            zone_id=zone_id,
        ),
        "taken": AlreadyExists(
            "your party has another zone of this country and identifier",
            field="zone.identifier",
            expected="an identifier that is unique within the country",
        ),
    }
    if answer.status in refusals:
        return refusals[answer.status]
    if answer.party_id == who.party_id:
        return VersionRequired(
            f"zone {zone_id} stands at version {answer.version}; name it in If-Match to change the zone",
            expected=f'If-Match: "{answer.version}"',
            zone_id=zone_id,
        )
    return AlreadyExists("the id is taken; choose a fresh UUID", field="zone_id", actual=zone_id)
