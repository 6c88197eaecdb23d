"""Map tiles over HTTP: open, as the page's other files are; a stranger learns nothing but the map."""

from detente.console.routes import TAG
from detente.console.tiles import TileFile, TileView
from detente.errors import NotFound, Unavailable
from detente.web.model import Reply, Request, Route

_PATH = "/console/tiles"
_LONGEST = 8
_DAY = ("Cache-Control", "public, max-age=86400")


def tile_routes(tiles: TileFile | None) -> list[Route]:
    """List the routes of the map's tiles.

    Args:
        tiles: the open file; None: the exchange has no tiles.

    Returns:
        One entry for each method of each path.
    """

    async def get_source(_: Request) -> Reply:
        return Reply(200, TileView(None if tiles is None else tiles.source), (("Cache-Control", "no-cache"),))

    async def get_tile(request: Request) -> Reply:
        place = [request.path[name] for name in ("z", "x", "y")]
        is_number = all(one.isascii() and one.isdigit() and len(one) <= _LONGEST for one in place)
        body = await tiles.read(*map(int, place)) if tiles is not None and is_number else None
        if tiles is None or body is None:
            raise NotFound("there is no map tile here")
        return Reply(200, body, (_DAY,), tiles.source.media_type)

    return [
        Route(
            "GET", _PATH, None, get_source, "The map tiles of this exchange.", TAG, answers={200: TileView}
        ),
        Route(
            "GET",
            f"{_PATH}/{{z}}/{{x}}/{{y}}",
            None,
            get_tile,
            "One map tile, an image.",
            TAG,
            answers={200: str},
            errors=(NotFound, Unavailable),
            answer_media_type="image/*",
        ),
    ]
