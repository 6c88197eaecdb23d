"""Files of plans as bodies to declare, and the exchange's plans as files."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from detente.errors import TooLarge
from detente.formats.read import read_files
from detente.formats.table import PlanTable
from detente.geo.model import Circle, Corridor, LatLon, Shape
from detente.geo.sweep_columns import DATUMS, VolumeColumns
from detente.plans.model import MAX_VOLUMES, PlanBody, PlanId, PlanView, PlanVolume

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FilePlan(Struct, frozen=True):
    """One plan as a file has it."""

    id: PlanId
    party: str
    body: PlanBody


def read_plans(path: Path) -> list[FilePlan]:
    """Read a file's plans, ready to be declared.

    Args:
        path: GeoJSON, KML or KMZ, as ``docs/formats.md`` says.

    Returns:
        The plans in the order in which their ids first come up.

    Raises:
        FaultyFile: anything in the file is wrong; it lists every fault.
        TooLarge: a plan has more volumes than can be declared.
    """
    return plans_of(read_files([path]).table, str(path))


def plans_of(table: PlanTable, name: str) -> list[FilePlan]:
    """Take a table apart into plans.

    Args:
        table: what was read of one file.
        name: of that file, for a refusal.

    Returns:
        The plans in the order in which their ids first come up.

    Raises:
        TooLarge: a plan has more volumes than can be declared.
    """
    columns = table.columns
    if not len(table):
        return []
    order = np.argsort(columns.plan, kind="stable")
    counts = np.bincount(columns.plan, minlength=len(table))
    plans = []
    for plan, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
        plan_id = table.plan_ids[plan]
        if len(rows) > MAX_VOLUMES:
            raise TooLarge(
                f"{name}: plan {plan_id} has {len(rows)} volumes; the limit is {MAX_VOLUMES}",
                field="volumes",
                limit=MAX_VOLUMES,
                actual=len(rows),
                expected=f"at most {MAX_VOLUMES}",
            )
        volumes = tuple(_plan_volume(columns, row) for row in rows.tolist())
        body = PlanBody(volumes, title=table.titles.get(plan_id, ""))
        plans.append(FilePlan(PlanId(plan_id), table.parties[table.plan_party[plan]], body))
    return plans


def _plan_volume(columns: VolumeColumns, row: int) -> PlanVolume:
    return PlanVolume(
        shape=columns.shape_at(row),
        lower_m=float(columns.lower_m[row]),
        upper_m=float(columns.upper_m[row]),
        start=_EPOCH + timedelta(milliseconds=int(columns.start_ms[row])),
        end=_EPOCH + timedelta(milliseconds=int(columns.end_ms[row])),
        datum=DATUMS[columns.datum[row]],
    )


def _position(point: LatLon) -> list[float]:
    return [point.lon_deg, point.lat_deg]


def _geometry(shape: Shape) -> tuple[dict[str, object], dict[str, object]]:
    """A shape as a GeoJSON geometry and the properties that complete it."""
    if isinstance(shape, Circle):
        return {"type": "Point", "coordinates": _position(shape.center)}, {"radius_m": shape.radius_m}
    if isinstance(shape, Corridor):
        path = [_position(point) for point in shape.path]
        return {"type": "LineString", "coordinates": path}, {"width_m": shape.width_m}
    ring = [_position(point) for point in shape.vertices]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, {}


def plans_to_geojson(views: Iterable[PlanView]) -> bytes:
    """Write plans as the GeoJSON that `read_plans` reads: one feature a volume.

    Args:
        views: plans as one viewer may see them; those whose volumes are hidden have no place in a map.

    Returns:
        A feature collection. State, version, priority and title are extra properties.
    """
    features = []
    for view in views:
        for volume in view.volumes or ():
            geometry, reach = _geometry(volume.shape)
            properties: dict[str, object] = {
                "id": view.plan_id,
                "party": view.party_id,
                "start": volume.start,
                "end": volume.end,
                "lower_m": volume.lower_m,
                "upper_m": volume.upper_m,
                "datum": volume.datum,
                "state": view.state,
                "version": view.version,
                "priority": view.priority,
                **reach,
            }
            if view.title:
                properties["title"] = view.title
            features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})
