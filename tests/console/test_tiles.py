"""Map tiles out of an MBTiles file: what is served, what is refused, what strangers can ask for."""

import asyncio
import sqlite3

import httpx
import pytest

from detente.console.tile_routes import tile_routes
from detente.console.tiles import MAX_TILE_BYTES, MAX_WAITING, TileFile
from detente.errors import BadInput, Unavailable
from detente.settings import load_settings
from detente.web import make_app
from tests.web.tiny import TokenTable, readiness

IMAGE = b"\x89PNG image"
METADATA = {
    "format": "png",
    "minzoom": "0",
    "maxzoom": "2",
    "bounds": "-10,40,20,60",
    "attribution": "<b>Survey</b> & others",
}


def make_file(path, tiles=(), **metadata):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE metadata (name text, value text)")
        database.execute(
            "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)"
        )
        database.executemany("INSERT INTO metadata VALUES (?, ?)", {**METADATA, **metadata}.items())
        database.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", tiles)
    database.close()
    return path


@pytest.fixture
def file(tmp_path):
    # Rows of the file count from the south.
    tiles = [(1, 0, 1, IMAGE), (2, 3, 0, b"x" * (MAX_TILE_BYTES + 1)), (3, 0, 0, IMAGE), (1, 1, 1, "text")]
    return make_file(tmp_path / "a #1?.mbtiles", tiles)


def client_of(tiles):
    app = make_app(tile_routes(tiles), authenticator=TokenTable(), now_ms=lambda: 0, readiness=readiness)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge")


async def test_a_tile_is_served_from_the_north_and_kept_a_day(file):
    async with client_of(TileFile(file)) as http:
        answer = await http.get("/console/tiles/1/0/0")
        assert (answer.status_code, answer.content) == (200, IMAGE)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "public, max-age=86400"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_page_learns_what_there_is_and_text_stays_text(file):
    async with client_of(TileFile(file)) as http:
        assert (await http.get("/console/tiles")).json()["source"] == {
            "media_type": "image/png",
            "min_zoom": 0,
            "max_zoom": 2,
            "bounds_deg": [-10.0, 40.0, 20.0, 60.0],
            "attribution": "<b>Survey</b> & others",
        }


@pytest.mark.parametrize(
    "place",
    [
        "1/0/1",
        "2/3/3",
        "3/0/7",
        "1/1/0",
        "1/2/0",
        "99/0/0",
        "1/-1/0",
        "1/0/x",
        "1/0/%D9%A0",
        "1/0/123456789",
        "1/0/0x0",
    ],
)
async def test_what_is_not_there_too_large_or_no_number_is_not_found(file, place):
    async with client_of(TileFile(file)) as http:
        assert (await http.get(f"/console/tiles/{place}")).status_code == 404


async def test_an_exchange_without_tiles_says_so():
    async with client_of(None) as http:
        assert (await http.get("/console/tiles")).json() == {"source": None}
        assert (await http.get("/console/tiles/0/0/0")).status_code == 404


async def test_only_so_many_may_wait(file):
    tiles = TileFile(file)
    found = await asyncio.gather(
        *(tiles.read(1, 0, 0) for _ in range(MAX_WAITING + 9)), return_exceptions=True
    )
    assert found.count(IMAGE) == MAX_WAITING
    assert sum(isinstance(one, Unavailable) for one in found) == 9
    assert await tiles.read(1, 0, 0) == IMAGE


async def test_two_processes_read_one_file_and_nothing_is_written(file):
    before = (file.read_bytes(), sorted(file.parent.iterdir()))
    one, other = TileFile(file), TileFile(file)
    assert await asyncio.gather(one.read(1, 0, 0), other.read(1, 0, 0)) == [IMAGE, IMAGE]
    assert (file.read_bytes(), sorted(file.parent.iterdir())) == before


BAD = {
    "missing": "cannot be read as MBTiles",
    "text": "cannot be read as MBTiles",
    "vector": "holds tiles of the format 'pbf'",
    "zooms": "has zooms or bounds that no map has",
    "bounds": "says its zooms or bounds in no numbers",
    "infinite": "has zooms or bounds that no map has",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_at_the_start_by_name(tmp_path, name):
    path = tmp_path / "bad.mbtiles"
    if name == "text":
        path.write_text("no database at all, but long enough to be one" * 50)
    elif name != "missing":
        wrong = {
            "vector": {"format": "pbf"},
            "zooms": {"minzoom": "5"},
            "bounds": {"bounds": "1,2,x,4"},
            "infinite": {"bounds": "nan,nan,inf,inf"},
        }
        make_file(path, **wrong[name])
    with pytest.raises(BadInput, match="tiles is") as refused:
        load_settings({"tiles": str(path)}, {})
    assert BAD[name] in str(refused.value)
    assert path.exists() == (name != "missing")
