"""Seconds and memory of `detente check`: 1,000 to 1,000,000 plans, each size in a process of its own.

    python bench/check_bench.py [--sizes 1000,10000] [--keep FOLDER]

The plans are those of a city region's day: circles, polygons and corridors of 50 to 1,000 m, 10 to 60
minutes each, over 200 by 200 km and 24 hours; and a hot set, all within 6 km over 30 days. Seeded: the same
at every run. Seconds are processor seconds of reading and comparing, without starting Python; the real ones
are under "wall".
"""

import argparse
import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detente.errors import DetenteError
from detente.formats.conflicts import Conflicts
from detente.formats.read import read_files
from detente.geo.model import Separation
from detente.geo.overlap import overlaps
from detente.geo.solid import prepare
from detente.geo.sweep import Sweep

DAY = datetime(2026, 7, 1, tzinfo=UTC)
NORTH_M, EAST_M = 111_200.0, 75_800.0
BRUTE_PLANS = 1_000
HEAD = (
    "set         plans file MB  read s  compare s  total s  wall s  peak MiB  conflicts"
    "  describe s  brute force"
)


def shape(draw: random.Random, lon: float, lat: float) -> tuple[dict, dict]:
    def place(east_m: float, north_m: float) -> list[float]:
        return [round(lon + east_m / EAST_M, 7), round(lat + north_m / NORTH_M, 7)]

    kind = draw.random()
    if kind < 0.4:
        return {"type": "Point", "coordinates": place(0, 0)}, {"radius_m": draw.randrange(50, 500)}
    if kind < 0.75:
        corners, size_m = draw.randrange(4, 16), draw.uniform(80, 600)
        turns = [2 * math.pi * corner / corners for corner in range(corners)]
        reach = [size_m * draw.uniform(0.6, 1.0) for _ in turns]
        ring = [place(r * math.cos(t), r * math.sin(t)) for r, t in zip(reach, turns, strict=True)]
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, {}
    course, line, at = draw.uniform(0, 2 * math.pi), [place(0, 0)], (0.0, 0.0)
    for _ in range(draw.randrange(1, 6)):
        course, leg_m = course + draw.uniform(-0.5, 0.5), draw.uniform(200, 900)
        at = (at[0] + leg_m * math.cos(course), at[1] + leg_m * math.sin(course))
        line.append(place(*at))
    return {"type": "LineString", "coordinates": line}, {"width_m": draw.randrange(20, 120)}


def write_plans(path: Path, count: int, half_km: float, days: int) -> None:
    draw = random.Random(count)
    with path.open("w") as out:
        out.write('{"type":"FeatureCollection","features":[\n')
        for number in range(count):
            lon = 8.0 + draw.uniform(-half_km, half_km) * 1000 / EAST_M
            lat = 47.0 + draw.uniform(-half_km, half_km) * 1000 / NORTH_M
            geometry, reach = shape(draw, lon, lat)
            start = DAY + timedelta(seconds=draw.randrange(days * 86_400))
            lower_m = draw.randrange(400, 500)
            properties = {
                "id": f"plan-{number:07}",
                "party": f"operator-{draw.randrange(20)}",
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=draw.randrange(10, 60))).isoformat(),
                "lower_m": lower_m,
                "upper_m": lower_m + draw.randrange(20, 80),
                **reach,
            }
            feature = {"type": "Feature", "properties": properties, "geometry": geometry}
            out.write((",\n" if number else "") + json.dumps(feature, separators=(",", ":")))
        out.write("\n]}\n")


def brute_s(sweep: Sweep) -> tuple[float, int]:
    solids = [prepare(sweep.columns.volume_at(index)) for index in range(len(sweep.columns))]
    began = time.process_time()
    found = sum(overlaps(a, b) for row, a in enumerate(solids) for b in solids[row + 1 :])
    return time.process_time() - began, found


def measure(path: Path, *, describe: bool) -> dict[str, float]:
    times = [(time.process_time(), time.monotonic())]
    read = read_files([path])
    times.append((time.process_time(), time.monotonic()))
    sweep = Sweep(read.table.columns, Separation(), balls=read.balls)
    conflicts = Conflicts(read.table, sweep, sweep.pairs())
    times.append((time.process_time(), time.monotonic()))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = {
        "read_s": times[1][0] - times[0][0],
        "sweep_s": times[2][0] - times[1][0],
        "wall_s": times[2][1] - times[0][1],
        "peak_mib": peak_kib / 1024,
        "conflicts": len(conflicts),
    }
    if len(read.table) <= BRUTE_PLANS:
        answer["brute_s"], found = brute_s(sweep)
        assert found == len(conflicts)
    if describe:
        began = time.process_time()
        assert sum(1 for _ in conflicts) == len(conflicts)
        answer["describe_s"] = time.process_time() - began
    return answer


def run(arguments: argparse.Namespace, folder: Path) -> None:
    sizes = [int(size) for size in arguments.sizes.split(",")]
    sets = [("region", size, 100.0, 1) for size in sizes] + [("hot", 10_000, 3.0, 30)]
    print(HEAD)
    for name, size, half_km, days in sets:
        path = folder / f"{name}-{size}.geojson"
        if not path.exists():
            write_plans(path, size, half_km, days)
        # A process of its own: the memory of one size must not show in the next.
        command = [sys.executable, __file__, "--one", str(path), *(["--describe"] if size <= 100_000 else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        a = json.loads(done.stdout)
        total_s = a["read_s"] + a["sweep_s"]
        brute = f"{a['brute_s']:.2f} s, {a['brute_s'] / a['sweep_s']:.0f} x" if "brute_s" in a else "-"
        described = f"{a['describe_s']:.1f}" if "describe_s" in a else "-"
        print(
            f"{name:7} {size:>9,} {path.stat().st_size / 1e6:>7.1f} {a['read_s']:>7.2f} {a['sweep_s']:>10.2f}"
            f" {total_s:>8.2f} {a['wall_s']:>7.2f} {a['peak_mib']:>9,.0f} {a['conflicts']:>10,}"
            f" {described:>11}  {brute}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--keep", type=Path, help="make the files here and use them again")
    parser.add_argument("--one", type=Path, help="measure this file and print JSON")
    parser.add_argument("--describe", action="store_true", help="also describe every shared piece")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, describe=arguments.describe)))
        return
    with tempfile.TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        run(arguments, keep)


if __name__ == "__main__":
    try:
        main()
    except DetenteError as refused:
        sys.exit(str(refused))
