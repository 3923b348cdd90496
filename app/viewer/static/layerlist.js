// The list of phrases, the phrase in large letters, and the reading under the pointer. All words arrive as text.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const MOST_READINGS = 5;

  const make = (tag, className, words) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (words !== undefined) node.textContent = words;
    return node;
  };

  /** Rebuild the list when layers come or go; it keeps the focus where it was. */
  egma.fillLayerList = (viewer) => {
    const { state } = viewer, { parts } = viewer.controls;
    parts.layerBox.hidden = state.layers.length === 0;
    const focused = parts.layers.contains(document.activeElement) ? document.activeElement.dataset.layerId : null;
    parts.layers.replaceChildren(...state.layers.map((layer) => row(viewer, layer)));
    if (focused !== null) [...parts.layers.querySelectorAll("input")].find((box) => box.dataset.layerId === focused)?.focus();
    egma.syncLayerList(viewer);
  };

  function row(viewer, layer) {
    const item = make("li"), label = make("label"), box = make("input");
    box.type = "checkbox";
    box.dataset.layerId = layer.id;
    box.addEventListener("change", () => viewer.switchLayer(layer, box.checked));
    const phrase = make("span", "egv-phrase", layer.phrase);
    phrase.title = layer.phrase;
    label.append(box, make("span", "egv-swatch"), phrase);
    item.append(label, make("span", "egv-max"));
    return item;
  }

  /** Bring switches, swatches and strongest values to what the state says. */
  egma.syncLayerList = (viewer) => {
    const { state } = viewer, { parts } = viewer.controls;
    const count = state.layers.length;
    parts.layerCount.textContent = state.solo && count ? `Phrase ${state.at + 1} of ${count}` : `${count} ${count === 1 ? "phrase" : "phrases"}`;
    [...parts.layers.children].forEach((item, index) => {
      const layer = state.layers[index], current = state.solo && index === state.at;
      item.querySelector("input").checked = state.solo ? current : viewer.isOn(layer);
      item.dataset.current = String(current);
      item.querySelector(".egv-swatch").style.background = swatch(viewer.paletteOf(layer));
      item.querySelector(".egv-max").textContent = strength(layer, state.look);
    });
    const shown = state.solo && state.layers[state.at];
    if (!shown) return;
    parts.captionWords.textContent = shown.phrase;
    parts.captionPlace.textContent = `${state.at + 1} of ${count} \u00b7 ${strength(shown, state.look)}`;
    const [back, on] = parts.caption.querySelectorAll("button");
    back.disabled = state.at === 0;
    on.disabled = state.at === count - 1;
  };

  /** "max 0.41", and whether any of it is drawn. */
  function strength(layer, look) {
    if (Number.isNaN(layer.strongest)) return "not seen";
    const most = `max ${egma.plain(layer.strongest, egma.digitsOf(look))}`;
    return egma.isDrawn(layer.strongest, look) ? most : `${most}, below threshold`;
  }

  egma.strength = strength;

  function swatch(palette) {
    if (palette.hue) return palette.hue;
    const stops = [0.25, 0.5, 0.75, 1].map((share) => `rgb(${egma.colours.colourAt(palette, share).slice(0, 3).join(" ")})`);
    return `linear-gradient(90deg, ${stops.join(", ")})`;
  }

  /** What lies under a point of the film: position, value, and each shown map's cosine. */
  egma.fillReadout = (viewer, point) => {
    const { parts } = viewer.controls, { state } = viewer;
    const inside = state.film && point && point.u >= 0 && point.u < 1 && point.v >= 0 && point.v < 1;
    if (!inside) return void (parts.readout.firstChild && parts.readout.replaceChildren());
    const shown = viewer.shown(), lines = shown.slice(0, MOST_READINGS).map(({ layer, palette }) => reading(layer, palette, point, state));
    if (shown.length > MOST_READINGS) lines.push(make("span", "", `and ${shown.length - MOST_READINGS} more`));
    parts.readout.replaceChildren(...lines, make("span", "", position(state, point)));
  };

  function position({ film, source_hw, spacing_mm }, { u, v }) {
    const [rows, columns] = source_hw || [film.height, film.width];
    const words = [`x ${Math.floor(u * columns)}  y ${Math.floor(v * rows)} px`];
    if (spacing_mm) words.push(`${(u * film.width * spacing_mm[1]).toFixed(1)}, ${(v * film.height * spacing_mm[0]).toFixed(1)} mm`);
    words.push(`value ${film.valueAt(u, v)}`);
    return words.join(" \u00b7 ");
  }

  function reading(layer, palette, { u, v }, { look }) {
    const value = layer.valueAt(u, v, look.smooth), line = make("span", "egv-reading"), dot = make("i");
    const share = (value - look.low) / (look.high - look.low);
    dot.style.background = Number.isNaN(value) ? "transparent" : `rgb(${egma.colours.colourAt(palette, share).slice(0, 3).join(" ")})`;
    line.append(dot, make("b", "", Number.isNaN(value) ? "not seen" : egma.plain(value, 3)), make("em", "", layer.phrase));
    return line;
  }
})();
