// Recordings on a film: which of them, which part of them and how they are drawn; everything happens in the browser.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const LAST_S = 3;
  const GROUND_FRAMES = 4; // the map grows slowly: while it plays it and the bar are drawn with every fourth frame, the eye with each
  const KEPT_AS = "egma-gaze";
  const NARROW_PX = 560;
  const UNIT = ["seconds per", "square degree"], SPREAD = ["times an", "even spread"];

  class GazeStage {
    constructor(viewer) {
      Object.assign(this, { viewer, readers: [], regions: [], predicted: null, leader: null, off: new Set(), span: "whole", filmId: "", opened: "" });
      this.on = { heat: true, path: true, regions: false, view: true, predicted: false };
      this.taste = { opacity: 0.6, colours: "auto", ...keptTaste() };
      this.clock = new egma.GazeClock(() => this.tick());
      Object.assign(this, { ground: new egma.StillLayer(), path: new egma.StillPath(), looks: 0 });
      this.bar = new egma.GazeBar(viewer.root, this, viewer.life.signal);
      this.sizes = new ResizeObserver(() => this.bar.drawStrip());
      this.sizes.observe(this.bar.parts.gazeStrip);
      viewer.life.signal.addEventListener("abort", () => { this.clock.pause(); this.sizes.disconnect(); });
      egma.gazeStage = this;
      this.bar.sync();
    }

    /** Take the page's data; a recording that was not on screen before starts to play, unless motion is unwanted. */
    show(value) {
      const data = value.gaze || {};
      const readers = (Array.isArray(data.readers) ? data.readers : []).map((raw, index) => new egma.GazeTrack(raw, index)).filter((track) => track.count);
      const opened = JSON.stringify([value.film_id, readers.map(({ id }) => id)]), isNew = opened !== this.opened;
      const regions = Array.isArray(data.regions) ? data.regions : [], predicted = data.predicted || null;
      const isPredicted = predicted && JSON.stringify(predicted) !== JSON.stringify(this.predicted);
      Object.assign(this, { regions, predicted, filmId: String(value.film_id || "") });
      if (isNew) this.open(readers, opened);
      this.on.predicted = predicted ? this.on.predicted || isPredicted : false;
      if (isPredicted) Object.assign(this.on, { predicted: true, heat: !readers.length });
      egma.publishGaze?.(this);
      if (isPredicted) this.viewer.controls.say(this.meaning());
      this.changed(isNew ? "open" : "look");
    }

    open(readers, opened) {
      const isFirst = readers.length && !this.readers.length;
      Object.assign(this, { readers, opened, off: new Set(), leader: readers[0] || null, span: "whole", applied: null });
      this.gathered = new Map();
      this.scales = new Map();
      this.on.heat = true;
      this.stopRecording();
      this.clock.open(this.leader ? spanOf(readers) : [0, 0]);
      if (isFirst) this.on.path = true;
      if (this.leader && !egma.prefersStillness() && this.viewer.view.stage.width) this.play();
    }

    get shown() { return this.readers.filter(({ id }) => !this.off.has(id)); }
    get hasView() { return Boolean(this.leader && (this.leader.shown.length > 1 || this.leader.windows.length > 1)); }
    get simulated() { return this.shown.some(({ simulated }) => simulated); }
    get isMoving() { return this.clock.playing; }
    get isRecording() { return Boolean(this.recorder); }

    aspect() {
      const { film } = this.viewer.view;
      return film.width && film.height ? film.width / film.height : 1;
    }

    // what the reader of the page does

    play() {
      if (this.span === "whole") this.span = "now";
      this.clock.play();
      this.changed("play");
    }

    toggle() {
      if (!this.clock.playing) return this.play();
      this.clock.pause();
      this.changed("play");
    }

    seek(seconds) {
      if (this.span === "whole") this.span = "now";
      this.clock.seek(seconds);
      this.changed("time");
    }

    setSpeed(speed) {
      this.clock.speed = speed;
      this.changed("look");
    }

    changeSpeed(by) {
      const at = egma.gazeSpeeds.indexOf(this.clock.speed);
      this.setSpeed(egma.gazeSpeeds[Math.min(egma.gazeSpeeds.length - 1, Math.max(0, at + by))]);
    }

    setSpan(span) {
      if (span === "whole" && this.applied) {
        this.applied = null;
        this.giveViewBack();
      }
      this.span = span;
      this.changed("look");
    }

    stepSpan() {
      const spans = egma.gazeSpans.filter((span) => span !== "sentence" || this.leader.sentences.length);
      this.setSpan(spans[(spans.indexOf(this.span) + 1) % spans.length]);
    }

    flip(name) {
      if (name === "predicted" && !this.predicted) return;
      this.on[name] = !this.on[name];
      if (name === "predicted" && this.on.predicted) this.on.heat = false;
      if (name === "heat" && this.on.heat) this.on.predicted = false;
      if (name === "view" && !this.on.view) this.giveViewBack();
      this.applied = null;
      this.changed("look");
    }

    look(change) {
      Object.assign(this.taste, change);
      keepTaste(this.taste);
      this.changed("look");
    }

    switchReader(reader, on) {
      on ? this.off.delete(reader.id) : this.off.add(reader.id);
      this.changed("look");
    }

    lead(reader) {
      Object.assign(this, { leader: reader, applied: null });
      this.off.delete(reader.id);
      this.changed("lead");
    }

    stepSentence(by) {
      const count = this.leader?.sentences.length || 0;
      if (!count) return;
      const at = this.sentence();
      this.showSentence(Math.min(count - 1, Math.max(0, (at < 0 ? count : at) + by)));
    }

    /** Jump to a sentence and show its gaze alone. */
    showSentence(index) {
      const sentence = this.leader?.sentences[index];
      if (!sentence) return;
      this.span = "sentence";
      this.clock.seek(sentence.start_s);
      this.changed("sentence", { index });
    }

    sentence() {
      return this.leader ? this.leader.sentenceAt(this.clock.now) : -1;
    }

    record() {
      if (!this.recorder) {
        this.recorder = egma.recordReplay(this);
        if (this.recorder) return this.play();
      }
      this.stopRecording();
      this.changed("look");
    }

    stopRecording() {
      const { recorder } = this;
      this.recorder = null;
      recorder?.stop();
    }

    // what follows

    tick() {
      if (this.on.view && this.clock.playing) this.follow();
      this.viewer.paint(true);
      this.recorder?.draw();
      if (!this.clock.playing || this.clock.frames % GROUND_FRAMES === 0) this.bar.syncTime(); // half a pixel of the bar a frame
      this.tell("time");
      if (!this.clock.playing) this.changed("play");
    }

    changed(kind, detail = {}) {
      this.looks += 1;
      if (this.recorder && !this.clock.playing) this.stopRecording();
      if (this.on.view && kind !== "look" && kind !== "open" && this.span !== "whole") this.follow();
      this.bar.sync();
      this.viewer.paint();
      this.tell(kind, detail);
    }

    tell(kind, detail = {}) {
      document.dispatchEvent(new CustomEvent("egma-gaze", { detail: { stage: this, kind, ...detail } }));
    }

    /** Zoom and window as the leading reader had them, whenever they change. */
    follow() {
      const { viewer, leader } = this, { film } = viewer.state;
      if (!film || !leader || !this.hasView) return;
      const row = Math.max(0, leader.rowAt(this.clock.now)), shown = leader.shownAt(row), set = leader.windowAt(row);
      const key = JSON.stringify([shown, set, viewer.view.stage]);
      if (key === this.applied) return;
      this.applied = key;
      if (shown) zoomTo(viewer.view, shown);
      if (!set) return;
      const next = { center: set.level * film.top, width: Math.max(1, set.width * film.top) };
      if (next.center === viewer.state.window.center && next.width === viewer.state.window.width) return;
      Object.assign(viewer.state, { window: next, preset: "" });
      viewer.develop();
      viewer.controls.sync();
    }

    giveViewBack() {
      this.viewer.view.fit();
      this.viewer.preset("file");
    }

    /** Rows of a track that are drawn now. */
    rowsOf(track) {
      const { now } = this.clock;
      if (this.span === "now") return [0, track.rowAt(now) + 1];
      if (this.span === "last") return track.rowsBetween(now - LAST_S, now + 1e-9);
      if (this.span === "sentence") return track === this.leader ? track.sentenceRows(this.sentence()) : [0, 0];
      return [0, track.count];
    }

    gridOf(track) {
      const aspect = this.aspect();
      if (this.span !== "now") {
        const rows = this.rowsOf(track), key = `${rows} ${aspect}`, kept = track.kept;
        if (kept && kept.key === key) return kept.grid;
        track.kept = { key, grid: egma.densityOf(track, aspect, rows) };
        return track.kept.grid;
      }
      const found = this.gathered.get(track.id);
      if (found && found.aspect === aspect) return found.at(this.clock.now);
      const made = Object.assign(new egma.Gathered(track, aspect), { aspect });
      this.gathered.set(track.id, made);
      return made.at(this.clock.now);
    }

    /** The top of the scale: the whole recording's peak, the same while it plays; a sentence's own. */
    top(shown) {
      if (this.span === "sentence" || this.span === "last") return egma.roundUp(Math.max(...shown.map((track) => this.gridOf(track).peak), 0));
      const aspect = this.aspect(), key = `${aspect} ${shown.map(({ id }) => id)}`;
      if (!this.scales.has(key)) this.scales.set(key, egma.roundUp(Math.max(...shown.map((track) => egma.densityOf(track, aspect).peak), 0)));
      return this.scales.get(key);
    }

    /** Look of the map now: its range, where drawing begins, and the palette of each track. */
    scale() {
      const shown = this.shown, high = this.top(shown), several = shown.length > 1;
      const name = several ? "hues" : this.taste.colours === "auto" ? "plasma" : this.taste.colours;
      return { low: 0, high, threshold: 0, layers: shown.map((track) => ({ track, palette: egma.colours.paletteFor(name, track.index) })) };
    }

    /** Called by the viewer for every frame and for the exported picture. */
    paint(context, view, { unit = 1, legend = true } = {}) {
      const { viewer, clock } = this, { gazePaint } = egma;
      const isKept = this.isMoving && context === viewer.context, key = `${this.looks} ${view.key} ${viewer.dpr}`;
      if (isKept) this.ground.show(context, viewer.dpr, `${key} ${Math.floor(clock.frames / GROUND_FRAMES)}`, (own) => this.paintGround(own, view, unit, legend));
      else this.paintGround(context, view, unit, legend);
      const parts = this.on.path ? this.shown.map((track) => this.partOf(track)) : [];
      if (isKept) this.path.show(context, view, parts, { dpr: viewer.dpr, unit, key });
      else for (const { track, rows, hue, until } of parts) gazePaint.drawPath(context, view, track, rows, { hue, unit, until });
      for (const track of this.span === "whole" ? [] : this.shown) {
        const eye = track.eyeAt(clock.now);
        if (eye) gazePaint.drawEye(context, view, eye, this.hueOf(track), unit);
      }
      const badge = this.badge();
      if (badge) gazePaint.drawBadge(context, view.stage, badge, unit);
    }

    /** What lies below the scan-path: the map with its scale, and regions. */
    paintGround(context, view, unit, legend) {
      const isPredicted = this.on.predicted && this.predicted;
      if (isPredicted) this.paintPredicted(context, view, legend);
      if (this.leader && this.on.heat && this.shown.length) this.paintHeat(context, view, legend);
      else if (legend && !isPredicted) egma.fillFlatBar(this.bar.parts.gazeFlat, [], { low: 0, high: 1, threshold: 0 });
      if (this.on.regions) egma.gazePaint.drawRegions(context, view, this.regions, unit);
    }

    hueOf(track) {
      return this.shown.length > 1 ? egma.colours.hueOf(track.index) : "#7fe0ff";
    }

    /** A track's scan-path of now: its rows, and until when their circles have grown. */
    partOf(track) {
      const isGrowing = this.span === "now" || this.span === "last";
      return { track, rows: this.rowsOf(track), until: isGrowing ? this.clock.now : Infinity, hue: this.hueOf(track) };
    }

    paintHeat(context, view, legend) {
      const { layers, ...look } = this.scale();
      for (const { track, palette } of layers) {
        egma.gazePaint.drawHeat(context, view, egma.colourGrid(track, this.gridOf(track), palette, look), this.taste.opacity);
      }
      if (legend) this.paintLegend(context, view, layers.map(({ palette }) => palette), look, UNIT);
    }

    predictedScale() {
      const high = egma.roundUp(this.predicted.data.reduce((best, value) => (value > best ? value : best), 0));
      const palette = egma.colours.paletteFor(this.taste.colours === "auto" ? "viridis" : this.taste.colours, 0);
      return { palettes: [palette], look: { low: 0, high, threshold: 0 } };
    }

    paintPredicted(context, view, legend) {
      const { rows, cols, data } = this.predicted, { palettes, look } = this.predictedScale();
      const values = data.map((value) => (typeof value === "number" ? value : NaN));
      egma.gazePaint.drawHeat(context, view, egma.colourGrid(this, { width: cols, height: rows, values }, palettes[0], look), this.taste.opacity);
      if (legend) this.paintLegend(context, view, palettes, look, SPREAD);
    }

    paintLegend(context, view, palettes, look, words) {
      const isNarrow = view.stage.width < NARROW_PX;
      egma.fillFlatBar(this.bar.parts.gazeFlat, isNarrow ? palettes : [], look);
      if (!isNarrow) egma.drawStageLegend(context, view.stage, palettes, look, words);
    }

    badge() {
      const words = [];
      if (this.on.predicted && this.predicted) words.push("PREDICTED, NOT RECORDED");
      if (this.simulated) words.push("SIMULATED GAZE");
      return words.join(" \u00b7 ");
    }

    /** What a map of now means, in a sentence. */
    meaning() {
      if (this.on.predicted && this.predicted) return `${this.predicted.label}. Colours: times an even spread; 1 is what every place would get if looking were spread evenly.`;
      if (!this.leader) return "No recording is open on this film. Open one, or an example, to see where a reader looked.";
      const spans = { whole: "the whole recording", now: "the recording up to this moment", last: "the last three seconds", sentence: "the sentence of this moment" };
      const merged = this.leader.merged > 1 ? ` Each circle stands for ${this.leader.merged} consecutive fixations.` : "";
      const alone = this.span === "sentence" && this.shown.length > 1 ? " Sentences are of the reader whose dictation is shown; the others are hidden." : "";
      return `Gaze of ${spans[this.span]}. Map: seconds of looking per square degree of vision. Scan-path: numbered in order, a circle's area is its time.${merged}${alone}`;
    }

    /** The scales of what is drawn, for the exported picture. */
    bars() {
      if (this.on.predicted && this.predicted) return [{ ...this.predictedScale(), words: SPREAD }];
      if (!this.leader || !this.on.heat || !this.shown.length) return [];
      const { layers, ...look } = this.scale();
      return [{ palettes: layers.map(({ palette }) => palette), look, words: UNIT }];
    }

    /** The words below the exported picture. */
    words() {
      if (!this.leader && !this.on.predicted) return [];
      const sentence = this.span === "sentence" && this.leader?.sentences[this.sentence()];
      const several = this.shown.length > 1;
      return [
        ...(sentence ? [{ words: `\u201c${sentence.text}\u201d`, strong: true }] : []),
        ...(this.simulated ? [{ words: "Simulated gaze: made by a program, nobody was recorded.", strong: true }] : []),
        ...this.shown.map((track) => ({ words: track.name, palette: several ? egma.colours.paletteFor("hues", track.index) : null })),
        { words: this.meaning() },
      ];
    }
  }

  function spanOf(readers) {
    const spans = readers.map(({ span }) => span);
    return [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))];
  }

  /** Lay the shown part of the film over the stage as large as it fits. */
  function zoomTo(view, [u0, v0, u1, v1]) {
    const whole = u0 <= 0.002 && v0 <= 0.002 && u1 >= 0.998 && v1 >= 0.998;
    if (whole || !(u1 > u0 && v1 > v0)) return view.fit();
    const { film, stage } = view;
    view.fitted = false;
    view.scale = Math.min(stage.width / ((u1 - u0) * film.width), stage.height / ((v1 - v0) * film.height));
    const centre = [(u0 + u1) / 2, (v0 + v1) / 2];
    view.x = stage.width / 2 - (view.flipped ? 1 - centre[0] : centre[0]) * film.width * view.scale;
    view.y = stage.height / 2 - centre[1] * film.height * view.scale;
  }

  function keepTaste(taste) {
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify(taste));
    } catch { /* storage is closed in private windows */ }
  }

  function keptTaste() {
    try {
      const { opacity, colours } = JSON.parse(localStorage.getItem(KEPT_AS)) || {};
      const kept = {};
      if (opacity >= 0.1 && opacity <= 1) kept.opacity = opacity;
      if (egma.colours.choices.some(([key]) => key === colours && key !== "hues")) kept.colours = colours;
      return kept;
    } catch {
      return {};
    }
  }

  const extend = (viewer) => (viewer.root.querySelector("[data-gaze]") ? new GazeStage(viewer) : null);
  egma.extensions = { ...egma.extensions, gaze: extend };
  egma.GazeStage = GazeStage;
})();
