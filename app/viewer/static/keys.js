// The keyboard: one table that is both obeyed and shown as the legend, so that neither can lie.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const STEP_PX = 48;

  // [keys as the browser names them, how the legend writes them, what they do, the act]
  const KEYS = [
    ["Film"],
    [["+", "="], "+", "Zoom in", (viewer) => viewer.zoom(1.25)],
    [["-", "_"], "\u2212", "Zoom out", (viewer) => viewer.zoom(0.8)],
    [["0"], "0", "Fit the film", (viewer) => viewer.fit()],
    [["1"], "1", "One film pixel per screen pixel", (viewer) => viewer.actual()],
    [["ArrowLeft"], "\u2190 \u2192 \u2191 \u2193", "Move the film", (viewer) => viewer.nudge(STEP_PX, 0)],
    [["ArrowRight"], null, null, (viewer) => viewer.nudge(-STEP_PX, 0)],
    [["ArrowUp"], null, null, (viewer) => viewer.nudge(0, STEP_PX)],
    [["ArrowDown"], null, null, (viewer) => viewer.nudge(0, -STEP_PX)],
    [["i"], "I", "Invert", (viewer) => viewer.invert()],
    [["h"], "H", "Flip left to right", (viewer) => viewer.flip()],
    [["r"], "R", "Reset view, window and marks", (viewer) => viewer.reset()],
    [["f"], "F", "Full screen", (viewer) => viewer.fullScreen()],
    ["Window"],
    [["w"], "W", "Drag sets the window / moves the film", (viewer) => viewer.setTool(viewer.state.tool === "window" ? "pan" : "window")],
    [["a"], "A", "Automatic window", (viewer) => viewer.preset("auto")],
    [["d"], "D", "The film's own window", (viewer) => viewer.preset("file")],
    ["Maps"],
    [["o"], "O", "Maps on or off", (viewer) => viewer.toggleMaps()],
    [["g"], "G", "Native patches / smooth", (viewer) => viewer.look({ smooth: !viewer.state.look.smooth })],
    [[","], ", .", "Threshold down, up", (viewer) => viewer.nudgeThreshold(-1)],
    [["."], null, null, (viewer) => viewer.nudgeThreshold(1)],
    [["s"], "S", "One phrase at a time", (viewer) => viewer.toggleSolo()],
    [["[", "p"], "[ ] or P N", "Previous, next phrase", (viewer) => viewer.step(-1)],
    [["]", "n"], null, null, (viewer) => viewer.step(1)],
    [["Enter"], "Enter", "Match the patch at the centre", (viewer) => viewer.clickCenter()],
    [["Escape"], "Esc", "Close this list, clear the mark", (viewer) => viewer.escape()],
    [["?"], "?", "Show or hide this list", (viewer) => viewer.toggleHelp()],
  ];
  const MOUSE = [
    ["Mouse and touch"],
    [null, "Wheel, pinch", "Zoom at the pointer"],
    [null, "Drag", "Move the film"],
    [null, "Right drag, Shift + drag", "Window: sideways contrast, upwards brightness"],
    [null, "Click", "What the patch matches"],
    [null, "Double click", "The film's own window"],
  ];

  /** Obey keys while the canvas has the focus, and only then: a page is also typed into. */
  egma.attachKeys = (canvas, viewer, signal) => {
    canvas.addEventListener("keydown", (event) => {
      const composed = event.getModifierState("AltGraph"); // how many keyboards type [ and ]
      if ((event.ctrlKey || event.metaKey || event.altKey) && !composed) return;
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const found = KEYS.find(([keys]) => Array.isArray(keys) && keys.includes(name));
      if (!found || found[3](viewer) === false) return;
      event.preventDefault();
      event.stopPropagation();
    }, { signal });
  };

  /** Write the legend. */
  egma.fillKeyLegend = (node) => {
    const groups = [];
    for (const row of [...KEYS, ...MOUSE]) {
      if (typeof row[0] === "string") groups.push({ name: row[0], rows: [] });
      else if (row[1]) groups[groups.length - 1].rows.push(row);
    }
    node.replaceChildren(...groups.map(({ name, rows }) => {
      const section = document.createElement("section");
      const head = document.createElement("h3");
      head.textContent = name;
      const list = document.createElement("dl");
      for (const [, keys, what] of rows) {
        const term = document.createElement("dt"), meaning = document.createElement("dd");
        term.textContent = keys;
        meaning.textContent = what;
        list.append(term, meaning);
      }
      section.append(head, list);
      return section;
    }));
  };
})();
