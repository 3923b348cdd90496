// A film's pixels: fetched once, unpacked to 16 bits, and shown through any window without asking the server again.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  let stamps = 0;
  const MAX_SIDE_PX = 4096; // a picture larger than any the page serves is refused before its pixels are copied

  class Film {
    /** @param {Uint16Array} values row-major, bone bright  @param {number} top largest value the picture can hold */
    constructor(values, width, height, top) {
      Object.assign(this, { values, width, height, top });
      this.canvas = document.createElement("canvas");
      this.canvas.width = width;
      this.canvas.height = height;
      this.context = this.canvas.getContext("2d");
      this.image = this.context.createImageData(width, height);
      this.words = new Uint32Array(this.image.data.buffer);
      this.table = new Uint32Array(top + 1);
    }

    /** Redraw `canvas` through a window; straight lines, as DICOM's LINEAR_EXACT (PS3.3 C.11.2.1.3.2). */
    develop({ center, width }, inverted) {
      const low = center - width / 2;
      const { table, words, values } = this;
      for (let value = 0; value < table.length; value++) {
        const share = Math.min(1, Math.max(0, (value - low) / width));
        const grey = Math.round((inverted ? 1 - share : share) * 255);
        table[value] = (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
      }
      for (let at = 0; at < words.length; at++) words[at] = table[values[at]];
      this.context.putImageData(this.image, 0, 0);
      this.stamp = ++stamps; // tells apart what `canvas` showed at different times, of any film
    }

    valueAt(u, v) {
      const x = Math.floor(u * this.width), y = Math.floor(v * this.height);
      return x >= 0 && y >= 0 && x < this.width && y < this.height ? this.values[y * this.width + x] : null;
    }

    /** Counts of values in the middle of the film, where the patient is; collimator and padding keep to the borders. */
    get histogram() {
      if (this._histogram) return this._histogram;
      const counts = new Uint32Array(this.top + 1);
      const [x0, x1] = [0.08, 0.92].map((share) => Math.floor(share * this.width));
      const [y0, y1] = [0.08, 0.92].map((share) => Math.floor(share * this.height));
      for (let y = y0; y < Math.max(y1, y0 + 1); y++) {
        for (let x = x0; x < Math.max(x1, x0 + 1); x++) counts[this.values[y * this.width + x]]++;
      }
      if (counts.some((count, value) => count && value > 0)) counts[0] = 0; // padding
      return (this._histogram = counts);
    }

    percentile(share) {
      const counts = this.histogram;
      const wanted = counts.reduce((sum, count) => sum + count, 0) * share;
      let seen = 0;
      for (let value = 0; value < counts.length; value++) {
        seen += counts[value];
        if (seen >= wanted && seen > 0) return value;
      }
      return this.top;
    }

    /** The window between two percentiles of the film's values. */
    windowOf(from, to) {
      const low = this.percentile(from), high = this.percentile(to);
      return { center: (low + high) / 2, width: Math.max(1, high - low) };
    }
  }

  /** Windows by name. The lungs are the film's dark half, bones and mediastinum its bright half. */
  const PRESETS = [
    ["file", "Default", (film, own) => own],
    ["auto", "Auto (1–99 %)", (film) => film.windowOf(0.01, 0.99)],
    ["lungs", "Lungs", (film) => film.windowOf(0.01, 0.62)],
    ["bones", "Bones, mediastinum", (film) => film.windowOf(0.38, 0.995)],
    ["soft", "Low contrast", (film, own) => ({ center: own.center, width: own.width * 1.6 })],
    ["hard", "High contrast", (film, own) => ({ center: own.center, width: Math.max(1, own.width * 0.6) })],
    ["full", "Full range", (film) => ({ center: film.top / 2, width: film.top })],
  ];

  async function loadFilm(url, packed16, signal) {
    const answer = await fetch(url, { credentials: "same-origin", signal });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    // without these two options a browser may shift the bytes that carry the low half of a value
    const picture = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const { width, height } = picture;
    if (Math.max(width, height) > MAX_SIDE_PX) throw new Error("the picture is too large");
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    picture.close();
    const bytes = context.getImageData(0, 0, width, height).data;
    const values = new Uint16Array(width * height);
    if (packed16) for (let at = 0; at < values.length; at++) values[at] = (bytes[at * 4] << 8) | bytes[at * 4 + 1];
    else for (let at = 0; at < values.length; at++) values[at] = bytes[at * 4];
    return new Film(values, width, height, packed16 ? 65535 : 255);
  }

  Object.assign(egma, { Film, loadFilm, windowPresets: PRESETS });
})();
