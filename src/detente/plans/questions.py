"""The reading side: plans as a viewer may see them, and what would be in the way."""

from collections.abc import Callable

from detente.errors import BadInput, NotAllowed, NotFound
from detente.geo import Solid, overlaps, prepare
from detente.geo.index import Reach, Rows, reach_of, rows_of
from detente.geo.model import Datum, Separation, Volume
from detente.plans import store
from detente.plans.beside import Beside
from detente.plans.closures import Closures
from detente.plans.cursor import FAR_MS, NO_ONE, read_cursor, write_cursor
from detente.plans.directory import Directory
from detente.plans.model import (
    CheckBody,
    CheckResult,
    Conflict,
    ConflictsPage,
    ConflictsQuery,
    PlanPage,
    PlanState,
    PlanVersion,
    PlanView,
    QueryBody,
)
from detente.plans.neighbourhood import Neighbourhood, Subject
from detente.plans.rules import Standing, may_see_plan, require_priority, widest_separation
from detente.plans.separations import Separations
from detente.plans.views import view
from detente.plans.volumes import from_ms, require_in_order, require_times, to_ms
from detente.plans.ways_out_search import WaysOutSearch
from detente.plans.writing import Writer
from detente.record import statements_of
from detente.store import Pool
from detente.web.model import Principal
from detente.zones.near import ZonesNear

MAX_NEIGHBOURS = 5_000
"""The most plans that one question examines; a denser area must be asked about in parts."""
_LOWEST_M, _HIGHEST_M = -1_000.0, 100_000.0
_ASKED = "asked-about"
"""How a query's volume is called while it is prepared; no member of the wire has this name."""
_STATES = {
    "plan.declared": PlanState.ACCEPTED,
    "plan.activated": PlanState.ACTIVATED,
    "plan.nonconforming": PlanState.NONCONFORMING,
    "plan.contingent": PlanState.CONTINGENT,
    "plan.ended": PlanState.ENDED,
    "plan.expired": PlanState.ENDED,
}


