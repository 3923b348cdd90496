// What a reader does to the film and its maps, by whichever way: buttons, keys, mouse and touch all end here.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});

  /** Acts on `state`, `view`, `controls` and `send` of the viewer that extends it. */
  class Reader {
    move(change) {
      if (!this.state.film) return;
      change();
      this.paint(true);
    }

    zoom(factor) { this.move(() => this.view.zoom(factor)); }
    fit() { this.move(() => this.view.fit()); }
    actual() { this.move(() => this.view.actual()); }
    nudge(dx, dy) { this.state.aiming = true; this.state.hover = null; this.move(() => this.view.pan(dx, dy)); }

    flip() {
      this.move(() => this.view.flip());
      this.controls.sync();
    }

    invert() {
      this.state.inverted = !this.state.inverted;
      this.develop();
      this.controls.sync();
    }

    setTool(tool) {
      this.state.tool = tool;
      this.controls.sync();
    }

    preset(name) {
      const found = egma.windowPresets.find(([key]) => key === name), { state } = this;
      if (!found || !state.film) return;
      state.window = { ...found[2](state.film, state.own) };
      state.preset = name;
      this.develop();
    }

    /** Centre or width by number; what is no number changes nothing. */
    setWindow({ center, width }) {
      const { state } = this;
      if (!state.film) return;
      const span = state.film.top, next = { ...state.window };
      if (Number.isFinite(width)) next.width = Math.min(4 * span, Math.max(1, width));
      if (Number.isFinite(center)) next.center = Math.min(2 * span, Math.max(-span, center));
      Object.assign(state, { window: next, preset: "" });
      this.develop();
    }

    /** The film's own window, dragged across 512 pixels, doubles or closes: the same feel on any film. */
    dragWindow(dx, dy) {
      const { window: now, own } = this.state, step = own.width / 512;
      this.setWindow({ width: now.width + dx * step, center: now.center + dy * step });
    }

    reset() {
      const { state } = this;
      if (!state.film) return;
      Object.assign(state, { inverted: false, mark: null, preset: "file", window: { ...state.own } });
      this.view.flipped = false;
      this.view.fit();
      this.develop();
      this.controls.sync();
    }

    click(x, y) {
      const { state } = this, { u, v } = this.view.toFilm(x, y);
      if (!state.film || u < 0 || u >= 1 || v < 0 || v >= 1) return;
      state.mark = { u, v };
      this.paint();
      this.send.patch_click?.({ u, v });
    }

    clickCenter() {
      this.state.aiming = true;
      this.click(this.view.stage.width / 2, this.view.stage.height / 2);
    }

    toggleMaps() {
      if (!this.state.layers.length) return;
      this.state.mapsOn = !this.state.mapsOn;
      this.refresh();
      this.controls.say(this.state.mapsOn ? `Maps on: ${this.shown().map(({ layer }) => layer.phrase).join("; ")}` : "Maps off.");
    }

    look(change) {
      Object.assign(this.state.look, change);
      egma.keepTaste(this.state.look);
      this.refresh();
    }

    nudgeThreshold(steps) {
      const { low, high, threshold } = this.state.look;
      this.look({ threshold: Math.min(high, Math.max(low, threshold + (steps * (high - low)) / 40)) });
    }

    switchLayer(layer, on) {
      const { state } = this;
      if (state.solo) return this.stepTo(state.layers.indexOf(layer));
      on ? state.off.delete(layer.id) : state.off.add(layer.id);
      if (on) state.mapsOn = true;
      this.refresh();
    }

    switchAll(on) {
      const { state } = this;
      state.solo = false;
      state.off = new Set(on ? [] : state.layers.map(({ id }) => id));
      if (on) state.mapsOn = true;
      this.refresh();
    }

    toggleSolo() {
      if (!this.state.layers.length) return;
      this.state.solo = !this.state.solo;
      if (this.state.solo) this.state.mapsOn = true;
      this.refresh();
    }

    step(by) {
      const { state } = this, count = state.layers.length;
      if (count) this.stepTo(state.solo ? Math.min(count - 1, Math.max(0, state.at + by)) : state.at);
    }

    stepTo(index) {
      const { state } = this, layer = state.layers[index], moved = !state.solo || index !== state.at;
      Object.assign(state, { solo: true, at: index, mapsOn: true });
      this.refresh();
      this.controls.say(`Phrase ${index + 1} of ${state.layers.length}: ${layer.phrase}`);
      if (moved) this.send.layer_step?.({ index, id: layer.id });
    }

    toggleHelp() {
      const { help, helpSwitch } = this.controls.parts;
      help.hidden = !help.hidden;
      helpSwitch.setAttribute("aria-expanded", String(!help.hidden));
      help.hidden ? this.canvas.focus({ preventScroll: true }) : help.querySelector("button").focus({ preventScroll: true });
    }

    escape() {
      if (!this.controls.parts.help.hidden) return this.toggleHelp();
      this.state.mark = null;
      this.paint();
    }

    fullScreen() {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.root.requestFullscreen?.().catch(() => this.controls.say("This browser does not allow full screen here."));
    }

    savePicture() {
      this.deliver(() => egma.savePicture(this), "Saved egma-map.png.");
    }

    copyPicture() {
      this.deliver(() => egma.copyPicture(this), "The picture is on the clipboard.");
    }

    async deliver(act, done) {
      if (!this.state.film) return;
      if (this.stale) this.developNow();
      try {
        await act();
        this.controls.say(done);
      } catch {
        this.controls.say("This browser did not allow it; use a screenshot of the page instead.", "error");
      }
    }
  }

  egma.Reader = Reader;
})();
