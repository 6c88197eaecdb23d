/** The map: MapLibre draws the ground, deck.gl what is known; this file connects both to the page. */

import { MapboxOverlay } from "@deck.gl/mapbox";
import { Map as MapLibre, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { LatLon } from "../api/wire";
import type { Context, Draft, MapPort } from "../shell/context";
import { h } from "../shell/dom";
import { groundOf } from "../shell/settings";
import { wrapLon } from "../units/position";
import { decodeCamera, encodeCamera, fitPoints, heightOf, metresAPixel, pointsOf, tilt, TILT_DEG } from "./camera";
import { type Dragged, HandleDrag } from "./handles";
import { hoverBox, isPiece, type Target } from "./hover";
import { labelsOf } from "./label_texts";
import { LabelCanvas } from "./labels";
import { layersOf } from "./layers";
import { partyPlaces } from "./palette";
import { Readout } from "./readout";
import { conflictsKey, gatherScene } from "./gather";
import { EMPTY_SCENE, type Scene } from "./scene";
import { mountSearch } from "./search";
import { groundStyle, seaColor } from "./style";
import { type Item, VolumeTable } from "./table";
import type { World } from "./outline";
import { isPaintedByProcessor, Pace } from "./pace";
import { setRatio } from "./ratio";
import { loadTiles, type TileSource } from "./tiles";
import { FINE_ZOOM, type Fineness, loadWorld } from "./world";

// A file of our own: a worker made of a blob is not allowed by the page's content security policy.
setWorkerUrl(new URL(workerUrl, location.href).href);

const MOST_VISIBLE = 20_000;
/** A map narrower than this has labels without heights. */
const ROOMY_PX = 560;
/** The map rests when nothing moved for so long. */
const REST_MS = 600;

export class MapBoard implements MapPort {
  readonly element: HTMLElement;
  private readonly map: MapLibre;
  private readonly overlay: MapboxOverlay;
  private readonly table = new VolumeTable();
  private readonly labels: LabelCanvas;
  private readonly readout: Readout;
  private readonly searchHost = h("div", { class: "search-host" });
  private readonly hover = hoverBox();
  private readonly indices = new Int32Array(MOST_VISIBLE);
  private readonly before = new Int32Array(MOST_VISIBLE);
  private beforeCount = -1;
  private aheadKey = "";
  private conflictsKey = "";
  private world: World | null = null;
  private tiles: TileSource | null = null;
  private readonly attribution = h("div", { class: "attribution", dir: "auto" });
  private fineness: Fineness | null = null;
  private readonly pace = new Pace();
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private isResizing = false;
  private scene: Scene = { ...EMPTY_SCENE };
  private draft: Draft | null = null;
  private drag: HandleDrag | null = null;
  private clicks: ((place: LatLon, isLast: boolean) => void) | null = null;
  private places = new Map<string, number>();
  private generation = -1;
  private isFitted = false;

  constructor(
    host: HTMLElement,
    private readonly context: Context,
    camera: string | null,
    onMove: (camera: string) => void,
  ) {
    this.element = h("div", { class: "map-canvas" });
    this.element.style.backgroundColor = seaColor(this.ground());
    host.append(this.element, this.searchHost, this.hover.element);
    const start = decodeCamera(camera);
    this.isFitted = start !== null;
    this.map = new MapLibre({
      container: this.element,
      style: groundStyle(this.ground(), null, null),
      center: [10, 30],
      zoom: 1.5,
      pitch: context.settings.get().isTilted ? TILT_DEG : 0,
      ...start,
      maxPitch: 60,
      attributionControl: false,
      fadeDuration: 0,
      // Its lines are smooth by themselves, and four samples a pixel are dear without a graphics processor.
      canvasContextAttributes: { antialias: false },
    });
    this.overlay = new MapboxOverlay({
      interleaved: false,
      layers: [],
      pickingRadius: 4,
      deviceProps: { type: "webgl", webgl: { antialias: false } },
      // Its canvas takes no keys: it must be no stop for them.
      onLoad: () => {
        const canvas = this.overlay.getCanvas();
        canvas?.setAttribute("tabindex", "-1");
        canvas?.setAttribute("aria-hidden", "true");
      },
      onHover: (info) => this.hover.show(info.object as Target | undefined, info.x, info.y, this.context),
      getCursor: ({ isHovering }) => (this.clicks ? "crosshair" : isHovering ? "pointer" : "grab"),
    });
    this.map.addControl(this.overlay);
    if (isPaintedByProcessor(rendererOf(this.map.getCanvas()))) this.pace.beginCoarse();
    this.labels = new LabelCanvas(this.map);
    this.readout = new Readout(this.map, context);
    host.append(this.readout.element, this.attribution);
    this.map.on("click", (event) =>
      this.click(event.point, { lat_deg: event.lngLat.lat, lon_deg: wrapLon(event.lngLat.lng) }),
    );
    this.map.on("dblclick", (event) => {
      if (!this.clicks) return;
      event.preventDefault();
      this.clicks({ lat_deg: event.lngLat.lat, lon_deg: wrapLon(event.lngLat.lng) }, true);
    });
    this.map.on("move", () => {
      if (!this.isResizing) this.stir(true);
    });
    this.map.on("moveend", () => {
      if (this.isResizing) return;
      onMove(encodeCamera(this.map));
      this.redraw();
      void this.loadGround();
    });
    this.sharpen();
    this.relabel();
    void this.loadGround();
  }

  /** Words, units or colours changed. */
  relabel(): void {
    this.map.getCanvas().setAttribute("aria-label", this.context.say("map.label"));
    this.searchHost.replaceChildren(
      mountSearch(
        this.context,
        (place) => this.map.easeTo({ center: [place.lon_deg, place.lat_deg], zoom: Math.max(this.map.getZoom(), 11) }),
        (planId) => this.fitPlan(planId),
      ),
    );
    this.readout.update();
    this.beforeCount = -1;
    this.update();
    // Parts of the page over the map were made anew: what they covered is drawn again.
    this.map.triggerRepaint();
  }

  repaint(): void {
    this.element.style.backgroundColor = seaColor(this.ground());
    this.map.setStyle(groundStyle(this.ground(), this.world, this.tiles), { diff: false });
    this.redraw();
  }

  setTilt(isTilted: boolean): void {
    tilt(this.map, isTilted);
    this.redraw();
  }

  resize(): void {
    this.map.resize();
  }

  copyPlace(): void {
    this.readout.copy();
  }

  zoom(steps: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + steps, duration: 200 });
  }

  /** Brings the picture in step with what is known and looked at; cheap when nothing changed. */
  update(): void {
    const { known, view } = this.context;
    const isNew = this.generation !== known.generation;
    if (isNew) {
      this.generation = known.generation;
      this.table.update(known.plans);
      this.places = partyPlaces(
        [...known.parties.keys(), ...[...known.plans.values()].map((plan) => plan.party_id)],
        this.context.who.party_id,
      );
      if (!this.isFitted && known.isLoaded && known.plans.size > 0) {
        this.isFitted = true;
        this.fitAll(false);
      }
    }
    this.table.show(this.context.shown.ids());
    const instant_ms = this.context.instant();
    const count = this.table.collect(instant_ms, instant_ms, this.indices);
    if (isNew || !this.isSame(count)) {
      this.scene.items = this.items(count);
      this.remember(count);
    }
    this.updateAhead(instant_ms, view.get().ahead_min);
    this.conflictsKey = conflictsKey(known, instant_ms);
    gatherScene(this.scene, this.context, this.table, this.draft, instant_ms);
    this.redraw();
  }

  /** Only the instant moved: redraws if other volumes are there now. */
  tick(): void {
    const instant_ms = this.context.instant();
    const count = this.table.collect(instant_ms, instant_ms, this.indices);
    if (this.isSame(count) && conflictsKey(this.context.known, instant_ms) === this.conflictsKey) return;
    this.stir(false);
    this.update();
  }

  fitPlan(planId: string): void {
    const plan = this.context.known.plans.get(planId);
    if (plan) fitPoints(this.map, pointsOf([plan]), heightOf([plan]));
  }

  fit(points: Iterable<LatLon>, height_m = 0): void {
    fitPoints(this.map, points, height_m);
  }

  fitAll(isAnimated = true): void {
    const plans = [...this.context.known.plans.values()];
    fitPoints(this.map, pointsOf(plans), heightOf(plans), isAnimated);
  }

  showDraft(draft: Draft | null): void {
    this.draft = draft;
    this.update();
  }

  captureClicks(listener: (place: LatLon, isLast: boolean) => void): () => void {
    this.clicks = listener;
    this.map.doubleClickZoom.disable();
    return () => {
      if (this.clicks !== listener) return;
      this.clicks = null;
      this.map.doubleClickZoom.enable();
    };
  }

  dragHandles(listener: Dragged): () => void {
    const drag = new HandleDrag(this.map, () => this.draft?.handles ?? [], listener);
    this.drag = drag;
    return () => {
      drag.stop();
      if (this.drag === drag) this.drag = null;
    };
  }

  center(): LatLon {
    const { lat, lng } = this.map.getCenter();
    return { lat_deg: lat, lon_deg: wrapLon(lng) };
  }

  bounds(): readonly [number, number, number, number] {
    const bounds = this.map.getBounds();
    return [bounds.getSouth(), bounds.getWest(), bounds.getNorth(), bounds.getEast()];
  }

  partyPlace(partyId: string): number {
    return this.places.get(partyId) ?? 1;
  }

  private ground(): "dark" | "light" {
    return groundOf(this.context.settings.get().theme);
  }

  /** The coarse outline first: it is small, and enough for a view of the world. */
  private async loadGround(): Promise<void> {
    const fineness = this.fineness === null || this.map.getZoom() < FINE_ZOOM ? "coarse" : "fine";
    if (this.fineness === "fine" || this.fineness === fineness) return;
    this.fineness = fineness;
    try {
      if (fineness === "coarse") this.tiles = await loadTiles();
      this.attribution.textContent = this.tiles?.attribution ?? "";
      this.world = await loadWorld(fineness);
      this.map.setStyle(groundStyle(this.ground(), this.world, this.tiles), { diff: false });
      if (fineness === "coarse") void this.loadGround();
    } catch (error) {
      this.context.notices.trouble(error);
    }
  }

  /** Something moves: it is drawn as finely as can be done in time, and sharply when it rests. */
  private stir(isSure: boolean): void {
    if (this.pace.stir(performance.now(), isSure)) this.sharpen();
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => {
      this.pace.rest();
      this.sharpen();
      this.redraw();
    }, REST_MS);
  }

  private sharpen(): void {
    const { ground, volumes } = this.pace.ratios(window.devicePixelRatio || 1);
    // It tells a movement that is none.
    this.isResizing = true;
    setRatio(this.map, ground);
    this.isResizing = false;
    this.overlay.setProps({ useDevicePixels: volumes });
  }

  private click(point: { x: number; y: number }, place: LatLon): void {
    if (this.drag?.isHeld) return;
    if (this.clicks) return this.clicks(place, false);
    const found = this.overlay.pickObject({ x: point.x, y: point.y, radius: 6 });
    const target = found?.object as Target | undefined;
    if (!target) this.context.select(null);
    else if (!isPiece(target)) this.context.select({ kind: "plan", planId: target.plan.plan_id });
    else if (target.refusalId)
      this.context.select({ kind: "refusal", refusalId: target.refusalId, place: target.place });
  }

  private items(count: number): Item[] {
    return Array.from({ length: count }, (_, k) => this.table.item(this.indices[k] as number));
  }

  /** Uses the same column of indices as the instant's: those have been remembered by then. */
  private updateAhead(instant_ms: number, ahead_min: number): void {
    if (ahead_min === 0) {
      this.scene.ahead = [];
      return;
    }
    // Once a minute of shown time is often enough for what is only announced.
    const from_ms = Math.floor(instant_ms / 60_000) * 60_000;
    const key = `${from_ms}/${ahead_min}/${this.generation}/${this.context.shown.key()}`;
    if (key === this.aheadKey) return;
    this.aheadKey = key;
    this.scene.ahead = this.items(this.table.collect(from_ms, from_ms + ahead_min * 60_000, this.indices));
  }

  private isSame(count: number): boolean {
    if (count !== this.beforeCount) return false;
    for (let k = 0; k < count; k += 1) if (this.indices[k] !== this.before[k]) return false;
    return true;
  }

  private remember(count: number): void {
    this.before.set(this.indices.subarray(0, count));
    this.beforeCount = count;
  }

  private redraw(): void {
    const ground = this.ground();
    const isTilted = this.context.settings.get().isTilted;
    const selection = this.context.view.get().selection;
    const { lat } = this.map.getCenter();
    const look = {
      ground,
      isTilted,
      placeOf: (partyId: string) => this.partyPlace(partyId),
      selectedId: selection?.kind === "plan" ? selection.planId : null,
      pixel_m: metresAPixel(this.map.getZoom(), lat),
    };
    this.overlay.setProps({ layers: layersOf(this.scene, look) });
    this.labels.set(labelsOf(this.scene, this.context, isTilted, this.element.clientWidth >= ROOMY_PX), ground);
  }
}

function rendererOf(canvas: HTMLCanvasElement): string {
  const context = canvas.getContext("webgl2");
  const names = context?.getExtension("WEBGL_debug_renderer_info");
  return names ? String(context?.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "";
}
