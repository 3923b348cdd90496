// The picture that leaves the page: the whole film as it is shown, with scale, phrases and caveat burnt in. Its name and
// its pixels say nothing of who the film is of, beyond the film itself.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const LEAST_PX = 1024, MOST_PX = 2048; // long side of the film in the picture
  const FILE_NAME = "egma-map.png";

  /** @returns {HTMLCanvasElement} the film above, a band of words below, the colour bar to the right when maps are shown */
  egma.drawPicture = (viewer) => {
    const { state } = viewer, { film } = state;
    const longest = Math.max(film.width, film.height);
    const scale = Math.min(MOST_PX, Math.max(LEAST_PX, longest)) / longest;
    const width = Math.max(1, Math.round(film.width * scale)), height = Math.max(1, Math.round(film.height * scale));
    const unit = Math.max(width, height) / 760, shown = viewer.shown();
    const bars = [...(shown.length ? [{ palettes: shown.map(({ palette }) => palette), look: state.look }] : []), ...viewer.painters.flatMap((each) => each.bars?.() || [])];
    const side = bars.length ? Math.round(104 * unit) : 0, whole = Math.max(width + side, Math.round(520 * unit));
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    const words = wordsOf(viewer, shown), lines = layOut(context, words, whole - 24 * unit, unit);
    canvas.width = whole;
    canvas.height = height + Math.round((lines.length * 19 + 20) * unit);
    context.fillStyle = "#0b0d10";
    context.fillRect(0, 0, canvas.width, canvas.height);
    drawFrame(context, viewer, shown, { width, height, unit, x: Math.round((whole - side - width) / 2) });
    bars.forEach((bar, at) => drawScale(context, bar, { right: whole, height: height / bars.length, top: (at * height) / bars.length, unit }));
    drawWords(context, lines, height + 22 * unit, unit);
    return canvas;
  };

  function drawFrame(context, viewer, shown, { width, height, unit, x }) {
    const { state } = viewer, view = new egma.View();
    view.resize(width, height);
    view.open(state.film.width, state.film.height);
    view.flipped = viewer.view.flipped;
    context.save();
    context.translate(x, 0);
    context.beginPath();
    context.rect(0, 0, width, height);
    context.clip();
    egma.drawFilm(context, view, state.film);
    egma.drawMaps(context, view, shown, { ...state.look, unit });
    for (const painter of viewer.painters) painter.paint(context, view, { unit, legend: false });
    stampNotice(context, state.notice, unit);
    drawScaleBar(context, egma.scaleBar(view, state.spacing_mm, width * 0.25), width, height, unit);
    context.restore();
  }

  /** The caveat stands on the film too, so that cutting the band away does not remove it. */
  function stampNotice(context, notice, unit) {
    context.font = `600 ${11 * unit}px ${egma.legendStyle.FONT}`;
    context.textBaseline = "top";
    context.lineWidth = 3 * unit;
    context.strokeStyle = "rgba(0, 0, 0, 0.8)";
    context.fillStyle = "rgba(255, 255, 255, 0.92)";
    context.strokeText(notice, 8 * unit, 8 * unit);
    context.fillText(notice, 8 * unit, 8 * unit);
  }

  function drawScaleBar(context, bar, width, height, unit) {
    if (!bar) return;
    const right = width - 10 * unit, y = height - 10 * unit;
    context.textAlign = "right";
    context.textBaseline = "bottom";
    context.strokeText(bar.label, right, y - 6 * unit);
    context.fillText(bar.label, right, y - 6 * unit);
    for (const [thickness, ink] of [[4, "rgba(0, 0, 0, 0.8)"], [2, "rgba(255, 255, 255, 0.92)"]]) {
      context.lineWidth = thickness * unit;
      context.strokeStyle = ink;
      context.beginPath();
      context.moveTo(right - bar.px, y);
      context.lineTo(right, y);
      context.stroke();
    }
  }

  function drawScale(context, { palettes, look, words = ["cosine", "similarity"] }, { right, height, top, unit }) {
    const bar = Math.min(height - 60 * unit, 320 * unit);
    context.fillStyle = egma.legendStyle.INK;
    context.font = `${11 * unit}px ${egma.legendStyle.FONT}`;
    context.textAlign = "right";
    context.textBaseline = "alphabetic";
    context.fillText(words[0], right - 12 * unit, top + 22 * unit);
    context.fillText(words[1], right - 12 * unit, top + 36 * unit);
    egma.drawColourBar(context, { x: right - 12 * unit, y: top + 50 * unit, height: bar, unit }, palettes, look);
  }

  function wordsOf(viewer, shown) {
    const { state, view } = viewer, { look } = state;
    const phrases = shown.map(({ layer, palette }) => ({ words: `${layer.phrase} (${egma.strength(layer, look)})`, palette }));
    const how = look.smooth ? "interpolated between patches" : "native patches";
    const film = [`window W ${Math.round(state.window.width)} C ${Math.round(state.window.center)}`];
    if (state.inverted) film.push("inverted");
    if (view.flipped) film.push("flipped left to right");
    if (shown.length) film.push(how, `opacity ${Math.round(look.opacity * 100)} %`);
    const model = [state.checkpoint && `Checkpoint ${state.checkpoint}`, state.notice].filter(Boolean).join(" \u00b7 ");
    const gaze = viewer.painters.flatMap((painter) => painter.words?.() || []);
    return [...phrases, ...gaze, ...(shown.length ? [{ words: egma.meaning(look) }] : []), { words: film.join(", ") }, { words: model, strong: true }];
  }

  /** Break the words into lines no wider than `room`. */
  function layOut(context, entries, room, unit) {
    return entries.flatMap(({ words, palette, strong }) => {
      const font = `${strong || palette ? "600 " : ""}${12.5 * unit}px ${egma.legendStyle.FONT}`;
      context.font = font;
      const indent = palette ? 24 * unit : 0;
      return wrap(context, words, room - indent).map((line, at) => ({ line, font, indent, palette: at === 0 ? palette : null }));
    });
  }

  function wrap(context, words, room) {
    const lines = [""];
    for (const word of words.split(/\s+/).flatMap((each) => pieces(context, each, room))) {
      const longer = lines[lines.length - 1] ? `${lines[lines.length - 1]} ${word}` : word;
      if (context.measureText(longer).width <= room || !lines[lines.length - 1]) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  /** A word that is wider than a line, in pieces that are not. */
  function pieces(context, word, room) {
    const found = [""];
    for (const letter of word) {
      if (context.measureText(found[found.length - 1] + letter).width > room) found.push("");
      found[found.length - 1] += letter;
    }
    return found;
  }

  function drawWords(context, lines, top, unit) {
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    lines.forEach(({ line, font, indent, palette }, at) => {
      const y = top + at * 19 * unit;
      if (palette) drawSwatch(context, palette, 12 * unit, y - 9 * unit, unit);
      context.font = font;
      context.fillStyle = egma.legendStyle.INK;
      context.fillText(line, 12 * unit + indent, y);
    });
  }

  function drawSwatch(context, palette, x, y, unit) {
    const steps = palette.hue ? 1 : 16;
    for (let step = 0; step < steps; step++) {
      const [red, green, blue] = egma.colours.colourAt(palette, palette.hue ? 1 : (step + 0.5) / steps);
      context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
      context.fillRect(x + (step * 16 * unit) / steps, y, (16 * unit) / steps + 0.5, 9 * unit);
    }
  }

  const blobOf = (canvas) => new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture could be made"))), "image/png");
  });

  egma.savePicture = async (viewer) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await blobOf(egma.drawPicture(viewer)));
    link.download = FILE_NAME;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  egma.copyPicture = (viewer) =>
    navigator.clipboard.write([new ClipboardItem({ "image/png": blobOf(egma.drawPicture(viewer)) })]);
})();
