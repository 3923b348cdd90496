// Where the film lies on the stage: fit, zoom at a point, pan, and the way back from a point of the stage to the film.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const MAX_SCALE = 32; // stage pixels per film pixel; more only where a tiny film is fitted larger
  const KEPT_PX = 48; // this much of the film stays on the stage, however far it is dragged

  class View {
    constructor() {
      this.stage = { width: 0, height: 0 };
      this.film = { width: 0, height: 0 };
      this.fitted = true;
      this.flipped = false;
      Object.assign(this, { scale: 1, x: 0, y: 0 });
    }

    get isReady() {
      return this.stage.width > 0 && this.film.width > 0;
    }

    get fitScale() {
      return Math.min(this.stage.width / this.film.width, this.stage.height / this.film.height);
    }

    /** Tells apart two ways in which a film lies on the stage. */
    get key() {
      return [this.x, this.y, this.scale, this.flipped, this.film.width, this.film.height].join(" ");
    }

    open(width, height) {
      this.film = { width, height };
      this.fit();
    }

    /** The stage has a new size: a fitted film is fitted again, a zoomed one keeps its centre. */
    resize(width, height) {
      const before = { ...this.stage };
      this.stage = { width, height };
      if (this.fitted || !before.width) return this.fit();
      this.pan((width - before.width) / 2, (height - before.height) / 2);
    }

    fit() {
      this.fitted = true;
      if (!this.isReady) return;
      this.scale = this.fitScale;
      this.center();
    }

    /** Show a place {zoom over fitted, u, v at the stage's middle}; none shows the whole film. */
    show(place) {
      if (!this.isReady) return;
      if (!place) return this.fit();
      this.fitted = false;
      this.scale = this.fitScale * place.zoom;
      Object.assign(this, { x: 0, y: 0 });
      const at = this.toStage(place.u, place.v);
      Object.assign(this, { x: this.stage.width / 2 - at.x, y: this.stage.height / 2 - at.y });
    }

    center() {
      this.x = (this.stage.width - this.film.width * this.scale) / 2;
      this.y = (this.stage.height - this.film.height * this.scale) / 2;
    }

    /** Zoom by a factor; the point (x, y) of the stage stays where it is. */
    zoomAt(x, y, factor) {
      if (!this.isReady) return;
      const least = Math.min(this.fitScale, 1) * 0.5;
      const scale = Math.min(Math.max(MAX_SCALE, this.fitScale), Math.max(least, this.scale * factor));
      this.x = x - (x - this.x) * (scale / this.scale);
      this.y = y - (y - this.y) * (scale / this.scale);
      this.scale = scale;
      this.fitted = false;
      this.keepOnStage();
    }

    zoom(factor) {
      this.zoomAt(this.stage.width / 2, this.stage.height / 2, factor);
    }

    /** One pixel of the film on one pixel of the screen. */
    actual() {
      this.zoom(1 / (window.devicePixelRatio || 1) / this.scale);
    }

    pan(dx, dy) {
      this.x += dx;
      this.y += dy;
      this.fitted = false;
      this.keepOnStage();
    }

    keepOnStage() {
      const kept = (place, size, room) => {
        const least = Math.min(KEPT_PX, size);
        return Math.min(room - least, Math.max(least - size, place));
      };
      this.x = kept(this.x, this.film.width * this.scale, this.stage.width);
      this.y = kept(this.y, this.film.height * this.scale, this.stage.height);
    }

    /** Mirror the film about the stage's middle, so that what is looked at stays in sight. */
    flip() {
      this.flipped = !this.flipped;
      this.x = this.stage.width - this.x - this.film.width * this.scale;
    }

    /** Fractions (u, v) of the film, as it was recorded, under a point of the stage; may lie outside 0..1. */
    toFilm(x, y) {
      const u = (x - this.x) / (this.film.width * this.scale);
      return { u: this.flipped ? 1 - u : u, v: (y - this.y) / (this.film.height * this.scale) };
    }

    /** The point of the stage that shows (u, v). */
    toStage(u, v) {
      const across = this.flipped ? 1 - u : u;
      return { x: this.x + across * this.film.width * this.scale, y: this.y + v * this.film.height * this.scale };
    }

    /** Left, top, width and height on the stage of a box in fractions of the film, the right way round when flipped. */
    toStageBox([u0, v0, u1, v1]) {
      const a = this.toStage(u0, v0), b = this.toStage(u1, v1);
      return { x: Math.min(a.x, b.x), y: a.y, width: Math.abs(b.x - a.x), height: b.y - a.y };
    }
  }

  egma.View = View;
})();
