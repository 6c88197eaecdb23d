"""A plan that is off-nominal may go anywhere, and can still be moved and ended there."""

import pytest

from detente.plans.model import PlanState, StateBody
from tests.plans.conftest import ALPHA, body, circle

pytestmark = pytest.mark.pg


async def test_a_plan_that_goes_off_nominal_where_nobody_ever_was_can_still_be_moved_and_ended(world):
    plan = await world.declare(ALPHA, body())
    plan = await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.NONCONFORMING), plan["version"])
    for lat in (52.0, 56.0):
        plan = await world.declare(
            ALPHA, body(circle(lat=lat)), plan["plan_id"], expected_version=plan["version"]
        )
        # A row for each of its cells: what every later write of it, and every subscriber, locks.
        unlocked = await world.pool.fetchval(
            "SELECT count(*) FROM plan_cell c WHERE NOT EXISTS"
            " (SELECT 1 FROM plan_cell_lock l WHERE l.parent = c.parent)"
        )
        assert unlocked == 0
    ended = await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), plan["version"])
    assert ended["state"] == "ended"
