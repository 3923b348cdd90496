// Looking time on the film: one Gaussian a fixation, one degree wide, in seconds a square degree; added up as time goes.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const LONG_SIDE = 144; // a degree of 1/27 of the film has 5 cells: finer would show nothing more
  const FADE = 0.22; // share of the scale over which colours come up from nothing, so that no edge is drawn that is none
  const REACH = 3.5; // sigmas; what lies beyond is 2 thousandths of the peak

  class DensityGrid {
    /** @param {number} aspect width over height of the film */
    constructor(aspect) {
      this.width = Math.max(1, Math.round(aspect >= 1 ? LONG_SIDE : LONG_SIDE * aspect));
      this.height = Math.max(1, Math.round(aspect >= 1 ? LONG_SIDE / aspect : LONG_SIDE));
      this.values = new Float32Array(this.width * this.height);
    }

    clear() {
      this.values.fill(0);
    }

    copy(other) {
      this.values.set(other.values);
    }

    /** Add `seconds` of looking at a row of a track, cut to the part of the film that was shown. */
    add(track, row, seconds) {
      if (!(seconds > 0) || !track.isOnFilm(row)) return;
      const across = this.factor(this.width, track.u[row], track.su[row], track.shownAt(row), 0);
      const down = this.factor(this.height, track.v[row], track.sv[row], track.shownAt(row), 1);
      const scale = (seconds * track.degreeArea) / (2 * Math.PI * track.su[row] * track.sv[row]);
      for (let y = 0; y < down.values.length; y++) {
        const weight = down.values[y] * scale, start = (down.from + y) * this.width + across.from;
        if (weight === 0) continue;
        for (let x = 0; x < across.values.length; x++) this.values[start + x] += weight * across.values[x];
      }
    }

    /** One axis of a Gaussian at the cells it reaches, 0 outside what was shown. */
    factor(cells, at, sigma, shown, axis) {
      const from = Math.max(0, Math.floor((at - REACH * sigma) * cells)), to = Math.min(cells, Math.ceil((at + REACH * sigma) * cells));
      const values = new Float32Array(Math.max(0, to - from));
      for (let cell = 0; cell < values.length; cell++) {
        const place = (from + cell + 0.5) / cells, far = (place - at) / sigma;
        if (shown && (place < shown[axis] || place >= shown[axis + 2])) continue;
        values[cell] = Math.exp(-0.5 * far * far);
      }
      return { from, values };
    }

    get peak() {
      let best = 0;
      for (const value of this.values) if (value > best) best = value;
      return best;
    }
  }

  /** What a track has gathered up to a moment: whole fixations are kept, so that the next frame adds only what is new. */
  class Gathered {
    constructor(track, aspect) {
      Object.assign(this, { track, settled: new DensityGrid(aspect), now: new DensityGrid(aspect), rows: 0 });
    }

    /** The grid at a moment of the recording. */
    at(seconds) {
      const { track, settled, now } = this;
      if (this.rows > 0 && track.endOf(this.rows - 1) > seconds) {
        settled.clear();
        this.rows = 0;
      }
      while (this.rows < track.count && track.endOf(this.rows) <= seconds) settled.add(track, this.rows, track.duration[this.rows++]);
      now.copy(settled);
      for (let row = this.rows; row < track.count && track.start[row] < seconds; row++) now.add(track, row, Math.min(seconds, track.endOf(row)) - track.start[row]);
      return now;
    }
  }

  /** The grid of rows [from, to) of a track, each with its whole duration. */
  egma.densityOf = (track, aspect, [from, to] = [0, track.count]) => {
    const grid = new DensityGrid(aspect);
    for (let row = from; row < to; row++) grid.add(track, row, track.duration[row]);
    return grid;
  };

  /** The next round number at or above a value: 1, 1.5, 2, 3, 5 or 7 times a power of ten. */
  egma.roundUp = (value) => {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 1.5, 2, 3, 5, 7, 10].map((factor) => factor * power).find((size) => size >= value * 0.999);
  };

  const words = new Map();
  const canvases = new WeakMap();

  /** A grid in colours on a canvas of its own size; `key` tells grids apart that are drawn at the same time. */
  egma.colourGrid = (key, { width, height, values }, palette, look) => {
    if (!words.has(palette.key)) words.set(palette.key, egma.colourWords(palette));
    const kept = canvasOf(key, width, height), table = words.get(palette.key), pixels = kept.words;
    const steps = (table.length - 1) / (look.high - look.low);
    for (let at = 0; at < values.length; at++) {
      const step = Math.max(0, Math.min(table.length - 1, Math.round((values[at] - look.low) * steps))) || 0;
      const word = table[step], alpha = Math.round((word >>> 24) * Math.min(1, step / (FADE * table.length)));
      pixels[at] = ((alpha << 24) | (word & 0xffffff)) >>> 0;
    }
    kept.context.putImageData(kept.image, 0, 0);
    return kept.canvas;
  };

  function canvasOf(key, width, height) {
    const found = canvases.get(key);
    if (found && found.canvas.width === width && found.canvas.height === height) return found;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d"), image = context.createImageData(width, height);
    const made = { canvas, context, image, words: new Uint32Array(image.data.buffer) };
    canvases.set(key, made);
    return made;
  }

  Object.assign(egma, { DensityGrid, Gathered });
})();
