// The replay bar: what its controls do, the keys beside them, and how both follow the stage.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4, 8];
  const SPANS = ["whole", "now", "last", "sentence"];

  // [keys, how the legend writes them, what they do, the act]
  const KEYS = [
    [[" "], "Space", "Play or pause", (stage) => stage.toggle()],
    [["j"], "J L", "Two seconds back, on", (stage) => stage.seek(stage.clock.now - 2)],
    [["l"], null, null, (stage) => stage.seek(stage.clock.now + 2)],
    [["[", "p"], "[ ] or P N", "Previous, next sentence", (stage) => stage.stepSentence(-1)],
    [["]", "n"], null, null, (stage) => stage.stepSentence(1)],
    [["<", ","], "< >", "Slower, faster", (stage) => stage.changeSpeed(-1)],
    [[">", "."], null, null, (stage) => stage.changeSpeed(1)],
    [["t"], "T", "Whole, so far, last 3 s, sentence", (stage) => stage.stepSpan()],
    [["m"], "M", "Fixation map", (stage) => stage.flip("heat")],
    [["s"], "S", "Scan-path", (stage) => stage.flip("path")],
    [["g"], "G", "Regions", (stage) => stage.flip("regions")],
    [["v"], "V", "Reader's own zoom and window", (stage) => stage.flip("view")],
    [["e"], "E", "Predicted gaze", (stage) => stage.flip("predicted")],
  ];

  class GazeBar {
    constructor(root, stage, signal) {
      this.stage = stage;
      this.root = root.querySelector("[data-gaze]");
      this.parts = {};
      for (const node of this.root.querySelectorAll("*")) for (const name of Object.keys(node.dataset)) this.parts[name] = this.parts[name] || node;
      const option = ([value, words]) => Object.assign(document.createElement("option"), { value, textContent: words });
      this.parts.gazeSpeed.replaceChildren(...SPEEDS.map((speed) => option([speed, `${speed}\u00d7`])));
      this.parts.gazeSpeed.value = "1";
      this.parts.gazeColours.replaceChildren(...egma.colours.choices.filter(([key]) => key !== "hues").map(option));
      this.listen(root, signal);
      this.writeLegend(root);
    }

    listen(root, signal) {
      const { stage, parts } = this, on = (node, name, act) => node.addEventListener(name, act, { signal });
      const acts = { toggle: () => stage.toggle(), previous: () => stage.stepSentence(-1), next: () => stage.stepSentence(1), record: () => stage.record() };
      for (const button of this.root.querySelectorAll("[data-gaze-act]")) on(button, "click", () => acts[button.dataset.gazeAct]());
      for (const button of this.root.querySelectorAll("[data-gaze-span]")) on(button, "click", () => stage.setSpan(button.dataset.gazeSpan));
      for (const button of this.root.querySelectorAll("[data-gaze-switch]")) on(button, "click", () => stage.flip(button.dataset.gazeSwitch));
      on(parts.gazeScrub, "input", () => stage.seek(parts.gazeScrub.valueAsNumber));
      on(parts.gazeSpeed, "change", () => stage.setSpeed(Number(parts.gazeSpeed.value)));
      on(parts.gazeOpacity, "input", () => stage.look({ opacity: parts.gazeOpacity.valueAsNumber }));
      on(parts.gazeColours, "change", () => stage.look({ colours: parts.gazeColours.value }));
      // before the viewer's own keys: the same letters mean gaze here
      root.addEventListener("keydown", (event) => this.key(event), { signal, capture: true });
    }

    key(event) {
      const onControl = event.target.matches("input, select, button, textarea");
      if (event.ctrlKey || event.metaKey || event.altKey || !this.stage.leader || (onControl && event.key !== " ") || event.target.matches("button, select")) return;
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const found = KEYS.find(([keys]) => keys.includes(name));
      if (!found) return;
      found[3](this.stage);
      event.preventDefault();
      event.stopPropagation();
    }

    /** The legend of keys: those of maps of phrases give way to those of gaze. */
    writeLegend(root) {
      const section = [...root.querySelectorAll(".egv-keys section")].find((each) => each.querySelector("h3").textContent === "Maps");
      if (!section) return;
      section.querySelector("h3").textContent = "Gaze";
      const rows = KEYS.filter(([, words]) => words).flatMap(([, words, meaning]) => {
        return [["dt", words], ["dd", meaning]].map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text }));
      });
      section.querySelector("dl").replaceChildren(...rows);
    }

    /** Bring every control to what the stage says. */
    sync() {
      const { stage, parts } = this, { clock } = stage;
      const has = { time: stage.leader, sentences: stage.leader?.sentences.length, regions: stage.regions.length, view: stage.hasView, predicted: stage.predicted };
      for (const node of this.root.querySelectorAll("[data-gaze-needs]")) node.disabled = !has[node.dataset.gazeNeeds];
      for (const button of this.root.querySelectorAll("[data-gaze-span]")) press(button, button.dataset.gazeSpan === stage.span);
      for (const button of this.root.querySelectorAll("[data-gaze-switch]")) press(button, stage.on[button.dataset.gazeSwitch] && has[button.dataset.gazeNeeds]);
      Object.assign(parts.gazeScrub, { min: clock.from, max: clock.to });
      parts.gazeSpeed.value = String(clock.speed);
      parts.gazeOpacity.value = String(stage.taste.opacity);
      parts.gazeColours.value = stage.taste.colours;
      press(parts.gazeRecord, stage.isRecording);
      parts.gazeRecordWords.textContent = stage.isRecording ? "Stop and save" : "WebM";
      parts.gazeMeaning.textContent = stage.meaning();
      this.fillReaders();
      this.drawStrip();
      this.syncTime();
    }

    /** What moves with every frame. */
    syncTime() {
      const { parts, stage } = this, { clock } = stage;
      if (document.activeElement !== parts.gazeScrub || clock.playing) parts.gazeScrub.value = String(clock.now);
      const words = stage.leader ? `${clock.now.toFixed(1)} / ${clock.to.toFixed(1)} s` : "no recording";
      if (parts.gazeClock.textContent !== words) {
        parts.gazeClock.textContent = words;
        parts.gazeScrub.setAttribute("aria-valuetext", `${clock.now.toFixed(1)} seconds`);
      }
      if (this.wasPlaying === clock.playing) return;
      this.wasPlaying = clock.playing;
      parts.gazePlayWords.textContent = clock.playing ? "Pause" : "Play";
      parts.gazePlay.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
      parts.gazePlayIcon.setAttribute("href", clock.playing ? "#egz-pause" : "#egz-play");
    }

    fillReaders() {
      const { stage } = this, list = this.parts.gazeReaders;
      list.hidden = !stage.readers.length;
      const key = JSON.stringify(stage.readers.map(({ id }) => [id, stage.off.has(id), stage.leader?.id === id]));
      if (list.dataset.key === key) return;
      list.dataset.key = key;
      list.replaceChildren(...stage.readers.map((reader) => readerLine(stage, reader)));
    }

    /** Sentences as bands, fixations as ticks: where in the recording something is. */
    drawStrip() {
      const canvas = this.parts.gazeStrip, { stage } = this, track = stage.leader, { from, to } = stage.clock;
      const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio)), height = Math.round(12 * devicePixelRatio);
      Object.assign(canvas, { width, height });
      if (!track || !(to > from)) return;
      const context = canvas.getContext("2d"), place = (seconds) => ((seconds - from) / (to - from)) * width;
      track.sentences.forEach(({ start_s, end_s }, at) => {
        context.fillStyle = at % 2 ? "rgba(86, 140, 170, 0.35)" : "rgba(86, 140, 170, 0.6)";
        context.fillRect(place(start_s), 0, place(end_s) - place(start_s), height * 0.55);
      });
      context.fillStyle = getComputedStyle(canvas).color;
      const step = Math.max(1, Math.floor(track.count / 2000));
      for (let row = 0; row < track.count; row += step) {
        context.fillRect(place(track.start[row]), height * 0.65, Math.max(1, place(track.endOf(row)) - place(track.start[row]) - 1), height * 0.35);
      }
    }
  }

  const press = (node, on) => node.setAttribute("aria-pressed", String(Boolean(on)));

  function readerLine(stage, reader) {
    const line = document.createElement("li"), label = document.createElement("label"), box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: !stage.off.has(reader.id) });
    box.addEventListener("change", () => stage.switchReader(reader, box.checked));
    const dot = document.createElement("i"), name = document.createElement("em");
    dot.style.background = egma.colours.hueOf(reader.index);
    name.textContent = reader.simulated && !/simulated/i.test(reader.name) ? `${reader.name} (simulated)` : reader.name;
    name.title = name.textContent;
    label.append(box, dot, name);
    line.append(label);
    if (stage.readers.length > 1) {
      const leads = stage.leader?.id === reader.id;
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: leads ? "Dictation shown" : "Show dictation" });
      press(button, leads);
      button.addEventListener("click", () => stage.lead(reader));
      line.append(button);
    }
    return line;
  }

  Object.assign(egma, { GazeBar, gazeSpeeds: SPEEDS, gazeSpans: SPANS });
})();
