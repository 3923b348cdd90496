// The gaze map on a film of another tab: the recording that is open in the Gaze tab, where it is of the same film.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const LEGEND_PX = 86; // the scale stands at the left edge: the maps' own is at the right
  const published = (egma.publishedGaze = egma.publishedGaze || new Map());

  /** Keep what a stage shows under its film's id, in this page's memory alone. */
  egma.publishGaze = ({ filmId, readers }) => {
    published.clear();
    if (filmId && readers.length) published.set(filmId, readers);
    document.dispatchEvent(new CustomEvent("egma-gaze-published"));
  };

  class GazeLayer {
    constructor(viewer) {
      Object.assign(this, { viewer, isOn: false });
      this.button = document.createElement("button");
      Object.assign(this.button, { type: "button", className: "egv-switch", textContent: "Gaze", hidden: true });
      this.button.title = "Where the reader of the recording that is open in the Gaze tab looked";
      this.button.addEventListener("click", () => this.flip(), { signal: viewer.life.signal });
      viewer.root.querySelector(".egv-maps .egv-row").prepend(this.button);
      document.addEventListener("egma-gaze-published", () => this.sync(), { signal: viewer.life.signal });
      this.sync();
    }

    get readers() { return published.get(this.viewer.state.filmId) || []; }
    get isShown() { return this.isOn && this.readers.length > 0; }

    show() {
      this.sync();
    }

    flip() {
      this.isOn = !this.isOn;
      this.sync();
      this.viewer.controls.say(this.isShown ? this.words()[0].words : "Gaze off.");
    }

    sync() {
      const { length } = this.readers;
      this.button.hidden = !length;
      this.button.setAttribute("aria-pressed", String(this.isShown));
      this.viewer.paint();
    }

    scale(aspect) {
      const layers = this.readers.map((track) => ({ track, grid: egma.densityOf(track, aspect) }));
      const high = egma.roundUp(Math.max(...layers.map(({ grid }) => grid.peak), 0)), several = layers.length > 1;
      for (const each of layers) each.palette = egma.colours.paletteFor(several ? "hues" : "viridis", each.track.index);
      return { layers, look: { low: 0, high, threshold: 0 } };
    }

    paint(context, view, { unit = 1, legend = true } = {}) {
      if (!this.isShown) return;
      const { layers, look } = this.kept(view.film.width / view.film.height);
      for (const { track, grid, palette } of layers) egma.gazePaint.drawHeat(context, view, egma.colourGrid(track, grid, palette, look), 0.6);
      if (legend) egma.drawStageLegend(context, { width: LEGEND_PX, height: view.stage.height }, layers.map(({ palette }) => palette), look, ["gaze: s per", "sq. degree"]);
      if (this.readers.some(({ simulated }) => simulated)) egma.gazePaint.drawBadge(context, view.stage, "SIMULATED GAZE", unit);
    }

    /** The scale of the readers on this film, computed once for them. */
    kept(aspect) {
      const { readers } = this;
      if (this.cache?.readers !== readers || this.cache.aspect !== aspect) this.cache = { readers, aspect, found: this.scale(aspect) };
      return this.cache.found;
    }

    bars() {
      if (!this.isShown) return [];
      const { film } = this.viewer.view, { layers, look } = this.kept(film.width / film.height);
      return [{ palettes: layers.map(({ palette }) => palette), look, words: ["gaze: s per", "sq. degree"] }];
    }

    words() {
      if (!this.isShown) return [];
      const simulated = this.readers.some((track) => track.simulated) ? "Simulated gaze" : "Recorded gaze";
      return [{ words: `${simulated} of ${this.readers.map(({ name }) => name).join(", ")}: seconds of looking per square degree.`, strong: true }];
    }
  }

  egma.extensions = { ...egma.extensions, layer: (viewer) => (viewer.root.querySelector("[data-gaze]") ? null : new GazeLayer(viewer)) };
})();
