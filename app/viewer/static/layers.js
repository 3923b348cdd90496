// Maps: checked as they arrive, read at any point of the film, and drawn as values first and colours afterwards.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const MAX_SIDE = 256;
  const RASTER_PX = 768; // long side of an interpolated map; a grid of 64 patches has 12 of them a patch

  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  class Layer {
    constructor(raw, index) {
      this.id = String(raw.id);
      this.phrase = String(raw.phrase);
      this.index = index;
      this.rows = raw.rows;
      this.cols = raw.cols;
      this.box = raw.box.map(Number);
      this.peak = Array.isArray(raw.peak) && raw.peak.every(isNumber) ? raw.peak : null;
      this.values = Float32Array.from(raw.data, (value) => (isNumber(value) ? value : NaN));
      this.hasGaps = this.values.some(Number.isNaN);
      this.strongest = this.strongestOnFilm();
    }

    /** Place (column, row) in units of patches of a point of the film, or null where the model saw nothing. */
    place(u, v) {
      const [x0, y0, x1, y1] = this.box;
      if (u < x0 || u > x1 || v < y0 || v > y1) return null;
      return [((u - x0) / (x1 - x0)) * this.cols, ((v - y0) / (y1 - y0)) * this.rows];
    }

    cellAt(u, v) {
      const place = u >= 0 && u < 1 && v >= 0 && v < 1 ? this.place(u, v) : null;
      if (!place) return null;
      const column = Math.min(this.cols - 1, Math.floor(place[0])), row = Math.min(this.rows - 1, Math.floor(place[1]));
      return Number.isNaN(this.values[row * this.cols + column]) ? null : { row, column };
    }

    /** A patch's [u0, v0, u1, v1] in fractions of the film. */
    cellBox({ row, column }) {
      const [x0, y0, x1, y1] = this.box;
      const across = (x1 - x0) / this.cols, down = (y1 - y0) / this.rows;
      return [x0 + column * across, y0 + row * down, x0 + (column + 1) * across, y0 + (row + 1) * down];
    }

    /** Cosine at a point of the film, NaN where nothing was seen; `smooth` interpolates between patch centres. */
    valueAt(u, v, smooth) {
      const cell = this.cellAt(u, v);
      if (!cell) return NaN;
      if (!smooth) return this.values[cell.row * this.cols + cell.column];
      const [column, row] = this.place(u, v);
      return this.mix(between(column, this.cols), between(row, this.rows));
    }

    /** Bilinear mix of four patches; patches that saw nothing take no part. */
    mix([left, right, across], [top, bottom, down]) {
      const { values, cols } = this;
      const corners = [values[top * cols + left], values[top * cols + right], values[bottom * cols + left], values[bottom * cols + right]];
      const weights = [(1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down];
      let sum = 0, weight = 0;
      for (let at = 0; at < 4; at++) {
        if (weights[at] === 0 || Number.isNaN(corners[at])) continue;
        sum += corners[at] * weights[at];
        weight += weights[at];
      }
      return weight > 0 ? sum / weight : NaN;
    }

    /** The largest value among patches whose centre lies on the film. */
    strongestOnFilm() {
      let best = NaN;
      for (let row = 0; row < this.rows; row++) {
        for (let column = 0; column < this.cols; column++) {
          const [u0, v0, u1, v1] = this.cellBox({ row, column });
          const u = (u0 + u1) / 2, v = (v0 + v1) / 2, value = this.values[row * this.cols + column];
          if (u >= 0 && u <= 1 && v >= 0 && v <= 1 && !(value <= best) && !Number.isNaN(value)) best = value;
        }
      }
      return best;
    }

    /** Interpolated values over the whole film, computed once: what threshold and colours are applied to. */
    raster(aspect) {
      if (this._raster && this._raster.aspect === aspect) return this._raster;
      const width = Math.max(1, Math.round(aspect >= 1 ? RASTER_PX : RASTER_PX * aspect));
      const height = Math.max(1, Math.round(aspect >= 1 ? RASTER_PX / aspect : RASTER_PX));
      const values = new Float32Array(width * height).fill(NaN);
      const columns = places(width, this.box[0], this.box[2], this.cols), rows = places(height, this.box[1], this.box[3], this.rows);
      for (let y = 0; y < height; y++) {
        if (rows[y]) this.rasterRow(values.subarray(y * width, (y + 1) * width), columns, rows[y]);
      }
      return (this._raster = { aspect, width, height, values });
    }

    rasterRow(line, columns, row) {
      const nearestRow = row[2] < 0.5 ? row[0] : row[1];
      for (let x = 0; x < line.length; x++) {
        const column = columns[x];
        if (!column) continue;
        if (this.hasGaps && Number.isNaN(this.values[nearestRow * this.cols + (column[2] < 0.5 ? column[0] : column[1])])) continue;
        line[x] = this.hasGaps ? this.mix(column, row) : this.mixWhole(column, row);
      }
    }

    /** `mix` where every patch has a value: no arrays, for a raster of half a million pixels. */
    mixWhole(column, row) {
      const { values, cols } = this, left = column[0], right = column[1], across = column[2];
      const top = row[0] * cols, bottom = row[1] * cols;
      const above = values[top + left] + (values[top + right] - values[top + left]) * across;
      const below = values[bottom + left] + (values[bottom + right] - values[bottom + left]) * across;
      return above + (below - above) * row[2];
    }

    /** A canvas of the coloured map: over the film's area when smooth, over the grid's box (one pixel a patch) when not. */
    picture(look, palette, aspect) {
      const key = [look.smooth, look.threshold, look.low, look.high, palette.key, aspect].join(" ");
      if (this._picture && this._picture.key === key) return this._picture.canvas;
      const source = look.smooth ? this.raster(aspect) : { width: this.cols, height: this.rows, values: this.values };
      const canvas = colour(source, look, palette);
      this._picture = { key, canvas };
      return canvas;
    }

    /** Give back what can be computed again. */
    forget() {
      this._raster = this._picture = null;
    }
  }

  /** The two patches around a place along an axis and the share of the second; constant beyond the outermost centres. */
  function between(place, count) {
    const centred = clamp(place - 0.5, 0, count - 1);
    const low = Math.min(Math.floor(centred), Math.max(count - 2, 0));
    return [low, Math.min(low + 1, count - 1), centred - low];
  }

  /** `between` for each pixel of a side of the film, null where it lies outside the grid's box. */
  function places(size, from, to, count) {
    return Array.from({ length: size }, (_, at) => {
      const share = ((at + 0.5) / size - from) / (to - from);
      return share < 0 || share > 1 ? null : between(share * count, count);
    });
  }

  function colour({ width, height, values }, look, palette) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const words = new Uint32Array(image.data.buffer);
    const table = colourWords(palette), steps = (table.length - 1) / (look.high - look.low);
    for (let at = 0; at < values.length; at++) {
      const value = values[at];
      if (!egma.isDrawn(value, look)) continue;
      words[at] = table[Math.round(clamp((value - look.low) * steps, 0, table.length - 1))];
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  function colourWords(palette) {
    const words = new Uint32Array(256);
    for (let step = 0; step < 256; step++) {
      const [red, green, blue, alpha] = egma.colours.colourAt(palette, step / 255);
      words[step] = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
    return words;
  }

  egma.colourWords = colourWords;

  /** A value is drawn from the threshold up; with the threshold at the foot of the scale, all that was seen is. */
  egma.isDrawn = (value, { threshold, low }) => !Number.isNaN(value) && (threshold <= low || value >= threshold);

  /** Layers from what the server sent; what does not hold together is left out. */
  egma.parseLayers = (raws) => (Array.isArray(raws) ? raws : []).filter(holds).map((raw, index) => new Layer(raw, index));

  function holds(raw) {
    if (!raw || !Array.isArray(raw.data) || !Array.isArray(raw.box)) return false;
    const sized = [raw.rows, raw.cols].every((side) => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE);
    const [x0, y0, x1, y1] = raw.box;
    return sized && raw.data.length === raw.rows * raw.cols && raw.box.every(isNumber) && x1 > x0 && y1 > y0;
  }
})();
