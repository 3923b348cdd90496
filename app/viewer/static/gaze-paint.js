// Gaze on the film: heat, numbered scan-path, the eye, regions, and the badge that says what is not a person's gaze.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const MOST_NUMBERS = 120; // more cover the film
  const LEAST_RADIUS = 4, RADIUS_PER_ROOT_S = 15; // area is time: 0.25 s has 11 px
  const DARK = "rgba(0, 0, 0, 0.72)";

  /** A small canvas over the whole film, softly enlarged. */
  function drawHeat(context, view, picture, opacity) {
    egma.within(context, view, (width, height) => {
      context.beginPath();
      context.rect(0, 0, width, height);
      context.clip();
      context.globalAlpha = opacity;
      context.imageSmoothingEnabled = true;
      context.drawImage(picture, 0, 0, width, height);
      context.globalAlpha = 1;
    });
  }

  /** Circles in order, their area the time; numbers while they can be told apart. */
  function drawPath(context, view, track, rows, { hue, unit = 1, until = Infinity }) {
    drawPart(context, context, view, track, { rows, from: rows[0], to: rows[1], until, hue, unit });
  }

  /** Rows [from, to) of a path of `rows`, with the step that leads to them: lines below, circles above. */
  function drawPart(below, above, view, track, { rows, from, to, until, hue, unit }) {
    const stops = [];
    for (let row = from; row < to; row++) if (!Number.isNaN(track.u[row])) stops.push(stopOf(view, track, row, rows[0], until, unit));
    let before = from - 1;
    while (before >= rows[0] && Number.isNaN(track.u[before])) before -= 1;
    drawSteps(below, before < rows[0] ? stops : [stopOf(view, track, before, rows[0], until, unit), ...stops], hue, unit);
    above.textAlign = "center";
    above.textBaseline = "middle";
    for (const stop of stops) drawStop(above, stop, hue, unit, isNumbered(rows) || stop.number % 10 === 0);
  }

  const isNumbered = ([from, to]) => to - from <= MOST_NUMBERS;

  function stopOf(view, track, row, first, until, unit) {
    const seconds = Math.max(0, Math.min(track.endOf(row), until) - track.start[row]);
    return { ...view.toStage(track.u[row], track.v[row]), number: row - first + 1, radius: (LEAST_RADIUS + RADIUS_PER_ROOT_S * Math.sqrt(seconds)) * unit };
  }

  function drawSteps(context, stops, hue, unit) {
    if (stops.length < 2) return;
    for (const [width, ink] of [[3 * unit, "rgba(0, 0, 0, 0.45)"], [1.4 * unit, hue]]) {
      context.lineWidth = width;
      context.strokeStyle = ink;
      context.globalAlpha = 0.8;
      context.beginPath();
      stops.forEach(({ x, y }, at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  function drawStop(context, { x, y, radius, number }, hue, unit, numbered) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.globalAlpha = 0.28;
    context.fillStyle = hue;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.4 * unit;
    context.strokeStyle = hue;
    context.stroke();
    if (!numbered) return;
    context.font = `600 ${Math.max(9, Math.min(12, radius / unit)) * unit}px ${egma.legendStyle.FONT}`;
    context.lineWidth = 3 * unit;
    context.strokeStyle = DARK;
    context.fillStyle = "#ffffff";
    context.strokeText(String(number), x, y);
    context.fillText(String(number), x, y);
  }

  /** Where the eye is now. */
  function drawEye(context, view, { u, v }, hue, unit = 1) {
    const { x, y } = view.toStage(u, v);
    egma.outlined(context, hue, unit * 1.3, () => {
      context.beginPath();
      context.arc(x, y, 13 * unit, 0, 2 * Math.PI);
      context.stroke();
    });
    context.beginPath();
    context.arc(x, y, 3 * unit, 0, 2 * Math.PI);
    context.fillStyle = hue;
    context.fill();
  }

  function drawRegions(context, view, regions, unit = 1) {
    context.font = `${11 * unit}px ${egma.legendStyle.FONT}`;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    for (const region of regions) {
      const corner = traceRegion(context, view, region);
      for (const [width, ink] of [[3.5 * unit, "rgba(0, 0, 0, 0.55)"], [1.5 * unit, "#f2f4f6"]]) {
        context.lineWidth = width;
        context.strokeStyle = ink;
        context.setLineDash([6 * unit, 4 * unit]);
        context.stroke();
      }
      context.setLineDash([]);
      label(context, region.name, corner.x, corner.y - 3 * unit, unit);
    }
  }

  /** Lay a region's outline as the current path; returns where its name goes. */
  function traceRegion(context, view, { box, ellipse, outline }) {
    context.beginPath();
    if (box) {
      const { x, y, width, height } = view.toStageBox(box);
      if (ellipse) context.ellipse(x + width / 2, y + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI);
      else context.rect(x, y, width, height);
      return { x, y };
    }
    let corner = { x: Infinity, y: Infinity };
    for (const line of outline || []) {
      line.forEach(([u, v], at) => {
        const place = view.toStage(u, v);
        if (place.y < corner.y) corner = place;
        at ? context.lineTo(place.x, place.y) : context.moveTo(place.x, place.y);
      });
      context.closePath();
    }
    return Number.isFinite(corner.x) ? corner : { x: 0, y: 0 };
  }

  function label(context, words, x, y, unit) {
    context.lineWidth = 3 * unit;
    context.strokeStyle = DARK;
    context.fillStyle = "#f2f4f6";
    context.strokeText(words, x, y);
    context.fillText(words, x, y);
  }

  /** SIMULATED or PREDICTED, on the film itself, in pictures and films that are saved too. */
  function drawBadge(context, stage, words, unit = 1) {
    context.font = `700 ${12 * unit}px ${egma.legendStyle.FONT}`;
    const width = context.measureText(words).width + 18 * unit, x = (stage.width - width) / 2;
    context.fillStyle = "#ffd75e";
    context.beginPath();
    context.roundRect(x, stage.height - 44 * unit, width, 22 * unit, 5 * unit);
    context.fill();
    context.fillStyle = "#1b1400";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(words, stage.width / 2, stage.height - 32.5 * unit);
  }

  Object.assign(egma, { gazePaint: { drawHeat, drawPath, drawPart, isNumbered, drawEye, drawRegions, drawBadge } });
})();
