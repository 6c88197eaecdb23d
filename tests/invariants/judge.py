"""Reads what is in force from the database and judges it by other people's geometry (PROJ, GEOS).

Nothing of the index, the rules or the geometry under test is used here, but for the nouns of the wire.
"""

import hashlib
import json
from dataclasses import dataclass
from itertools import combinations

import msgspec
import numpy as np
import psycopg

from detente.plans.model import PlanVolume
from tests.geo.oracle import gaps_m

SURE_M = 0.01
"""What is nearer to the edge than this is left open: the oracle's own error."""
_VOLUMES = msgspec.json.Decoder(tuple[PlanVolume, ...])


@dataclass
class Standing:
    plan_id: str
    party_id: str
    version: int
    priority: int
    ovn: str
    volumes: tuple
    ignores_own: bool
    decided: int
    """The statement of the last write that looked at its neighbours."""
    knows: frozenset


def in_force(dsn):
    """Every plan in force, with the statement at which it was last decided on."""
    with psycopg.connect(dsn) as connection:
        plans = connection.execute(
            "SELECT plan_id::text, party_id, version, priority, ovn, body FROM plan WHERE state <> 'ended'"
        ).fetchall()
        looked = connection.execute(
            "SELECT DISTINCT ON (subject) subject, statement_id, content FROM statement"
            " WHERE type IN ('plan.declared', 'plan.changed', 'plan.activated')"
            " ORDER BY subject, statement_id DESC"
        ).fetchall()
    decided = {subject: (number, json.loads(content)) for subject, number, content in looked}
    return [_standing(plan, *decided[plan[0]]) for plan in plans]


def _standing(row, decided, content):
    plan_id, party_id, version, priority, ovn, body = row
    stored = json.loads(body)
    volumes = _VOLUMES.decode(json.dumps(stored["volumes"]))
    ignores_own = stored["own_plans"] == "ignore"
    knows = frozenset(content.get("knows", ()))
    return Standing(plan_id, party_id, version, priority, ovn, volumes, ignores_own, decided, knows)


def unjustified(plans, separations=None):
    """The pairs that conflict although the later neither named the earlier nor outranks it.

    Args:
        plans: from ``in_force``; all heights above one datum.
        separations: (party, party) in order to (horizontal m, vertical m, s).
    """
    separations = separations or {}
    pairs = [pair for pair in combinations(plans, 2) if not is_allowed(*pair)]
    return [(a, b) for a, b in pairs if conflict(a, b, separations)]


def is_allowed(a, b):
    """Whether the one that was decided on later may stand beside the earlier."""
    earlier, later = sorted((a, b), key=lambda plan: plan.decided)
    if a.party_id == b.party_id and later.ignores_own:
        return True
    return earlier.ovn in later.knows or later.priority > earlier.priority


def conflict(a, b, separations):
    """Whether any volume of one comes too close to any of the other, by brute force."""
    pair = (min(a.party_id, b.party_id), max(a.party_id, b.party_id))
    horizontal_m, vertical_m, apart_s = separations.get(pair, (0.0, 0.0, 0.0))
    close = [
        (one, other)
        for one in a.volumes
        for other in b.volumes
        if min(one.end, other.end).timestamp() + apart_s > max(one.start, other.start).timestamp()
        and min(one.upper_m, other.upper_m) + vertical_m - max(one.lower_m, other.lower_m) > SURE_M
    ]
    if not close:
        return False
    shapes = [volume.shape for pair in close for volume in pair]
    index = np.arange(len(shapes)).reshape(-1, 2)
    return bool((gaps_m(shapes, index) < horizontal_m - SURE_M).any())


@dataclass(frozen=True)
class Acknowledged:
    """A success that a client saw."""

    plan_id: str
    version: int
    party_id: str
    content: bytes


def lost(dsn, acknowledged):
    """What was acknowledged and is not there as it was acknowledged; each with the reason."""
    with psycopg.connect(dsn) as connection:
        versions = dict(connection.execute("SELECT plan_id::text, version FROM plan").fetchall())
        statements = {}
        for subject, version, party, sha256, content in connection.execute(
            "SELECT subject, subject_version, party_id, content_sha256, content FROM statement"
        ):
            statements.setdefault((subject, version), []).append((party, sha256, content))
    missing = []
    for one in acknowledged:
        found = statements.get((one.plan_id, one.version), [])
        if versions.get(one.plan_id, 0) < one.version:
            missing.append((one, "no such plan or version"))
        elif len(found) != 1:
            missing.append((one, f"{len(found)} statements"))
        elif found[0] != (one.party_id, hashlib.sha256(one.content).digest(), one.content):
            missing.append((one, "its statement is another"))
    return missing


def miscounted(dsn):
    """Plans whose statements are not exactly one for each version from 1 to the last."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT p.plan_id, p.version, s.versions FROM plan p LEFT JOIN LATERAL"
            " (SELECT array_agg(subject_version ORDER BY statement_id) AS versions"
            "  FROM statement WHERE subject = p.plan_id::text) s ON true"
            " WHERE s.versions IS DISTINCT FROM ARRAY(SELECT generate_series(1, p.version))"
        ).fetchall()
