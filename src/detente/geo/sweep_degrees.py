"""Flat outlines as polygons in degrees, cut at the antimeridian as RFC 7946, 3.1.9 wants them."""

from functools import partial
from typing import Any

import numpy as np
import shapely

from detente.geo.ellipsoid import A_M, E2, Floats, in_space, normals, positions
from detente.geo.frame import Frame
from detente.geo.model import LatLon
from detente.geo.sweep_columns import Longs
from detente.geo.sweep_plane import Frames

_DECIMALS = 8
_TURN = 360.0
_HALF = 180.0
_WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
_STEPS = 4
_POLAR_DEG = 84.0
_POLAR_CORNERS = 256


def _raised(flat: Floats, origin_m: Floats, axes: Floats) -> Floats:
    """Find the points on the ellipsoid of flat points, each in its own frame: shape (n, 2) to (n, 3).

    Along a direction the ellipsoid falls off like a circle of the normal curvature; the direction is kept
    and the drop is refined by Newton's method on the ellipsoid's equation.
    """
    reach = np.hypot(flat[:, 0], flat[:, 1])
    stretch = np.array([1.0, 1.0, 1.0 / (1.0 - E2)])
    horizontal = np.einsum("ij,ijk->ik", flat, axes[:, :2])
    up = axes[:, 2]
    # Curvature along the direction, from the ellipsoid's quadratic form.
    direction = horizontal / np.maximum(reach, 1e-12)[:, None]
    curvature = direction**2 @ stretch / np.sqrt((origin_m * stretch) ** 2 @ np.ones(3))
    angle = reach * curvature
    point: Floats = origin_m + horizontal * np.sinc(angle / np.pi)[:, None]
    for _ in range(_STEPS):
        scaled = point * stretch
        excess = np.einsum("ij,ij->i", point, scaled) - A_M * A_M
        point = point - up * (excess / (2.0 * np.einsum("ij,ij->i", scaled, up)))[:, None]
    return point


def rings_in_degrees(polygons: np.ndarray, owner: Longs, frames: Frames) -> np.ndarray:
    """Turn flat polygons into degrees; the polygons of one owner become one geometry.

    Args:
        polygons: Shapely polygons in metres; their holes are dropped.
        owner: whose each is, an index into ``frames``, shape (p,).
        frames: k frames.

    Returns:
        k geometries in degrees, longitude first, counter-clockwise; None for an owner of none.
    """
    origin_lat_deg, middle_deg = positions(frames.origin_m)
    polar = np.abs(origin_lat_deg)[owner] > _POLAR_DEG
    if polar.any():
        polygons = polygons.copy()
        polygons[polar] = _dense(polygons[polar])
    rings = shapely.get_exterior_ring(polygons)
    flat, ring = shapely.get_coordinates(rings, return_index=True)
    frame = owner[ring]
    lat_deg, lon_deg = positions(_raised(flat, frames.origin_m[frame], frames.axes[frame]))
    away_deg = (lon_deg - middle_deg[frame] + 1.5 * _TURN) % _TURN - _HALF
    lon_deg = (middle_deg[frame] + away_deg).round(_DECIMALS)
    degrees = np.stack((lon_deg, lat_deg.round(_DECIMALS)), axis=1)
    first = np.concatenate(([0], np.cumsum(shapely.get_num_coordinates(rings))))
    jumps = np.zeros(len(rings), np.bool_)
    same = ring[1:] == ring[:-1]
    jumps[ring[1:][same & (np.abs(np.diff(away_deg)) > _HALF)]] = True
    beyond = np.zeros(len(rings), np.bool_)
    beyond[ring[np.abs(lon_deg) > _HALF]] = True
    areas = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, degrees, (first, np.arange(len(rings) + 1))
    )
    areas = shapely.orient_polygons(areas)
    for row in np.flatnonzero(jumps | beyond).tolist():
        areas[row] = _cut(degrees[first[row] : first[row + 1]])
    return _joined(areas, owner, len(frames.origin_m))


