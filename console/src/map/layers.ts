/** deck.gl layers out of a scene. */

import type { Layer } from "@deck.gl/core";
import { PathStyleExtension, type PathStyleExtensionProps } from "@deck.gl/extensions";
import { PathLayer, ScatterplotLayer, SolidPolygonLayer } from "@deck.gl/layers";
import type { LatLon } from "../api/wire";
import type { Pair } from "../plans/pairs";
import { arrowPath } from "./arrows";
import { type Ground, INKS, type Inks, partyColor, type Rgb, type Rgba, STATE_STYLE } from "./palette";
import type { Arrow, Body, Ghost, Piece, Scene } from "./scene";
import type { Item } from "./table";

export interface Look {
  readonly ground: Ground;
  /** Whether heights are drawn as heights. */
  readonly isTilted: boolean;
  readonly placeOf: (partyId: string) => number;
  readonly selectedId: string | null;
  /** Metres on the ground for a pixel, for the heads of arrows. */
  readonly pixel_m: number;
}

/** Dashes run on around a border instead of beginning anew at each of its points. */
const DASHES = new PathStyleExtension({ dash: true, dashMode: "path" });
const DASHED = { extensions: [DASHES], dashUnits: "pixels" as const };

type Dashed<T> = PathStyleExtensionProps<T>;

function withAlpha(color: Rgb, alpha: number): Rgba {
  return [color[0], color[1], color[2], alpha];
}

export function layersOf(scene: Scene, look: Look): Layer[] {
  const inks = INKS[look.ground];
  const layers: Layer[] = [aheadLayer(scene.ahead, look)];
  if (look.isTilted) layers.push(shadowLayer(scene.items, look));
  layers.push(fillLayer(scene.items, look), borderLayer(scene.items, look, inks));
  layers.push(markLayer(scene.marks, inks, look));
  layers.push(selectedLayer(scene.selected, look, inks), ...pieceLayers(scene.pieces, look, inks));
  layers.push(...ghostLayers(scene.ghosts, look, inks), arrowLayer(scene.arrows, look, inks));
  layers.push(handleLayer(scene.handles, inks));
  // An extruded layer without data asks for minus one instance, which the graphics driver reports as an error.
  return layers.filter((layer) => (layer.props.data as readonly unknown[]).length > 0);
}

function colorOf(item: Item, look: Look, alpha: number): Rgba {
  return withAlpha(partyColor(look.placeOf(item.plan.party_id), look.ground), alpha);
}

/** What comes soon: a faint stain without border, so that many of them show where it will be busy. */
function aheadLayer(items: readonly Item[], look: Look): Layer {
  return new SolidPolygonLayer<Item>({
    id: look.isTilted ? "ahead-3d" : "ahead",
    data: items as Item[],
    positionFormat: "XYZ",
    getPolygon: (item) => (look.isTilted ? item.base : item.ground),
    getFillColor: (item) => colorOf(item, look, look.ground === "dark" ? 30 : 36),
    extruded: false,
    parameters: { depthWriteEnabled: false },
    updateTriggers: { getFillColor: look.ground },
  });
}

/** Where a volume in the air stands over the ground. */
function shadowLayer(items: readonly Item[], look: Look): Layer {
  return new SolidPolygonLayer<Item>({
    id: "shadows",
    data: items as Item[],
    positionFormat: "XYZ",
    getPolygon: (item) => item.ground,
    getFillColor: look.ground === "dark" ? [0, 0, 0, 110] : [40, 60, 80, 40],
    extruded: false,
  });
}

function fillLayer(items: readonly Item[], look: Look): Layer {
  return new SolidPolygonLayer<Item>({
    id: look.isTilted ? "volumes-3d" : "volumes",
    data: items as Item[],
    pickable: true,
    positionFormat: "XYZ",
    getPolygon: (item) => (look.isTilted ? item.base : item.ground),
    extruded: look.isTilted,
    getElevation: (item) => item.volume.upper_m - item.volume.lower_m,
    getFillColor: (item) => colorOf(item, look, STATE_STYLE[item.plan.state].fill),
    material: false,
    parameters: { depthWriteEnabled: false },
    updateTriggers: { getFillColor: look.ground },
  });
}

function borderLayer(items: readonly Item[], look: Look, inks: Inks): Layer {
  return new PathLayer<Item, Dashed<Item>>({
    id: look.isTilted ? "borders-3d" : "borders",
    data: items as Item[],
    ...DASHED,
    positionFormat: "XYZ",
    _pathType: "open",
    getPath: (item) => (look.isTilted ? item.top : item.ground),
    getColor: (item) => borderColor(item, look, inks),
    getWidth: (item) => STATE_STYLE[item.plan.state].width_px,
    getDashArray: (item) => STATE_STYLE[item.plan.state].dash as [number, number],
    widthUnits: "pixels",
    updateTriggers: { getColor: look.ground },
  });
}

function borderColor(item: Item, look: Look, inks: Inks): Rgba {
  const { border } = STATE_STYLE[item.plan.state];
  if (border === "alarm") return withAlpha(inks.alarm, 255);
  if (border === "ink") return withAlpha(inks.ink, 255);
  return colorOf(item, look, 255);
}

/** Every volume of the selected plan, at whatever time. */
function selectedLayer(items: readonly Item[], look: Look, inks: Inks): Layer {
  return new PathLayer<Item>({
    id: look.isTilted ? "selected-3d" : "selected",
    data: items as Item[],
    positionFormat: "XYZ",
    _pathType: "open",
    getPath: (item) => (look.isTilted ? item.top : item.ground),
    getColor: withAlpha(inks.ink, 220),
    getWidth: 2,
    widthUnits: "pixels",
    updateTriggers: { getColor: look.ground },
  });
}

