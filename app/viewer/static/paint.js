// One frame: the film, the maps on it, marks and measures. The same painters serve the screen and the exported picture.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const CRISP_FROM = 4; // screen pixels per film pixel from which single pixels are shown as squares
  const LEAST_GRID_PX = 7; // grid lines closer than this would be a veil

  function drawFilm(context, view, film, { dpr = 1, quick = false } = {}) {
    within(context, view, (width, height) => {
      context.imageSmoothingEnabled = view.scale * dpr < CRISP_FROM;
      context.imageSmoothingQuality = quick ? "low" : "high";
      context.drawImage(film.canvas, 0, 0, width, height);
    });
  }

  /** @param shown [{layer, palette}] in the order they are laid over each other */
  function drawMaps(context, view, shown, look) {
    if (!shown.length) return;
    within(context, view, (width, height) => {
      context.beginPath();
      context.rect(0, 0, width, height);
      context.clip();
      context.globalAlpha = look.opacity;
      for (const { layer, palette } of shown) drawMap(context, layer, palette, look, width, height);
      context.globalAlpha = 1;
      hatchUnseen(context, shown[0].layer, width, height);
      if (!look.smooth) drawGrid(context, shown[0].layer, width, height);
    });
    if (look.peaks) for (const each of shown) drawPeak(context, view, each, look);
  }

  function drawMap(context, layer, palette, look, width, height) {
    const picture = layer.picture(look, palette, width / height);
    context.imageSmoothingEnabled = look.smooth;
    context.imageSmoothingQuality = "low";
    if (look.smooth) return context.drawImage(picture, 0, 0, width, height);
    const [x0, y0, x1, y1] = layer.box;
    context.drawImage(picture, x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
  }

  function drawGrid(context, layer, width, height) {
    const [x0, y0, x1, y1] = layer.box;
    const across = ((x1 - x0) * width) / layer.cols, down = ((y1 - y0) * height) / layer.rows;
    if (Math.min(across, down) < LEAST_GRID_PX) return;
    context.strokeStyle = "rgba(255, 255, 255, 0.16)";
    context.lineWidth = 1;
    context.beginPath();
    for (let column = 0; column <= layer.cols; column++) segment(context, x0 * width + column * across, y0 * height, 0, (y1 - y0) * height);
    for (let row = 0; row <= layer.rows; row++) segment(context, x0 * width, y0 * height + row * down, (x1 - x0) * width, 0);
    context.stroke();
  }

  function segment(context, x, y, dx, dy) {
    context.moveTo(x, y);
    context.lineTo(x + dx, y + dy);
  }

  /** Thin slanted lines over film that the model did not see: no colour there means nothing. */
  function hatchUnseen(context, layer, width, height) {
    const [x0, y0, x1, y1] = layer.box;
    const whole = x0 <= 0 && y0 <= 0 && x1 >= 1 && y1 >= 1;
    if (whole && !layer.hasGaps) return;
    context.save();
    context.beginPath();
    if (!whole) {
      context.rect(0, 0, width, height);
      context.rect(x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
    }
    layer.values.forEach((value, at) => {
      if (!Number.isNaN(value)) return;
      const [u0, v0, u1, v1] = layer.cellBox({ row: Math.floor(at / layer.cols), column: at % layer.cols });
      context.rect(u0 * width, v0 * height, (u1 - u0) * width, (v1 - v0) * height);
    });
    context.clip("evenodd");
    context.strokeStyle = "rgba(255, 255, 255, 0.2)";
    context.lineWidth = 1;
    context.beginPath();
    for (let x = -height; x < width; x += 11) segment(context, x, height, height, -height);
    context.stroke();
    context.restore();
  }

  function drawPeak(context, view, { layer, palette }, look) {
    if (!layer.peak || !egma.isDrawn(layer.strongest, look)) return;
    const { x, y } = view.toStage(...layer.peak), arm = 7 * (look.unit || 1);
    const cross = () => {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) segment(context, x + dx * arm * 0.35, y + dy * arm * 0.35, dx * arm, dy * arm);
      context.stroke();
    };
    outlined(context, palette.hue || "#ffffff", look.unit || 1, cross);
  }

  /** The clicked patch, or a ring where no grid is shown. */
  function drawMark(context, view, { u, v }, layer) {
    const cell = layer && layer.cellAt(u, v);
    outlined(context, "#ffffff", 1, () => {
      context.beginPath();
      if (cell) {
        const { x, y, width, height } = view.toStageBox(layer.cellBox(cell));
        context.rect(x, y, width, height);
      } else {
        const { x, y } = view.toStage(u, v);
        context.arc(x, y, 6, 0, 2 * Math.PI);
      }
      context.stroke();
    });
  }

  /** Where Enter looks when the keyboard moves the film. */
  function drawAim(context, view) {
    const { width, height } = view.stage;
    outlined(context, "#ffffff", 1, () => {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) segment(context, width / 2 + dx * 4, height / 2 + dy * 4, dx * 8, dy * 8);
      context.stroke();
    });
  }

  function outlined(context, colour, unit, draw) {
    context.lineWidth = 3.5 * unit;
    context.strokeStyle = "rgba(0, 0, 0, 0.6)";
    draw();
    context.lineWidth = 2 * unit;
    context.strokeStyle = colour;
    draw();
  }

  /** Length in mm (1, 2 or 5 times a power of ten) and in stage pixels of a bar no longer than `room` pixels. */
  function scaleBar(view, spacing_mm, room) {
    if (!spacing_mm || !(spacing_mm[1] > 0) || !view.isReady) return null;
    const pxPerMm = view.scale / spacing_mm[1], most = room / pxPerMm, power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map((factor) => factor * power).find((size) => size <= most) || power;
    return { mm: length, px: length * pxPerMm, label: length >= 10 ? `${length / 10} cm` : `${length} mm` };
  }

  /** Draw in the film's own frame: (0, 0) its top left corner as recorded, lengths in stage pixels, mirrored if flipped. */
  function within(context, view, draw) {
    const width = view.film.width * view.scale, height = view.film.height * view.scale;
    context.save();
    context.translate(view.flipped ? view.x + width : view.x, view.y);
    if (view.flipped) context.scale(-1, 1);
    draw(width, height);
    context.restore();
  }

  Object.assign(egma, { drawFilm, drawMaps, drawMark, drawAim, scaleBar, outlined, within });
})();
