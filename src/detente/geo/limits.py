"""The limits and tolerances of geometry, in one place; ``docs/geometry.md`` lists them."""

TOUCH_M = 1e-4
"""Sharing a piece thinner than this is touching, not a conflict: on the ground and in height."""
MIN_THICKNESS_M = 1e-3
"""A shape, a band or a radius thinner than this has no inside."""
MAX_VERTICES = 10_000
"""Vertices of a polygon, positions of a corridor's path."""
MAX_EXTENT_M = 1_000_000.0
"""Largest distance from a shape's centre to its edge."""
MAX_OUTLINE_M = 50_000_000.0
"""Longest perimeter or path: it bounds the points that long edges are filled with."""
MIN_ALTITUDE_M = -8_000.0
"""As low as ASTM F3548-21 goes (OpenAPI, Altitude)."""
MAX_ALTITUDE_M = 100_000.0
MAX_INSTANT_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z; as far before 1970 is refused too."""
MAX_PARENTS = 4_096
"""Level 10 cells of one covering."""
EDGE_STEP_M = 2_000.0
"""Edges are filled with geodesic points so that no straight piece is longer."""
STD_MARGIN_M = 300.0
"""Pressure altitude against geometric height, constant part: 36 hPa of 27 ft (8.23 m), QNH 977 to 1050."""
STD_MARGIN_RATIO = 0.08
"""The part that grows with altitude: the whole column 22 K off the standard atmosphere's 288 to 216 K."""
SEPARATION_SLACK_M = 25_000.0
"""Bands above the ellipsoid take in the geoid and the terrain this far around a shape, so that the index
misses nothing for horizontal separations up to here."""