/** A volume that is no plan's at the instant: a faint body with a dashed border. */
interface Outlined<T> {
  readonly fills: string;
  readonly borders: string;
  readonly data: readonly T[];
  readonly isPickable: boolean;
  readonly fill: (one: T) => Rgba;
  readonly border: (one: T) => Rgba;
  readonly width: (one: T) => number;
  readonly dash: (one: T) => readonly [number, number];
  /** Where its border runs when heights are drawn. */
  readonly raised: (one: T) => Float64Array;
}

function outlinedLayers<T extends Body>(of: Outlined<T>, look: Look): Layer[] {
  const suffix = look.isTilted ? "-3d" : "";
  return [
    new SolidPolygonLayer<T>({
      id: of.fills + suffix,
      data: of.data as T[],
      pickable: of.isPickable,
      positionFormat: "XYZ",
      getPolygon: (one) => (look.isTilted ? one.base : one.ground),
      extruded: look.isTilted,
      getElevation: (one) => one.upper_m - one.lower_m,
      getFillColor: of.fill,
      material: false,
      parameters: { depthWriteEnabled: false },
      updateTriggers: { getFillColor: look.ground },
    }),
    new PathLayer<T, Dashed<T>>({
      id: of.borders + suffix,
      data: of.data as T[],
      ...DASHED,
      positionFormat: "XYZ",
      _pathType: "open",
      getPath: (one) => (look.isTilted ? of.raised(one) : one.ground),
      getColor: of.border,
      getWidth: of.width,
      getDashArray: (one) => of.dash(one) as [number, number],
      widthUnits: "pixels",
      updateTriggers: { getColor: look.ground },
    }),
  ];
}

/** Open conflicts are full and thickly bordered; of a settled one only a thin dotted border is left. */
function pieceLayers(pieces: readonly Piece[], look: Look, inks: Inks): Layer[] {
  const ink = (piece: Piece): Rgb => (piece.settlement ? inks.settled : inks.alarm);
  return outlinedLayers<Piece>(
    {
      fills: "pieces",
      borders: "piece-borders",
      data: pieces,
      isPickable: true,
      fill: (piece) => withAlpha(ink(piece), pieceAlpha(piece)),
      border: (piece) => withAlpha(ink(piece), 255),
      width: (piece) => (piece.isSelected ? 4 : piece.settlement ? 1.5 : 3),
      dash: (piece) => (piece.settlement ? [2, 3] : [0, 0]),
      raised: (piece) => piece.base,
    },
    look,
  );
}

function pieceAlpha(piece: Piece): number {
  if (piece.settlement) return piece.isSelected ? 60 : 14;
  return piece.isSelected ? 170 : 110;
}

const GHOST_DASH: Readonly<Record<Ghost["kind"], readonly [number, number]>> = {
  refused: [4, 6],
  way_out: [14, 5],
  draft: [0, 0],
};

function ghostColor(ghost: Ghost, inks: Inks): Rgb {
  if (ghost.kind === "refused") return inks.alarm;
  return ghost.kind === "draft" ? inks.ink : inks.good;
}

function ghostLayers(ghosts: readonly Ghost[], look: Look, inks: Inks): Layer[] {
  return outlinedLayers<Ghost>(
    {
      fills: "ghost-fills",
      borders: "ghosts",
      data: ghosts,
      isPickable: false,
      fill: (ghost) => withAlpha(ghostColor(ghost, inks), ghost.kind === "draft" ? 60 : 18),
      border: (ghost) => withAlpha(ghostColor(ghost, inks), 240),
      width: () => 2,
      dash: (ghost) => GHOST_DASH[ghost.kind],
      raised: (ghost) => ghost.top,
    },
    look,
  );
}

function arrowLayer(arrows: readonly Arrow[], look: Look, inks: Inks): Layer {
  return new PathLayer<Arrow>({
    id: "arrows",
    data: arrows as Arrow[],
    getPath: (arrow) => arrowPath(arrow, look.isTilted, look.pixel_m) as [number, number, number][],
    getColor: withAlpha(inks.good, 255),
    getWidth: 3,
    widthUnits: "pixels",
    updateTriggers: { getPath: [look.isTilted, look.pixel_m], getColor: look.ground },
  });
}

function markLayer(marks: readonly Pair[], inks: Inks, look: Look): Layer {
  const isOpen = (pair: Pair): boolean => !pair.settlement?.is_settled;
  return new ScatterplotLayer<Pair>({
    id: "marks",
    data: marks as Pair[],
    getPosition: ({ conflict }) => [conflict.place.lon_deg, conflict.place.lat_deg],
    getRadius: (pair) => (isOpen(pair) ? 7 : 3),
    radiusUnits: "pixels",
    getFillColor: (pair) => (isOpen(pair) ? withAlpha(inks.alarm, 220) : withAlpha(inks.good, 120)),
    updateTriggers: { getFillColor: look.ground },
  });
}

function handleLayer(handles: readonly LatLon[], inks: Inks): Layer {
  return new ScatterplotLayer<LatLon>({
    id: "handles",
    data: handles as LatLon[],
    getPosition: (handle) => [handle.lon_deg, handle.lat_deg],
    getRadius: 5,
    radiusUnits: "pixels",
    stroked: true,
    filled: true,
    getFillColor: withAlpha(inks.halo, 255),
    getLineColor: withAlpha(inks.ink, 255),
    lineWidthUnits: "pixels",
    getLineWidth: 2,
  });
}
