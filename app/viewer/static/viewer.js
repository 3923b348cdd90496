// The viewer of one film: what the server sends, what the reader does to it, and when a frame is drawn.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const OPACITY = 0.5;
  const SETTLE_MS = 140;
  const NARROW_PX = 560;
  const NO_WINDOW = { center: 0, width: 1 };

  class Viewer extends egma.Reader {
    constructor(root, send) {
      super();
      this.root = root;
      this.send = send;
      this.view = new egma.View();
      this.state = {
        film: null, filmId: null, title: "", checkpoint: "", notice: "", note: "", spacing_mm: null, source_hw: null,
        window: NO_WINDOW, own: NO_WINDOW, preset: "file", inverted: false, tool: "pan",
        layers: [], off: new Set(), mapsOn: false, solo: false, at: 0, mark: null, hover: null, aiming: false,
        look: { opacity: OPACITY, threshold: 0, low: 0, high: 1, from: 0, smooth: true, colours: "auto", peaks: true, ...egma.keptTaste() },
      };
      this.lastShow = 0;
      this.lastCurrent = "";
      this.loading = null;
      this.life = new AbortController();
      this.controls = new egma.Controls(root, this, this.life.signal);
      this.canvas = this.controls.parts.canvas;
      this.context = this.canvas.getContext("2d");
      // further layers, such as gaze: each extension makes {paint(context, view), show(data)} for this viewer
      this.painters = Object.values(egma.extensions || {}).map((extend) => extend(this)).filter(Boolean);
      this.watch();
      egma.joinGroup(this);
      this.controls.sync();
      this.refresh();
    }

    watch() {
      egma.attachGestures(this.canvas, this.actor(), () => this.state.tool, this.life.signal);
      egma.attachKeys(this.canvas, this, this.life.signal);
      this.canvas.addEventListener("blur", () => { this.state.aiming = false; this.paint(); }, { signal: this.life.signal });
      this.sizes = new ResizeObserver(() => this.resize());
      this.sizes.observe(this.controls.parts.stage);
      this.removal = new MutationObserver(() => { if (!this.root.isConnected) this.destroy(); });
      this.removal.observe(document.body, { childList: true, subtree: true });
    }

    destroy() {
      this.life.abort();
      egma.leaveGroup(this);
      this.loading?.abort();
      this.sizes.disconnect();
      this.removal.disconnect();
      cancelAnimationFrame(this.frame);
      clearTimeout(this.settling);
    }

    actor() {
      return {
        pan: (dx, dy) => this.move(() => this.view.pan(dx, dy)),
        zoomAt: (x, y, factor) => this.move(() => this.view.zoomAt(x, y, factor)),
        window: (dx, dy) => this.dragWindow(dx, dy),
        click: (x, y) => this.click(x, y),
        twice: () => this.preset("file"),
        hover: (x, y) => { this.state.hover = x === null ? null : { x, y }; this.state.aiming = false; this.paint(true); },
        settle: () => this.paint(),
      };
    }

    /** Take the page's data. The reader's view is kept while the film is the same one. */
    show(data) {
      const value = data || {}, { state } = this;
      const url = value.image && typeof value.image.url === "string" ? value.image.url : null;
      const filmId = String(value.film_id || (value.image && value.image.path) || "");
      const isNew = filmId !== state.filmId || url !== this.url;
      Object.assign(state, {
        title: String(value.title || ""), checkpoint: String(value.checkpoint || ""), notice: String(value.notice || ""),
        note: String(value.window_note || ""), spacing_mm: pair(value.spacing_mm), source_hw: pair(value.source_hw),
      });
      const isOther = filmId !== state.filmId;
      if (isOther) this.forgetFilm(filmId);
      this.takeRange(value);
      this.takeLayers(value);
      if (isNew) this.load(url, value, isOther);
      else if (state.film) this.describe();
      for (const painter of this.painters) painter.show?.(value);
      egma.takeUp(this);
      this.refresh();
    }

    forgetFilm(filmId) {
      Object.assign(this.state, { filmId, mapsOn: false, mark: null, hover: null, inverted: false, solo: false, at: 0, off: new Set() });
      this.view.flipped = false;
    }

    /** The checkpoint's range, and the share of it that is drawn at first; a threshold of the reader's own stays. */
    takeRange({ low, high, drawn_from: from }) {
      const { look } = this.state;
      if (![low, high, from].every(Number.isFinite) || !(high > low)) return;
      if (low === look.low && high === look.high && from === look.from) return;
      Object.assign(look, { low, high, from, threshold: low + from * (high - low) });
    }

    takeLayers(value) {
      const { state } = this, kept = state.layers[state.at]?.id;
      state.layers = egma.parseLayers(value.layers);
      const asked = Number.isFinite(value.show) && value.show > 0 && value.show !== this.lastShow;
      if (asked) {
        this.lastShow = value.show;
        state.mapsOn = state.layers.length > 0;
        const wanted = Array.isArray(value.visible) ? value.visible.map(String) : null;
        state.off = new Set(wanted ? state.layers.map(({ id }) => id).filter((id) => !wanted.includes(id)) : []);
      }
      if (asked || value.step) state.solo = Boolean(value.step) && state.layers.length > 0;
      const current = String(value.current || ""), isSent = current && (asked || current !== this.lastCurrent);
      this.lastCurrent = current;
      state.at = Math.max(0, state.layers.findIndex(({ id }) => id === (isSent ? current : kept)));
      egma.fillLayerList(this);
    }

    async load(url, value, isOther) {
      const { state } = this;
      this.loading?.abort();
      this.url = url;
      state.film = null;
      this.controls.parts.empty.textContent = url ? "Loading the film…" : "Open a film to begin.";
      if (!url) return this.controls.say("No film is open.");
      const loading = (this.loading = new AbortController());
      this.controls.say("Loading the film…");
      try {
        const film = await egma.loadFilm(url, Boolean(value.packed16), loading.signal);
        if (loading.signal.aborted) return; // another film was opened meanwhile
        this.open(film, value, isOther);
      } catch (problem) {
        if (loading.signal.aborted) return;
        this.url = null; // the same film may be asked for again
        this.controls.parts.empty.textContent = "The film's picture could not be loaded.";
        this.controls.say(`The film's picture could not be loaded (${problem.message}). Open the film again.`, "error");
      }
      this.refresh();
    }

    /** Show a film that was loaded; one that is only sent anew keeps the reader's view and window. */
    open(film, { center, width }, isOther) {
      const { state } = this, whole = { center: film.top / 2, width: film.top };
      state.film = film;
      state.own = Number.isFinite(center) && Number.isFinite(width) && width >= 1 ? { center, width } : whole;
      this.stale = true;
      if (isOther || film.width !== this.view.film.width || film.height !== this.view.film.height) {
        Object.assign(state, { window: { ...state.own }, preset: "file" });
        this.view.open(film.width, film.height);
      }
      this.describe();
    }

    /** What is asked of the model takes a moment; `ready` takes these words back, unless others came since. */
    wait() { this.controls.say("Working on it\u2026", "wait"); }

    ready() { if (this.controls.parts.status.dataset.kind === "wait") this.describe(); }

    describe() {
      const { film, note, layers } = this.state;
      const maps = layers.length ? `${layers.length} ${layers.length === 1 ? "map" : "maps"}` : "";
      this.controls.say([`${film.width} × ${film.height} px`, note, maps].filter(Boolean).join(" · "));
    }

    isOn(layer) { return !this.state.off.has(layer.id); }

    listed() {
      const { layers, solo, at } = this.state;
      return solo ? layers.slice(at, at + 1) : layers.filter((layer) => this.isOn(layer));
    }

    /** Automatic: one even map for one phrase, one hue a phrase for several. */
    paletteOf(layer) {
      const { colours } = this.state.look;
      const name = colours === "auto" ? (this.listed().length > 1 ? "hues" : "plasma") : colours;
      return egma.colours.paletteFor(name, layer.index);
    }

    /** The layers on the film now, with their colours. */
    shown() {
      if (!this.state.mapsOn) return [];
      return this.listed().map((layer) => ({ layer, palette: this.paletteOf(layer) }));
    }

    develop() {
      this.stale = true;
      this.paint(true);
    }

    developNow() {
      this.state.film.develop(this.state.window, this.state.inverted);
      this.stale = false;
    }

    refresh() {
      const listed = this.state.mapsOn ? this.listed() : [];
      for (const layer of this.state.layers) if (!listed.includes(layer)) layer.forget();
      this.controls.sync();
      egma.syncLayerList(this);
      this.paint();
    }

    resize() {
      const { clientWidth: width, clientHeight: height } = this.controls.parts.stage;
      if (!width || !height) return; // in a tab that is not shown
      this.dpr = window.devicePixelRatio || 1;
      this.canvas.width = Math.round(width * this.dpr);
      this.canvas.height = Math.round(height * this.dpr);
      this.view.resize(width, height);
      this.drawNow();
    }

    /** Ask for a frame; a quick one is followed by a fine one when the hand rests. */
    paint(quick = false) {
      this.quick = quick && (this.frame === undefined || this.quick !== false);
      clearTimeout(this.settling);
      if (quick) this.settling = setTimeout(() => this.paint(), SETTLE_MS);
      if (this.frame !== undefined) return;
      this.frame = requestAnimationFrame(() => {
        this.frame = undefined;
        this.drawNow();
      });
    }

    drawNow() {
      const { state, view, context } = this, { width, height } = view.stage;
      if (!width) return;
      context.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
      context.fillStyle = "#000";
      context.fillRect(0, 0, width, height);
      if (state.film) this.drawFilmAndMaps();
      this.controls.syncFigures();
      const aim = state.aiming && document.activeElement === this.canvas ? { x: width / 2, y: height / 2 } : state.hover;
      egma.fillReadout(this, aim && state.film ? view.toFilm(aim.x, aim.y) : null);
      egma.follow(this);
    }

    drawFilmAndMaps() {
      const { state, view, context } = this;
      if (this.stale) this.developNow();
      const shown = this.shown();
      this.drawFilm(shown.length === 0 && this.painters.some(({ isMoving }) => isMoving));
      egma.drawMaps(context, view, shown, state.look);
      for (const painter of this.painters) painter.paint(context, view);
      if (state.mark) egma.drawMark(context, view, state.mark, shown.length ? shown[0].layer : state.layers[0]);
      if (state.aiming && document.activeElement === this.canvas) egma.drawAim(context, view);
      this.drawLegend(shown.map(({ palette }) => palette));
    }

    /** The film; while something moves on it, a copy at the stage's own size, drawn anew with each zoom or window. */
    drawFilm(isKept) {
      const { state: { film }, view, context, dpr } = this;
      if (!isKept) return egma.drawFilm(context, view, film, { dpr, quick: this.quick });
      this.still = this.still || new egma.StillLayer(true);
      this.still.show(context, dpr, `${film.stamp} ${view.key}`, (own) => egma.drawFilm(own, view, film, { dpr, quick: true }));
    }

    /** The colour bar: on the stage, or below it where the stage is too narrow to spare the room. */
    drawLegend(palettes) {
      const { view, state } = this, isNarrow = view.stage.width < NARROW_PX;
      egma.fillFlatBar(this.controls.parts.flatBar, isNarrow ? palettes : [], state.look);
      if (palettes.length && !isNarrow) egma.drawStageLegend(this.context, view.stage, palettes, state.look);
    }
  }

  const pair = (value) => (Array.isArray(value) && value.length === 2 && value.every((each) => Number.isFinite(each) && each > 0) ? value : null);

  /** Make the viewer of an element. `send` holds a function for each event of the component. */
  egma.mount = (element, send) => {
    const root = element.querySelector(".egv");
    root.viewer = new Viewer(root, send);
    return root.viewer;
  };
})();
