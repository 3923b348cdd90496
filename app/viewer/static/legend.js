// The colour bar: the checkpoint's fixed range, its ticks, the threshold, and what lies below it.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});
  const FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
  const INK = "#f2f4f6", FAINT = "#c3c9d0", MARK = "#ffffff";
  const MOST_STRIPS = 6;

  /** Even, round places from low to high: about `count` of them. */
  function ticks(low, high, count = 5) {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) found.push(at * step);
    return found;
  }

  const plain = (value, digits = 2) => {
    const size = Math.abs(value).toFixed(digits);
    return (value < 0 && Number(size) > 0 ? "\u2212" : "") + size;
  };

  /** Decimals that tell neighbours on a range apart. */
  const digitsOf = ({ low, high }) => (high - low < 0.3 ? 3 : 2);

  /**
   * Draw the bar upright into a box; labels stand to its left, right-aligned.
   * @param {{x: number, y: number, height: number, unit: number}} place right edge, top, and height of the strips; `unit`
   *   scales text and widths (1 = 11 px text)
   */
  function drawColourBar(context, place, palettes, look) {
    const strips = distinct(palettes).slice(0, MOST_STRIPS), unit = place.unit;
    const strip = (strips.length > 1 ? 7 : 13) * unit, gap = (strips.length > 1 ? 2 : 0) * unit;
    const left = place.x - strips.length * (strip + gap) + gap;
    strips.forEach((palette, at) => drawStrip(context, palette, look, { ...place, x: left + at * (strip + gap), width: strip }));
    const yOf = (value) => place.y + place.height * (1 - (value - look.low) / (look.high - look.low));
    context.font = `${11 * unit}px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = context.strokeStyle = FAINT;
    context.lineWidth = unit;
    const marked = look.threshold > look.low ? yOf(look.threshold) : -1e6;
    for (const value of barTicks(look)) {
      line(context, left - 4 * unit, left, yOf(value));
      if (Math.abs(yOf(value) - marked) > 13 * unit) context.fillText(plain(value, digitsOf(look)), left - 7 * unit, yOf(value));
    }
    if (look.threshold > look.low) drawThreshold(context, left, place.x, marked, plain(look.threshold, digitsOf(look)), unit);
    return left;
  }

  /** Round ticks, and both ends of the range in place of those that would touch them. */
  function barTicks({ low, high }) {
    const room = (high - low) * 0.07;
    return [low, ...ticks(low, high).filter((value) => value - low > room && high - value > room), high];
  }

  function drawThreshold(context, left, right, y, words, unit) {
    context.strokeStyle = context.fillStyle = MARK;
    context.lineWidth = 1.5 * unit;
    line(context, left - 6 * unit, right, y);
    context.font = `600 ${11 * unit}px ${FONT}`;
    context.fillText("\u2265 " + words, left - 8 * unit, y);
  }

  function drawStrip(context, palette, look, { x, y, width, height }) {
    context.fillStyle = "#4a4a4a"; // film shows through a hue's low values: the strip says so with a film's grey
    context.fillRect(x, y, width, height);
    const steps = 96, foot = look.threshold > look.low ? (look.threshold - look.low) / (look.high - look.low) : -1;
    for (let step = 0; step < steps; step++) {
      const share = (step + 0.5) / steps, [red, green, blue, alpha] = egma.colours.colourAt(palette, share);
      const dim = share < foot ? 0.22 : 1;
      context.fillStyle = `rgba(${red}, ${green}, ${blue}, ${(alpha / 255) * dim})`;
      context.fillRect(x, y + height * (1 - (step + 1) / steps), width, height / steps + 0.6);
    }
  }

  /** The bar at the stage's right edge, on a dark ground so that it reads over any film. */
  function drawStageLegend(context, stage, palettes, look, words = ["cosine", "similarity"]) {
    const height = Math.min(220, stage.height * 0.42), top = (stage.height - height) / 2, strips = distinct(palettes).length;
    context.save();
    context.font = `11px ${FONT}`;
    const longest = Math.max(...words.map((each) => context.measureText(each).width));
    const width = Math.max(62 + Math.min(MOST_STRIPS, strips) * (strips > 1 ? 9 : 13), longest + 20);
    context.fillStyle = "rgba(0, 0, 0, 0.62)";
    context.beginPath();
    context.roundRect(stage.width - width - 4, top - 42, width, height + 54, 6);
    context.fill();
    context.font = `11px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "alphabetic";
    context.fillStyle = INK;
    context.fillText(words[0], stage.width - 12, top - 26);
    context.fillText(words[1], stage.width - 12, top - 13);
    drawColourBar(context, { x: stage.width - 12, y: top, height, unit: 1 }, palettes, look);
    context.restore();
  }

  function line(context, from, to, y) {
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(to, y);
    context.stroke();
  }

  const distinct = (palettes) => [...new Map(palettes.map((palette) => [palette.key, palette])).values()];

  /** One sentence on how to read the colours. */
  function meaning(look) {
    const [low, high, threshold] = [look.low, look.high, look.threshold].map((value) => plain(value, digitsOf(look)));
    const scale = `Colours run from ${low} to ${high} cosine similarity on every film`;
    return look.threshold > look.low ? `${scale}; below ${threshold} nothing is drawn.` : `${scale}; everything is drawn.`;
  }

  Object.assign(egma, { drawColourBar, drawStageLegend, digitsOf, meaning, plain, ticks, legendStyle: { FONT, INK, FAINT } });
})();
