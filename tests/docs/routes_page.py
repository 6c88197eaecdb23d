"""Writes ``docs/routes.md`` from the routes themselves: ``python -m tests.docs.routes_page``."""

from pathlib import Path

from detente.astm.f3548.dss import discovery_routes
from detente.astm.f3548.routing import Wire
from detente.astm.f3548.uss import uss_routes
from detente.astm.flight_planning.routes import flight_planning_routes
from detente.astm.geospatial_map.routes import geospatial_map_routes
from detente.astm.interuss_routes import interuss_routes
from detente.console.passkey_routes import passkey_routes
from detente.console.routes import routes as console_routes
from detente.console.session_routes import session_routes
from detente.console.static_files import StaticFiles
from detente.console.tile_routes import tile_routes
from detente.formats.routes import routes as files_routes
from detente.parties.model import Scope
from detente.parties.routes import routes as parties_routes
from detente.plans.refusal_routes import refusal_routes
from detente.plans.routes import routes as plans_routes
from detente.web.metrics import Metrics
from detente.web.service_routes import service_routes

PAGE = Path(__file__).parents[2] / "docs" / "routes.md"
HEAD = """# All routes

Made from the program by `python -m tests.docs.routes_page`; a test holds the two together. The running
exchange describes each in full at `/docs`. Beside the refusals named here, any route may answer `bad-input`,
`not-authenticated`, `not-allowed`, `too-large`, `too-many`, `unavailable` and the like;
[the API](api.md) says when.

Those under `/flight_planning` and `/geospatial_map` are served only with the
[test interfaces](testing-interfaces.md) turned on.
"A session" is that of the [console](access.md#the-consoles-sessions), shown by its cookie.

| route | scope | what it does | may refuse with |
| --- | --- | --- | --- |
"""


def all_routes():
    """Every route, without a database: handlers are made, and none is called."""
    at = Wire("https://exchange.example", allows_http=False)
    rooms = [
        *parties_routes(None),
        *plans_routes(None, None, None, None),
        *files_routes(),
        *refusal_routes(None),
        *interuss_routes(None),
        *flight_planning_routes(None, None),
        *geospatial_map_routes(None, None),
        *discovery_routes(at, None, None, None, None),
        *uss_routes(None, None, None, None, None),
    ]
    rooms += [*console_routes(StaticFiles(None, {})), *session_routes(None, None, is_secure=True)]
    rooms += tile_routes(None)
    rooms += passkey_routes(None, None, is_secure=True)
    return [*rooms, *service_routes(rooms, readiness=None, metrics=Metrics())]


def line_of(route):
    refusals = " ".join(f"[`{kind.slug}`](problems/{kind.slug}.md)" for kind in route.errors)
    scope = "a session" if route.session else scopes_of(route) or "open"
    return f"| `{route.method} {route.path}` | {scope} | {route.summary} | {refusals} |"


def scopes_of(route):
    if set(route.scopes()) == set(Scope):
        return "any scope"
    return " or ".join(f"`{scope}`" for scope in route.scopes())


def render():
    by_path = sorted(all_routes(), key=lambda route: (route.path, route.method))
    return HEAD + "\n".join(map(line_of, by_path)) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