def _dense(flat: np.ndarray) -> np.ndarray:
    """Flat polygons with many points: near a pole a straight edge is far from straight in degrees."""
    return np.asarray(shapely.segmentize(flat, shapely.length(flat) / _POLAR_CORNERS))


def _joined(areas: np.ndarray, owner: Longs, count: int) -> np.ndarray:
    joined = np.empty(count, object)
    number = np.bincount(owner, minlength=count)
    alone = number[owner] == 1
    joined[owner[alone]] = areas[alone]
    for row in np.flatnonzero(number > 1).tolist():
        parts = shapely.get_parts(areas[owner == row])
        joined[row] = shapely.multipolygons(list(parts))
    return _uncrossed(joined)


def _uncrossed(areas: np.ndarray) -> np.ndarray:
    """Mend outlines that cross themselves in degrees: near a pole, or thin and long."""
    for row in np.flatnonzero(~shapely.is_valid(areas) & ~shapely.is_missing(areas)).tolist():
        areas[row] = _only_polygons(shapely.make_valid(areas[row]))
    return areas


def _only_polygons(area: Any) -> Any:  # noqa: ANN401 - shapely geometry
    parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    tidy = shapely.orient_polygons(shapely.multipolygons(parts))
    return shapely.get_parts(tidy)[0] if len(parts) == 1 else tidy


def _cut(ring_deg: Floats) -> Any:  # noqa: ANN401 - shapely geometry
    """Cut a ring that crosses the antimeridian, or goes round a pole, into polygons between -180 and 180."""
    steps = (np.diff(ring_deg[:, 0]) + 1.5 * _TURN) % _TURN - _HALF
    lon = ring_deg[0, 0] + np.concatenate(([0.0], np.cumsum(steps)))
    ring = np.stack((lon, ring_deg[:, 1]), axis=1)
    if abs(lon[-1] - lon[0]) > _HALF:
        pole = np.copysign(90.0, ring_deg[np.abs(ring_deg[:, 1]).argmax(), 1])
        ring = np.concatenate((ring, [(lon[-1], pole), (lon[0], pole), ring[0]]))
    area = shapely.make_valid(shapely.polygons(ring))
    # A ring round a pole may begin anywhere and goes a whole turn: two turns either way may come back.
    shifted: list[Any] = [
        shapely.transform(area, partial(np.add, (turn * _TURN, 0.0))) for turn in range(-2, 3)
    ]
    whole = shapely.union_all([shapely.intersection(_WORLD, one) for one in shifted])
    return _only_polygons(whole)


def _dense_degrees(ring_deg: Floats) -> Floats:
    """A closed ring with points along its geodesics, in the flat frame of its first point."""
    frame = Frame.at(float(ring_deg[0, 1]), float(ring_deg[0, 0]))
    flat = shapely.LineString(frame.flatten(in_space(normals(ring_deg[:, 1], ring_deg[:, 0]))))
    lat_deg, lon_deg = frame.positions(shapely.get_coordinates(_dense(np.array([flat], object))[0]))
    return np.stack((lon_deg, lat_deg), axis=1)


def degrees_of(outline: tuple[tuple[LatLon, ...], ...]) -> Any:  # noqa: ANN401 - shapely geometry
    """Turn the outline of an overlap into a geometry in degrees.

    Args:
        outline: rings as `detente.geo.model.Overlap` has them.

    Returns:
        A Shapely polygon or multipolygon.
    """
    areas: list[Any] = []
    for ring in outline:
        degrees = np.array([(p.lon_deg, p.lat_deg) for p in (*ring, ring[0])])
        if np.abs(degrees[:, 1]).max() > _POLAR_DEG:
            degrees = _dense_degrees(degrees)
        degrees = degrees.round(_DECIMALS)
        crosses = np.abs(np.diff(degrees[:, 0])).max() > _HALF
        areas.extend(shapely.get_parts(_cut(degrees) if crosses else shapely.polygons(degrees)))
    whole = np.empty(1, object)
    whole[0] = areas[0] if len(areas) == 1 else shapely.multipolygons(areas)
    return _uncrossed(whole)[0]
