"""Moving a volume as one stiff piece: the ways out of a conflict are built from this."""

import numpy as np
from msgspec.structs import replace

from detente.errors import BadInput
from detente.geo.box import wrapped
from detente.geo.ellipsoid import Floats, in_space, normals
from detente.geo.frame import Frame
from detente.geo.model import Circle, Corridor, LatLon, Polygon, Shape, Volume

_LEAST_MOVE_M = 1e-6
"""Less is no move: it would have no direction."""


def moved(
    volume: Volume,
    *,
    shift_ms: int = 0,
    up_m: float = 0.0,
    east_m: float = 0.0,
    north_m: float = 0.0,
    origin: LatLon | None = None,
) -> Volume:
    """Move a volume in time, in height and over the ground.

    The shape keeps its place in a flat frame whose origin moves along a geodesic without turning, so it keeps
    its size and its angles: to 1 mm for shapes of 10 km moved 10 km, to 1e-5 of its size for larger ones.

    Args:
        volume: the volume; it is not changed.
        shift_ms: later by so many milliseconds.
        up_m: higher by so many metres.
        east_m: metres east at the origin.
        north_m: metres north at the origin.
        origin: the origin of the frame; give all volumes of a plan the same one. Default: the shape's
            first position.

    Returns:
        The moved volume, not validated anew.

    Raises:
        BadInput: if a move is not a finite number.
    """
    if not np.isfinite((up_m, east_m, north_m)).all():
        raise BadInput(
            "a move must be finite", expected="finite metres", actual=f"{up_m}, {east_m}, {north_m}"
        )
    shape = volume.shape
    if abs(east_m) + abs(north_m) > _LEAST_MOVE_M:
        shape = _moved_shape(shape, np.array([east_m, north_m], dtype=np.float64), origin)
    return replace(
        volume,
        shape=shape,
        lower_m=volume.lower_m + up_m,
        upper_m=volume.upper_m + up_m,
        start_ms=volume.start_ms + shift_ms,
        end_ms=volume.end_ms + shift_ms,
    )


def _moved_shape(shape: Shape, offset: Floats, origin: LatLon | None) -> Shape:
    if isinstance(shape, Circle):
        return replace(shape, center=_moved_points((shape.center,), offset, origin)[0])
    if isinstance(shape, Polygon):
        return replace(shape, vertices=_moved_points(shape.vertices, offset, origin))
    return Corridor(_moved_points(shape.path, offset, origin), shape.width_m)


def _moved_points(points: tuple[LatLon, ...], offset: Floats, origin: LatLon | None) -> tuple[LatLon, ...]:
    start = origin or points[0]
    before = Frame.at(start.lat_deg, start.lon_deg)
    lat0, lon0 = before.positions(offset[None, :])
    after = Frame.at(float(lat0[0]), float(lon0[0]))
    degrees = np.array([(p.lat_deg, p.lon_deg) for p in points], dtype=np.float64)
    flat = before.flatten(in_space(normals(degrees[:, 0], degrees[:, 1])))
    # North at the new origin is not parallel to north at the old one (at a pole not at all): turn by the
    # difference of the directions in which the two see each other.
    back = -after.flatten(before.origin_m[None, :])[0]
    turn = (back[0] + 1j * back[1]) / (offset[0] + 1j * offset[1])
    turned = (flat[:, 0] + 1j * flat[:, 1]) * (turn / abs(turn))
    lat, lon = after.positions(np.stack((turned.real, turned.imag), axis=-1))
    return tuple(LatLon(float(a), wrapped(o)) for a, o in zip(lat, lon, strict=True))
