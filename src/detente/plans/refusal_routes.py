"""HTTP of remembered refusals: what comes in, what goes out, which scope it needs."""

from detente.errors import NotFound
from detente.plans.refusal_model import RefusalPage, RefusalQuery, RefusalView
from detente.plans.refusals import Refusals
from detente.web.ids import read_uuid
from detente.web.model import Reply, Request, Route

READ = "plans.read"


def refusal_routes(refusals: Refusals) -> list[Route]:
    """The routes of refusals."""

    async def get(request: Request) -> Reply:
        refusal_id = read_uuid(request.path["refusal_id"], "refusal_id")
        return Reply(200, await refusals.find(request.who(), refusal_id))

    async def query(request: Request) -> Reply:
        return Reply(200, await refusals.query(request.who(), request.decoded(RefusalQuery)))

    return [
        Route(
            "GET", "/v1/refusals/{refusal_id}", READ, get,
            "One refusal, as you may know it: what was in the way, and what settled it.", "refusals",
            None, {200: RefusalView}, (NotFound,),
        ),
        Route(
            "POST", "/v1/refusals/query", READ, query,
            "Refusals that you may know of, by time, party, plan and settlement, in pages.", "refusals",
            RefusalQuery, {200: RefusalPage},
        ),
    ]  # fmt: skip
