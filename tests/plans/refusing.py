"""How tests are refused, and what they then ask about it."""

import uuid

import pytest

from detente.errors import ConflictingPlan
from detente.plans.refusal_model import RefusalQuery


async def refuse(world, who, plan, plan_id=None, **request):
    """Declare what must be refused; the plan's id and what the refusal said."""
    plan_id = plan_id or str(uuid.uuid4())
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(who, plan, plan_id, **request)
    return plan_id, refused.value.members


async def known(world, who, **query):
    return (await world.refusals.query(who, RefusalQuery(**query))).refusals


async def the_one(world, who, **query):
    (refusal,) = await known(world, who, **query)
    return refusal


async def count(world):
    return await world.pool.fetchval("SELECT count(*) FROM plan_refusal")
