import { describe, expect, test } from "vitest";
import { at, NOON } from "../plans/fixtures";
import { addPoint, faultsOf, newDraft, volumesOf, withVolumes } from "./draft";
import { FileFault, readGeoJson } from "./geojson";

const A = { lat_deg: 46.9, lon_deg: 7.4 };
const B = { lat_deg: 47, lon_deg: 7.5 };

describe("a draft", () => {
  const draft = newDraft(NOON + 1);

  test("begins at the next quarter of an hour and is no plan yet", () => {
    expect(draft.start_ms).toBe(NOON + 900_000);
    expect([faultsOf(draft), volumesOf(draft)]).toEqual([["points"], null]);
  });

  test("a circle has one place, which moves", () => {
    expect(volumesOf(addPoint(addPoint(draft, A), B))?.[0]?.shape).toEqual({
      kind: "circle",
      center: B,
      radius_m: 1000,
    });
  });

  test("a corridor needs two points, a polygon three", () => {
    const line = addPoint(addPoint({ ...draft, kind: "corridor" }, A), B);
    expect(volumesOf(line)?.[0]?.shape).toEqual({ kind: "corridor", path: [A, B], width_m: 500 });
    expect(faultsOf({ ...line, kind: "polygon" })).toEqual(["points"]);
  });

  test("heights and times have an order, sizes are above zero", () => {
    const wrong = { ...addPoint(draft, A), radius_m: 0, lower_m: 120, end_ms: draft.start_ms };
    expect(faultsOf(wrong)).toEqual(["size", "heights", "times"]);
  });

  test("a way out of one volume can be changed again, one of several is kept as it is", () => {
    const volumes = volumesOf(addPoint(draft, A)) ?? [];
    const moved = volumes.map((volume) => ({ ...volume, lower_m: 50, upper_m: 170 }));
    const next = withVolumes(draft, moved);
    expect([next.given, next.lower_m, volumesOf(next)]).toEqual([null, 50, moved]);
    expect(volumesOf(withVolumes(draft, [...moved, ...moved]))).toHaveLength(2);
  });
});

describe("a GeoJSON file", () => {
  const properties = {
    id: "heli-2",
    start: at(0),
    end: at(20),
    lower_m: 580,
    upper_m: 640,
    datum: "AMSL",
    radius_m: 250,
    width_m: 100,
  };
  const file = (geometry: object, change: object = {}): string =>
    JSON.stringify({ type: "Feature", properties: { ...properties, ...change }, geometry });
  const RING = [
    [7, 46],
    [8, 46],
    [8, 47],
    [7, 46],
  ];

  test.each([
    [{ type: "Point", coordinates: [7.4, 46.9, 500] }, ["circle"]],
    [
      {
        type: "LineString",
        coordinates: [
          [7.4, 46.9],
          [7.5, 47],
        ],
      },
      ["corridor"],
    ],
    [{ type: "Polygon", coordinates: [RING] }, ["polygon"]],
    [
      {
        type: "MultiPoint",
        coordinates: [
          [7, 46],
          [8, 46],
        ],
      },
      ["circle", "circle"],
    ],
    [
      {
        type: "GeometryCollection",
        geometries: [
          { type: "Point", coordinates: [7, 46] },
          { type: "Polygon", coordinates: [RING] },
        ],
      },
      ["circle", "polygon"],
    ],
  ])("%j is read", (geometry, kinds) => {
    expect(readGeoJson(file(geometry))[0]?.volumes.map((volume) => volume.shape.kind)).toEqual(kinds);
  });

  test("Features of one id are one plan; the closing vertex is dropped", () => {
    const one = JSON.parse(file({ type: "Polygon", coordinates: [RING] })) as object;
    const [plan, ...more] = readGeoJson(JSON.stringify({ type: "FeatureCollection", features: [one, one] }));
    expect([more.length, plan?.id, plan?.volumes.length]).toEqual([0, "heli-2", 2]);
    const shape = plan?.volumes[0]?.shape;
    expect(shape?.kind === "polygon" && shape.vertices.length).toBe(3);
  });

  test.each([
    ["{", "no_json"],
    ["[]", "no_feature"],
    [file({ type: "Polygon", coordinates: [RING, RING] }), "holes"],
    [file({ type: "Point", coordinates: [7.4] }), "geometry"],
    [file({ type: "Point", coordinates: [7.4, 95] }), "geometry"],
    [file({ type: "Circle" }), "geometry"],
    [file({ type: "Point", coordinates: [7.4, 46.9] }, { start: "2026-07-01T10:00:00" }), "property"],
    [file({ type: "Point", coordinates: [7.4, 46.9] }, { lower_m: "580" }), "property"],
    [file({ type: "Point", coordinates: [7.4, 46.9] }, { datum: "QFE" }), "property"],
  ])("%s is refused: %s", (text, what) => {
    let fault: unknown = null;
    try {
      readGeoJson(text);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(FileFault);
    expect((fault as FileFault).what).toBe(what);
  });
});
