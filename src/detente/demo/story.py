"""The offline story: four parties at one incident, told act by act while a real exchange carries it out."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from detente.client import Client, ConflictsFound
from detente.demo.people import Enrolment
from detente.demo.scenario import ScenarioFeature, body_of, load_scenario
from detente.demo.tally import say_way_out
from detente.plans.model import CheckBody, Conflict, PlanBody, PlanView, WaysOutLimits

CAST = (
    Enrolment("valley-drones", "Valley Drones"),
    Enrolment("relief-convoy", "Relief convoy"),
    Enrolment("fire-service", "Fire service", priority_limit=40),
    Enrolment("air-ambulance", "Air ambulance", priority_limit=80),
)
_NAMESPACE = uuid.UUID("0f0d7f6e-5f2a-5a53-8c1e-2f3b7a9d4e10")


class Scene(Struct, frozen=True):
    """One act and what came of it."""

    party: str
    act: str
    answer: str
    """``accepted``, ``refused`` or the plan's new state."""
    details: tuple[str, ...] = ()


class Stage:
    """What the acts share: the scenario, a client a party, and the plans as they stand.

    Args:
        desks: a client for each party of CAST, with that party's own token.
        begin: the instant from which the scenario's minutes count.
        tell: told each scene as it happens.
    """

    def __init__(self, desks: Mapping[str, Client], begin: datetime, tell: Callable[[Scene], None]) -> None:
        self._desks = desks
        self._begin = begin
        self._tell = tell
        self._features = load_scenario()
        self.standing: dict[str, PlanView] = {}
        self.scenes: list[Scene] = []

    def declare(self, name: str) -> ConflictsFound | None:
        """Declare a plan of the scenario; tells and gives back a refusal."""
        feature = self._features[name]
        act = f"declares “{feature.properties.title}”" + _rank(feature)
        body = body_of(feature, self._begin)
        try:
            self.standing[name] = self._desk(name).declare(plan_id_of(name), body)
        except ConflictsFound as refusal:
            self._say(name, act, "refused", _reasons(refusal))
            return refusal
        self._say(name, act, "accepted", _over(self._desk(name).conflicts_of(plan_id_of(name))))
        return None

    def take_way_out(self, name: str, refusal: ConflictsFound) -> None:
        """Declare the smallest offer of a refusal instead."""
        if refusal.ways_out is None or not refusal.ways_out.offers:
            self._say(name, "looks for a way out", "none within the limits")
            return
        offer = refusal.ways_out.offers[0]
        body = msgspec.structs.replace(body_of(self._features[name], self._begin), volumes=offer.volumes)
        self.standing[name] = self._desk(name).declare(plan_id_of(name), body)
        self._say(name, f"takes the smallest way out: {say_way_out(offer)}", "accepted")

    def make_way(self, name: str) -> None:
        """Ask what a standing plan is in conflict with, and change it into the smallest way out."""
        desk, plan = self._desk(name), self.standing[name]
        volumes = plan.volumes or ()
        question = CheckBody(volumes=volumes, ignore_plan_id=plan.plan_id, ways_out=WaysOutLimits())
        answer = desk.check(question)
        offers = answer.ways_out.offers if answer.ways_out else ()
        found = tuple(say_conflict(conflict) for conflict in answer.conflicts)
        if not offers:
            self._say(name, "asks what its plan conflicts with", f"{len(found)} conflicts", found)
            return
        body = PlanBody(
            volumes=offers[0].volumes,
            title=plan.title or "",
            priority=plan.priority,
            sharing=plan.sharing,
        )
        self.standing[name] = desk.change(plan.plan_id, body, version=plan.version)
        moved = f"makes way: {say_way_out(offers[0])}, as version {self.standing[name].version}"
        self._say(name, moved, "accepted", found)

    def enter(self, name: str, act: str, verb: Callable[..., PlanView], reason: str = "") -> None:
        """Put a standing plan into another state."""
        plan = self.standing[name]
        self.standing[name] = verb(self._desk(name), plan.plan_id, version=plan.version, reason=reason)
        self._say(name, act, self.standing[name].state.value, (f"reason: {reason}",) if reason else ())

    def _desk(self, name: str) -> Client:
        return self._desks[self._features[name].properties.party]

    def _say(self, name: str, act: str, answer: str, details: Sequence[str] = ()) -> None:
        scene = Scene(self._features[name].properties.party, act, answer, tuple(details))
        self.scenes.append(scene)
        self._tell(scene)


def play(desks: Mapping[str, Client], tell: Callable[[Scene], None]) -> list[Scene]:
    """Carry out the whole story.

    Args:
        desks: a client for each party of CAST, with that party's own token.
        tell: told each scene as it happens.

    Returns:
        All scenes.

    Raises:
        DetenteError: if the exchange refuses what the story does not expect to be refused.
    """
    stage = Stage(desks, datetime.now(UTC).replace(microsecond=0), tell)
    stage.declare("fire")
    for name in ("inspection", "convoy"):
        refusal = stage.declare(name)
        if refusal is not None:
            stage.take_way_out(name, refusal)
    stage.declare("rescue")
    stage.make_way("inspection")
    for name in ("rescue", "inspection"):
        stage.enter(name, "activates its plan", Client.activate)
    lost = "the drone has left its corridor in a gust"
    stage.enter("inspection", "reports off-nominal", Client.report_nonconforming, lost)
    gone = "no link: the drone descends by itself"
    stage.enter("inspection", "reports a contingency", Client.report_contingent, gone)
    refusal = stage.declare("second-rescue")
    stage.enter("inspection", "has the drone on the ground", Client.end, "landed, recovered")
    if refusal is not None:
        stage.declare("second-rescue")
    for name in ("rescue", "second-rescue", "convoy", "fire"):
        stage.enter(name, "is done", Client.end)
    return stage.scenes


def plan_id_of(name: str) -> str:
    """Name a plan of the story: the same UUID at every run."""
    return str(uuid.uuid5(_NAMESPACE, name))


def say_conflict(conflict: Conflict) -> str:
    """Tell one conflict in a sentence: with whom, where, when, by how much."""
    place = conflict.place
    return (
        f"with {conflict.party_id} at {place.lat_deg:.4f}, {place.lon_deg:.4f}, "
        f"{conflict.lower_m:,.0f} to {conflict.upper_m:,.0f} m {conflict.datum.value}, "
        f"{conflict.start:%H:%M} to {conflict.end:%H:%M} UTC: by {conflict.horizontal_depth_m:,.0f} m "
        f"on the ground, {conflict.vertical_depth_m:,.0f} m in height, {conflict.time_depth_s / 60:,.0f} min"
    )


def _rank(feature: ScenarioFeature) -> str:
    priority = feature.properties.priority
    return f" (priority {priority})" if priority else ""


def _reasons(refusal: ConflictsFound) -> list[str]:
    lines = [say_conflict(conflict) for conflict in refusal.conflicts]
    ways = refusal.ways_out
    if ways is not None:
        lines += [f"offered: {say_way_out(offer)}" for offer in ways.offers]
        lines += [f"no way out in {none.kind.value}: {none.why}" for none in ways.none]
    return lines


def _over(conflicts: Sequence[Conflict]) -> list[str]:
    return [f"outranks the plan of {conflict.party_id}, which has to make way" for conflict in conflicts]
