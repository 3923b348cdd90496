// The toolbar and the map controls: what they do, and how they follow the viewer's state.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});

  const ACTS = {
    zoomIn: (viewer) => viewer.zoom(1.25),
    zoomOut: (viewer) => viewer.zoom(0.8),
    fit: (viewer) => viewer.fit(),
    actual: (viewer) => viewer.actual(),
    invert: (viewer) => viewer.invert(),
    flip: (viewer) => viewer.flip(),
    reset: (viewer) => viewer.reset(),
    save: (viewer) => viewer.savePicture(),
    copy: (viewer) => viewer.copyPicture(),
    fullScreen: (viewer) => viewer.fullScreen(),
    toggleHelp: (viewer) => viewer.toggleHelp(),
    toggleMaps: (viewer) => viewer.toggleMaps(),
    toggleSolo: (viewer) => viewer.toggleSolo(),
    previous: (viewer) => viewer.step(-1),
    next: (viewer) => viewer.step(1),
    allOn: (viewer) => viewer.switchAll(true),
    allOff: (viewer) => viewer.switchAll(false),
  };

  class Controls {
    constructor(root, viewer, signal) {
      this.root = root;
      this.viewer = viewer;
      this.parts = {};
      for (const node of root.querySelectorAll("*")) {
        for (const name of Object.keys(node.dataset)) this.parts[name] = this.parts[name] || node;
      }
      this.fillMenus();
      this.listen(signal);
      egma.fillKeyLegend(this.parts.keys);
    }

    fillMenus() {
      const option = ([value, words]) => Object.assign(document.createElement("option"), { value, textContent: words });
      const own = option(["", "Custom"]);
      own.hidden = true;
      this.parts.preset.replaceChildren(...egma.windowPresets.map(option), own);
      this.parts.colours.replaceChildren(...egma.colours.choices.map(option));
    }

    listen(signal) {
      const { root, viewer, parts } = this;
      const on = (node, name, act) => node.addEventListener(name, act, { signal });
      for (const button of root.querySelectorAll("[data-act]")) on(button, "click", () => ACTS[button.dataset.act](viewer));
      for (const button of root.querySelectorAll("[data-tool]")) on(button, "click", () => viewer.setTool(button.dataset.tool));
      for (const button of root.querySelectorAll("[data-smooth]")) on(button, "click", () => viewer.look({ smooth: button.dataset.smooth === "true" }));
      on(parts.preset, "change", () => viewer.preset(parts.preset.value));
      on(parts.width, "change", () => viewer.setWindow({ width: parts.width.valueAsNumber }));
      on(parts.center, "change", () => viewer.setWindow({ center: parts.center.valueAsNumber }));
      on(parts.opacity, "input", () => viewer.look({ opacity: parts.opacity.valueAsNumber }));
      on(parts.threshold, "input", () => viewer.look({ threshold: parts.threshold.valueAsNumber }));
      on(parts.colours, "change", () => viewer.look({ colours: parts.colours.value }));
      on(parts.peaks, "change", () => viewer.look({ peaks: parts.peaks.checked }));
      on(parts.help, "keydown", (event) => { if (event.key === "Escape") viewer.escape(); });
    }

    /** Bring every control to what the state says. */
    sync() {
      const { state } = this.viewer, { parts, root } = this;
      const press = (node, on) => node.setAttribute("aria-pressed", String(Boolean(on)));
      for (const button of root.querySelectorAll("[data-tool]")) press(button, button.dataset.tool === state.tool);
      press(parts.invert, state.inverted);
      press(parts.flip, this.viewer.view.flipped);
      press(parts.solo, state.solo);
      for (const node of root.querySelectorAll(".egv-bar button, .egv-bar input, .egv-bar select")) {
        node.disabled = !state.film && !node.hasAttribute("data-help-switch") && !node.hasAttribute("data-tool");
      }
      this.syncMaps(state, press);
      parts.canvas.dataset.drag = state.tool;
      parts.caption.hidden = !(state.solo && state.layers.length);
      parts.canvas.setAttribute("aria-label", `Chest X-ray ${state.title}. Question mark lists the keys.`);
    }

    syncMaps(state, press) {
      const { parts, root } = this, { look } = state, any = state.layers.length > 0;
      parts.mapsSwitch.disabled = !any;
      press(parts.mapsSwitch, any && state.mapsOn);
      parts.hint.hidden = any;
      for (const node of root.querySelectorAll("[data-needs-maps]")) node.hidden = !any;
      root.querySelector("[data-needs-several]").hidden = state.layers.length < 2 && !state.solo;
      for (const button of root.querySelectorAll("[data-smooth]")) press(button, String(look.smooth) === button.dataset.smooth);
      Object.assign(parts.threshold, { min: look.low, max: look.high, step: (look.high - look.low) / 200 });
      write(parts.threshold, look.threshold);
      parts.thresholdValue.textContent = look.threshold > look.low ? egma.plain(look.threshold, 3) : "none";
      parts.threshold.setAttribute("aria-valuetext", `${parts.thresholdValue.textContent} cosine similarity`);
      write(parts.opacity, look.opacity);
      parts.opacityValue.textContent = `${Math.round(look.opacity * 100)} %`;
      write(parts.colours, look.colours);
      parts.peaks.checked = look.peaks;
      parts.meaning.hidden = !any;
      parts.meaning.textContent = any ? egma.meaning(look) : "";
    }

    /** Figures that change during a drag; what stays as it is is not written, so that a frame costs no layout. */
    syncFigures() {
      const { state, view } = this.viewer, { parts } = this;
      parts.empty.hidden = Boolean(state.film);
      change(parts.canvas.dataset, "fitted", String(view.fitted));
      const { center, width } = state.window, { film } = state;
      write(parts.width, film ? Math.round(width) : "");
      write(parts.center, film ? Math.round(center) : "");
      write(parts.preset, state.preset);
      const flags = [view.flipped && "FLIPPED LEFT\u2013RIGHT", state.inverted && "INVERTED"].filter(Boolean).join(" \u00b7 ");
      change(parts.title, "textContent", film ? state.title : "");
      change(parts.model, "textContent", film && state.layers.length ? state.checkpoint : "");
      change(parts.flags, "textContent", film ? flags : "");
      change(parts.zoom, "textContent", film ? `${Math.round(view.scale * (window.devicePixelRatio || 1) * 100)} %` : "");
      change(parts.window, "textContent", film ? `W ${Math.round(width)} \u00b7 C ${Math.round(center)}` : "");
      for (const node of [parts.width, parts.center]) change(node, "step", String(Math.max(1, Math.round(state.own.width / 200)))); // what an arrow key adds
      this.syncScaleBar();
    }

    syncScaleBar() {
      const { state, view } = this.viewer, { parts } = this;
      const bar = state.film && egma.scaleBar(view, state.spacing_mm, Math.min(220, view.stage.width * 0.25));
      parts.scale.hidden = !bar;
      if (!bar) return;
      change(parts.scaleLabel, "textContent", bar.label);
      change(parts.scaleBar.style, "width", `${bar.px.toFixed(1)}px`);
    }

    say(words, kind = "") {
      this.parts.status.textContent = words;
      this.parts.status.dataset.kind = kind;
    }
  }

  function change(holder, name, value) {
    if (holder[name] !== value) holder[name] = value;
  }

  /** Write a control's value, but not under the reader's hand. */
  function write(node, value) {
    if (document.activeElement === node && node.type === "number") return;
    if (node.value !== String(value)) node.value = String(value);
  }

  egma.Controls = Controls;
})();
