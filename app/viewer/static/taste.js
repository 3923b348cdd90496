// How a reader likes maps drawn, kept for the next visit.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const KEPT_AS = "egma-viewer";
  const TASTES = { opacity: (value) => value >= 0 && value <= 1, smooth: isSwitch, peaks: isSwitch, colours: isChoice };

  function isSwitch(value) { return typeof value === "boolean"; }
  function isChoice(value) { return egma.colours.choices.some(([key]) => key === value); }

  /** Opacity, colours and drawing that the reader chose; nothing of a film or a phrase is kept. */
  egma.keepTaste = (look) => {
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify(Object.fromEntries(Object.keys(TASTES).map((name) => [name, look[name]]))));
    } catch { /* storage is closed in private windows */ }
  };

  egma.keptTaste = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT_AS)) || {};
      return Object.fromEntries(Object.entries(TASTES).filter(([name, fits]) => fits(kept[name])).map(([name]) => [name, kept[name]]));
    } catch {
      return {};
    }
  };
})();
