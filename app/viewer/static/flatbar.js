// The colour bar lying down, for narrow screens.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});

  /** Strips from low to high with their ticks, written only when something about them changed. */
  egma.fillFlatBar = (node, palettes, look) => {
    const key = JSON.stringify([palettes.map((palette) => palette.key), look.low, look.high, look.threshold]);
    node.hidden = palettes.length === 0;
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    const place = (value) => (100 * (value - look.low)) / (look.high - look.low);
    const strips = [...new Map(palettes.map((palette) => [palette.key, palette])).values()].map((palette) => {
      const strip = part("egv-strip", "");
      strip.style.background = gradient(palette, look);
      return strip;
    });
    const ticks = [look.low, ...egma.ticks(look.low, look.high, 4).filter((value) => place(value) > 14 && place(value) < 86), look.high];
    node.replaceChildren(...strips, ...ticks.map((value) => at(part("egv-tick", egma.plain(value, egma.digitsOf(look))), place(value))));
    if (look.threshold > look.low) node.append(at(part("egv-from", ""), place(look.threshold)));
  };

  function gradient(palette, look) {
    const foot = look.threshold > look.low ? (look.threshold - look.low) / (look.high - look.low) : 0;
    const stops = Array.from({ length: 17 }, (_, step) => {
      const [red, green, blue, alpha] = egma.colours.colourAt(palette, step / 16);
      return `rgba(${red}, ${green}, ${blue}, ${(alpha / 255) * (step / 16 < foot ? 0.22 : 1)}) ${(step / 16) * 100}%`;
    });
    return `linear-gradient(90deg, ${stops.join(", ")}), #4a4a4a`;
  }

  function part(className, words) {
    return Object.assign(document.createElement("span"), { className, textContent: words });
  }

  function at(node, percent) {
    node.style.left = `${percent}%`;
    return node;
  }
})();
