// One reader's recording in the browser: columns by row, and what was going on at any moment.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});

  const numbers = (values) => Float64Array.from(Array.isArray(values) ? values : [], (value) => (typeof value === "number" ? value : NaN));

  class GazeTrack {
    constructor(raw, index) {
      Object.assign(this, { id: String(raw.id), name: String(raw.name), simulated: Boolean(raw.simulated), index, merged: raw.merged || 1 });
      Object.assign(this, { start: numbers(raw.start_s), duration: numbers(raw.duration_s), u: numbers(raw.u), v: numbers(raw.v), su: numbers(raw.su), sv: numbers(raw.sv) });
      this.count = Math.min(...["start", "duration", "u", "v", "su", "sv"].map((name) => this[name].length));
      this.shown = runs(raw.shown, 5);
      this.windows = runs(raw.window, 3);
      this.words = Array.isArray(raw.words) ? raw.words : [];
      this.sentences = Array.isArray(raw.sentences) ? raw.sentences : [];
      this.degreeArea = median(this.su) * median(this.sv) || 1;
    }

    endOf(row) {
      return this.start[row] + this.duration[row];
    }

    isOnFilm(row) {
      return this.u[row] >= 0 && this.u[row] < 1 && this.v[row] >= 0 && this.v[row] < 1; // false for a blink
    }

    /** First and last moment of gaze or speech. */
    get span() {
      const moments = this.count ? [this.start[0], this.endOf(this.count - 1)] : [];
      for (const { start_s, end_s } of [this.words[0], this.words[this.words.length - 1]].filter(Boolean)) moments.push(start_s, end_s);
      return moments.length ? [Math.min(...moments), Math.max(...moments)] : [0, 0];
    }

    /** The last row that has begun at a moment, -1 before the first. */
    rowAt(seconds) {
      let low = 0, high = this.count;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.start[middle] <= seconds) low = middle + 1;
        else high = middle;
      }
      return low - 1;
    }

    /** Rows [from, to) that begin in [from_s, to_s). */
    rowsBetween(from_s, to_s) {
      return [Math.max(0, this.rowAt(from_s - 1e-9) + 1), this.rowAt(to_s - 1e-9) + 1];
    }

    /** Where the eye is: on its fixation, or under way to the next one; null in a blink or beside the times. */
    eyeAt(seconds) {
      const row = this.rowAt(seconds);
      if (row < 0 || Number.isNaN(this.u[row])) return null;
      const end = this.endOf(row), next = row + 1;
      if (seconds <= end || next >= this.count) return { row, u: this.u[row], v: this.v[row] };
      const gap = this.start[next] - end;
      if (gap > 0.3 || Number.isNaN(this.u[next])) return { row, u: this.u[row], v: this.v[row] };
      const share = smooth(Math.min(1, (seconds - end) / gap));
      return { row, u: this.u[row] + (this.u[next] - this.u[row]) * share, v: this.v[row] + (this.v[next] - this.v[row]) * share };
    }

    shownAt(row) {
      return at(this.shown, row);
    }

    windowAt(row) {
      const found = at(this.windows, row);
      return found ? { width: found[0], level: found[1] } : null;
    }

    /** Index of the sentence a moment belongs to: readers look first and speak after. -1 after the last. */
    sentenceAt(seconds) {
      return this.sentences.findIndex(({ end_s }) => seconds < end_s);
    }

    /** Rows of a sentence's gaze. */
    sentenceRows(index) {
      const sentence = this.sentences[index];
      return sentence ? this.rowsBetween(sentence.from_s, sentence.end_s) : [0, 0];
    }

    /** Index of the word being spoken, -1 in a pause. */
    wordAt(seconds) {
      return this.words.findIndex(({ start_s, end_s }) => seconds >= start_s && seconds < end_s);
    }
  }

  /** [row, values...] lists, in the order of rows. */
  function runs(list, length) {
    return (Array.isArray(list) ? list : []).filter((run) => Array.isArray(run) && run.length === length && run.every(Number.isFinite));
  }

  function at(list, row) {
    let found = null;
    for (const run of list) {
      if (run[0] > row) break;
      found = run;
    }
    return found ? found.slice(1) : null;
  }

  function median(values) {
    const sorted = [...values].filter((value) => value > 0).sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : 0;
  }

  const smooth = (share) => share * share * (3 - 2 * share);

  egma.GazeTrack = GazeTrack;
})();
