"""S2 cell arithmetic: faces, quadratic projection, Hilbert order; only what a covering needs.

A position's geodetic latitude and longitude are taken as those of the sphere, as ASTM F3548-21 does.

Source: s2geometry, ``s2coords.h``, ``s2cell_id.cc`` (tests hold the ids against s2sphere).
"""

import math

import numpy as np
from numpy.typing import NDArray

from detente.geo.ellipsoid import A_M, E2, Floats

Ints = NDArray[np.int64]

PARENT_LEVEL = 10
CHILD_LEVEL = 13
_SIDE = 1 << (CHILD_LEVEL - PARENT_LEVEL)
_HALF = 5
"""A parent's position is looked up in two strides of five levels."""

# Outward normal, u axis and v axis of each face: a point of the face is normal + u * axis + v * axis.
FACES: Floats = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
        [[0, 0, 1], [-1, 0, 0], [0, -1, 0]],
        [[-1, 0, 0], [0, 0, -1], [0, -1, 0]],
        [[0, -1, 0], [0, 0, -1], [1, 0, 0]],
        [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    ],
    dtype=np.float64,
)
# The same as (component, sign): a product with an axis only picks a component.
_PICKS = [[(int(abs(row).argmax()), float(row.sum())) for row in face] for face in FACES]
_FACE_REACH = 1 / math.sqrt(3)
"""Cosine between a face's normal and its corners."""
_POSITION = np.array([[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]])
_TURN = np.array([1, 0, 0, 3])
_QUARTER = math.pi / 4


def _hilbert(levels: int) -> tuple[Ints, Ints]:
    """Tabulate position and final orientation for [orientation, i, j] over so many levels."""
    side = 1 << levels
    turn, i, j = np.indices((4, side, side))
    position = np.zeros_like(i)
    for level in range(levels - 1, -1, -1):
        step = _POSITION[turn, ((i >> level) & 1) * 2 + ((j >> level) & 1)]
        position = position * 4 + step
        turn = turn ^ _TURN[step]
    return position, turn


_STRIDE_POSITION, _STRIDE_TURN = _hilbert(_HALF)
_STRIDES: list[list[list[tuple[int, int]]]] = np.stack((_STRIDE_POSITION, _STRIDE_TURN), axis=-1).tolist()
_LAST_POSITIVE = 3
_CHILD_POSITION = _hilbert(CHILD_LEVEL - PARENT_LEVEL)[0]
CHILD_BIT: NDArray[np.uint64] = np.uint64(1) << _CHILD_POSITION.astype(np.uint64)
"""The bit of child [orientation, i & 7, j & 7] in its parent's mask."""


def parent_ids(face: Ints, i: Ints, j: Ints) -> tuple[Ints, Ints]:
    """Name level 10 cells.

    Args:
        face: 0..5, shape (n,).
        i: column on the face at level 10, 0..1023.
        j: row on the face at level 10.

    Returns:
        S2 cell ids as signed 64 bit integers, and the orientations for :data:`CHILD_BIT`.
    """
    low = (1 << _HALF) - 1
    turn = face & 1
    upper = _STRIDE_POSITION[turn, i >> _HALF, j >> _HALF]
    turn = _STRIDE_TURN[turn, i >> _HALF, j >> _HALF]
    lower = _STRIDE_POSITION[turn, i & low, j & low]
    turn = _STRIDE_TURN[turn, i & low, j & low]
    position = (upper << (2 * _HALF)) | lower
    # Faces 4 and 5 have the top bit set: as signed integers they are negative, and the shift wraps to that.
    return (face << 61) | (position << 41) | (1 << 40), turn


def parent_id(face: int, i: int, j: int) -> tuple[int, int]:
    """Name one level 10 cell: :func:`parent_ids` for plain numbers."""
    low = (1 << _HALF) - 1
    upper, turn = _STRIDES[face & 1][i >> _HALF][j >> _HALF]
    lower, turn = _STRIDES[turn][i & low][j & low]
    unsigned = (face << 61) | (upper << (41 + 2 * _HALF)) | (lower << 41) | (1 << 40)
    return unsigned - (1 << 64) if face > _LAST_POSITIVE else unsigned, turn


def corners_m(face: int, i: Ints, j: Ints, level: int) -> Floats:
    """Place grid corners of a face on the ellipsoid: ``i`` and ``j`` broadcast, metres, shape (..., 3)."""
    size = 1 << level
    (axis, sign), (axis_u, sign_u), (axis_v, sign_v) = _PICKS[face]
    u, v = uv_of_st(i / size), uv_of_st(j / size)
    u2, v2 = u * u, v * v
    up2 = (u2, v2, 1.0)[(axis_u, axis_v, axis).index(2)]
    # The unit normal n stands on the ellipsoid at (nx, ny, (1 - e2) nz) a / sqrt(1 - e2 nz2).
    radius = A_M / np.sqrt(1 + u2 + v2 - E2 * up2)
    points = np.empty((*radius.shape, 3))
    points[..., axis] = radius * sign
    points[..., axis_u] = radius * (u * sign_u)
    points[..., axis_v] = radius * (v * sign_v)
    points[..., 2] *= 1 - E2
    return points


def uv_of_st(s: Floats) -> Floats:
    """Turn cell space coordinates, 0..1, into face coordinates, -1..1 (S2's quadratic transform)."""
    t = 2 * s - 1
    out: Floats = t * (2 + np.abs(t)) / 3
    return out


def st_of_uv(u: float) -> float:
    """The inverse of :func:`uv_of_st` for one number."""
    return 0.5 * math.sqrt(1 + 3 * u) if u >= 0 else 1 - 0.5 * math.sqrt(1 - 3 * u)


def cap_ranges(
    normal: tuple[float, float, float], angle: float
) -> list[tuple[int, float, float, float, float]]:
    """Bound a cap on each face it can touch.

    Args:
        normal: the cap's centre, a unit vector.
        angle: its radius in radians, less than a quarter of pi.

    Returns:
        (face, s_lo, s_hi, t_lo, t_hi), cell space coordinates 0..1.
    """
    found = []
    sine = math.sin(angle)
    for face, ((axis, sign), (axis_u, sign_u), (axis_v, sign_v)) in enumerate(_PICKS):
        p = normal[axis] * sign
        if p < _FACE_REACH - angle:
            continue
        u, v = normal[axis_u] * sign_u, normal[axis_v] * sign_v
        across = _turns(p, u, v, sine)
        upward = _turns(p, v, u, sine)
        if across and upward:
            found.append((face, *across, *upward))
    return found


def _turns(p: float, u: float, v: float, sine: float) -> tuple[float, float] | None:
    """Bound the angle from the face's normal toward one axis over a cap, in cell space coordinates."""
    shadow = math.sqrt(max(0.0, 1 - v * v))
    if sine >= shadow:
        return 0.0, 1.0
    middle, half = math.atan2(u, p), math.asin(sine / shadow) + 1e-12
    low, high = max(-_QUARTER, middle - half), min(_QUARTER, middle + half)
    if low > high:
        return None
    return st_of_uv(max(-1.0, math.tan(low))), st_of_uv(min(1.0, math.tan(high)))