class Questions:
    """Answers about plans in force and plans that have ended.

    Args:
        pool: database connections.
        neighbourhood: exact examination.
        separations: how far parties keep apart.
        directory: what each party may claim.
        now_ms: the clock, ms since 1970-01-01 UTC.
        zones: loads zones; as for ``PlansService``.
        writer: learns what is near before a question about new volumes is answered; None: all is known here.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        neighbourhood: Neighbourhood,
        separations: Separations,
        directory: Directory,
        now_ms: Callable[[], int],
        zones: ZonesNear | None = None,
        writer: Writer | None = None,
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._directory = directory
        self._neighbourhood = neighbourhood
        self._separations = separations
        self._now_ms = now_ms
        self._closures = Closures(zones or ZonesNear(pool))
        self._ways_out = WaysOutSearch(pool, neighbourhood, self._closures, now_ms)
        self._beside = Beside(pool, neighbourhood, separations)

    async def find(self, who: Principal, plan_id: str) -> PlanView:
        """One plan as the caller may see it.

        Raises:
            NotFound: there is none, or none that the caller may see; the answer is the same.
        """
        return view(who.party_id, await self._visible(who, plan_id))

    async def history(self, who: Principal, plan_id: str) -> tuple[PlanVersion, ...]:
        """Every version of the caller's own plan, oldest first.

        Raises:
            NotFound, NotAllowed: as for any plan; only the owner reads the history.
        """
        await self._owned(who, plan_id)
        versions = []
        state = PlanState.ACCEPTED
        for statement in await statements_of(self._pool, plan_id):
            if not statement.type.startswith("plan."):
                continue  # a party may be called like a plan's id
            state = _STATES.get(statement.type, state)
            versions.append(
                PlanVersion(
                    version=statement.subject_version or 0,
                    state=state,
                    account_id=statement.account_id,
                    at=from_ms(statement.at_ms),
                    statement_id=statement.statement_id,
                    type=statement.type,
                    content_sha256=statement.content_sha256.hex(),
                )
            )
        return tuple(versions)

    async def conflicts_of(self, who: Principal, plan_id: str) -> tuple[Conflict, ...]:
        """What the caller's own plan stands beside: plans that outrank it, or that it outranks or knows.

        Raises:
            NotFound, NotAllowed: as for any plan; only the owner reads this.
        """
        row = await self._owned(who, plan_id)
        if row.state is PlanState.ENDED:
            return ()
        rules = await self._beside.rules()
        return await self._beside.conflicts(row, await self._near(self._beside.search(row, rules)), rules)

    async def query_conflicts(self, who: Principal, body: ConflictsQuery) -> ConflictsPage:
        """One page of the caller's own plans that stand beside others; see ``Beside.query``.

        Raises:
            BadInput: a time or a cursor that cannot be used.
        """
        return await self._beside.query(who.party_id, body)

    async def check(self, who: Principal, body: CheckBody) -> CheckResult:
        """What would refuse these volumes now, the zones there, and the ways out; changes nothing.

        Raises:
            BadInput: a volume that cannot be used, or more neighbours than one question examines.
            NotAllowed: a priority that the caller's party may not claim.
            PeerUnavailable: another manager does not tell the details of a plan or zone that is near.
        """
        require_priority(body.priority, await self._directory.priority_limit(who.party_id))
        require_times(body.volumes, self._now_ms())
        solids = self._neighbourhood.prepare(body.volumes)
        standing = Standing(
            (body.ignore_plan_id or NO_ONE).lower(), "", who.party_id, PlanState.ACCEPTED, body.priority
        )
        subject = Subject(standing, solids, body.own_plans)
        rules = (await self._separations.now()).rules
        reach = reach_of(widest_separation(rules, who.party_id))
        if self._writer is not None:
            await self._writer.look_around(body.volumes, body.ways_out)
        rows = await self._near(rows_of(solids, reach), is_strict=True)
        examined = await self._neighbourhood.examine(subject, rows, rules, knows=frozenset())
        conflicts = examined.conflicts_for(who.party_id)
        zones = await self._closures.notices(subject, is_strict=True)
        ways_out = None
        if body.ways_out is not None and (conflicts or any(zone.is_closed for zone in zones)):
            ways_out = await self._ways_out.search(subject, body.volumes, rules, frozenset(), body.ways_out)
        return CheckResult(conflicts=conflicts, ways_out=ways_out, zones=zones)

    async def query(self, who: Principal, body: QueryBody) -> PlanPage:
        """One page of the plans that the caller may see, ordered by start and id.

        Raises:
            BadInput: an area, a band or a cursor that cannot be used.
        """
        require_in_order(body.start, body.end)
        area = self._area_of(body)
        rows = None if area is None else rows_of([area], Reach())
        after_start_ms, after_plan_id = read_cursor(body.cursor)
        found: list[store.PlanRow] = []
        while True:
            batch = await store.page(
                self._pool,
                _filter(who, body, after_start_ms, after_plan_id),
                rows,
            )
            found += [row for row in batch if area is None or self._meets(area, row)]
            if len(found) > body.limit or len(batch) <= body.limit:
                break
            after_start_ms, after_plan_id = batch[-1].start_ms, batch[-1].plan_id
        page, more = found[: body.limit], found[body.limit :]
        return PlanPage(
            plans=tuple(view(who.party_id, row) for row in page),
            next=write_cursor(page[-1].start_ms, page[-1].plan_id) if more else None,
        )

    def _area_of(self, body: QueryBody) -> Solid | None:
        """What is asked about as a volume; None if neither a place nor a height is asked about."""
        if body.area is None:
            if body.lower_m is not None or body.upper_m is not None:
                raise BadInput(
                    "heights are searched within an area", field="area", expected="a shape", actual=None
                )
            return None
        whole = body.lower_m is None and body.upper_m is None
        volume = Volume(
            shape=body.area,
            lower_m=_LOWEST_M if body.lower_m is None else body.lower_m,
            upper_m=_HIGHEST_M if body.upper_m is None else body.upper_m,
            start_ms=-FAR_MS if body.start is None else to_ms(body.start),
            end_ms=FAR_MS if body.end is None else to_ms(body.end),
            datum=Datum.WGS84 if whole else body.datum,
        )
        try:
            return prepare(volume, field=_ASKED)
        except BadInput as error:
            raise _by_its_name(error) from error

    def _meets(self, area: Solid, row: store.PlanRow) -> bool:
        none = Separation()
        return any(overlaps(area, solid, none) for solid in self._neighbourhood.solids_of(row.ovn, row.body))

    async def _near(self, search: Rows, *, is_strict: bool = False) -> list[store.NeighbourRow]:
        found = await store.neighbours(self._pool, search, MAX_NEIGHBOURS + 1)
        rows = await self._neighbourhood.complete(found, is_strict=is_strict)
        if len(rows) > MAX_NEIGHBOURS:
            raise BadInput(
                f"more than {MAX_NEIGHBOURS} plans lie there and then; ask about a smaller part",
                field="volumes",
                expected=f"at most {MAX_NEIGHBOURS} neighbours",
            )
        return rows

    async def _visible(self, who: Principal, plan_id: str) -> store.PlanRow:
        row = await store.find(self._pool, plan_id)
        if row is None or not may_see_plan(who.party_id, row.party_id, row.sharing):
            raise NotFound(f"there is no plan {plan_id} that you may see", plan_id=plan_id)
        return row

    async def _owned(self, who: Principal, plan_id: str) -> store.PlanRow:
        row = await self._visible(who, plan_id)
        if row.party_id != who.party_id:
            raise NotAllowed("only the plan's own party reads this", plan_id=plan_id)
        return row


def _by_its_name(error: BadInput) -> BadInput:
    """The refusal of a volume, told in the members of the query that it was made from."""
    names = {f"{_ASKED}.shape": "area", f"{_ASKED}.": ""}

    def told(text: object) -> object:
        if isinstance(text, str):
            for inner, outer in names.items():
                text = text.replace(inner, outer)
        return text

    members = {name: told(value) for name, value in error.members.items()}
    return type(error)(str(told(error.detail)), **members)


def _filter(who: Principal, body: QueryBody, after_start_ms: int, after_plan_id: str) -> store.PageFilter:
    return store.PageFilter(
        viewer=who.party_id,
        party_id=body.party_id,
        states=body.states,
        start_ms=None if body.start is None else to_ms(body.start),
        end_ms=None if body.end is None else to_ms(body.end),
        after_start_ms=after_start_ms,
        after_plan_id=after_plan_id,
        limit=body.limit + 1,
    )
