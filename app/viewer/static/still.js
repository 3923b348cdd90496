// Layers that stay while a replay runs: each is drawn on a canvas of its own and laid over every frame until it changes.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});

  class StillLayer {
    /** @param {boolean} isOpaque nothing below shows through, which makes it cheaper to lay */
    constructor(isOpaque = false) {
      this.canvas = document.createElement("canvas");
      this.context = this.canvas.getContext("2d", { alpha: !isOpaque });
      this.key = null;
    }

    /** Make ready to hold what `key` stands for on the stage of `canvas`; true where it is empty and has to be drawn. */
    open({ width, height }, dpr, key) {
      const fits = this.canvas.width === width && this.canvas.height === height;
      if (fits && this.key === key) return false;
      if (fits) {
        this.context.setTransform(1, 0, 0, 1, 0, 0);
        this.context.clearRect(0, 0, width, height);
      } else Object.assign(this.canvas, { width, height });
      this.context.setTransform(dpr, 0, 0, dpr, 0, 0);
      this.key = key;
      return true;
    }

    lay(context) {
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(this.canvas, 0, 0);
      context.restore();
    }

    /** `draw` once for a key, and lay it. */
    show(context, dpr, key, draw) {
      if (this.open(context.canvas, dpr, key)) draw(this.context);
      this.lay(context);
    }
  }

  /** The scan-path: what has ended is kept and only added to, so that a frame draws no more than the current stop. */
  class StillPath {
    constructor() {
      Object.assign(this, { steps: new StillLayer(), stops: new StillLayer(), done: new Map() });
    }

    /** @param parts [{track, rows: [from, to), until, hue}], each a track's rows that are drawn now */
    show(context, view, parts, { dpr, unit, key }) {
      const whole = `${key} ${parts.map(({ track, rows, hue }) => [track.id, rows[0], egma.gazePaint.isNumbered(rows), hue])}`;
      const isBack = parts.some(({ track, rows, until }) => settledOf(track, rows, until) < (this.done.get(track.id) || 0));
      if (isBack) this.steps.key = this.stops.key = null;
      const isFresh = [this.steps, this.stops].map((layer) => layer.open(context.canvas, dpr, whole)).includes(true);
      if (isFresh) this.done = new Map(parts.map(({ track, rows }) => [track.id, rows[0]]));
      for (const part of parts) this.add(view, part, unit);
      this.steps.lay(context);
      this.stops.lay(context);
      for (const part of parts) this.drawCurrent(context, view, part, unit);
    }

    add(view, { track, rows, until, hue }, unit) {
      const from = this.done.get(track.id), to = settledOf(track, rows, until);
      if (to <= from) return;
      egma.gazePaint.drawPart(this.steps.context, this.stops.context, view, track, { rows, from, to, until, hue, unit });
      this.done.set(track.id, to);
    }

    drawCurrent(context, view, { track, rows, until, hue }, unit) {
      const from = settledOf(track, rows, until);
      if (from < rows[1]) egma.gazePaint.drawPart(context, context, view, track, { rows, from, to: rows[1], until, hue, unit });
    }
  }

  /** The end of the rows that have ended by a moment: circles of theirs grow no more. */
  function settledOf(track, [from, to], until) {
    let end = to;
    while (end > from && track.endOf(end - 1) > until) end -= 1;
    return end;
  }

  Object.assign(egma, { StillLayer, StillPath });
})();
