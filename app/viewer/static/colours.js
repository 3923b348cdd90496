// Colour maps for values between a checkpoint's low and high, and one hue a layer for telling several maps apart.
(() => {
  "use strict";
  const egma = (window.egmaViewer = window.egmaViewer || {});

  // Plasma, viridis, cividis and magma (Smith, van der Walt, Nunez et al.; CC0), at 17 even places; between them colours
  // are mixed evenly, which stays within 2/255 of the originals. All four are even in lightness and safe for
  // colour-blind readers. Amber is one hue from black to white.
  const STOPS = {
    plasma: "0d08873105974c02a16600a77e03a89511a1aa2395bc3587cc4778da5a6ae66c5cf0804ef89540fdac33fdc527f8df25f0f921",
    viridis: "44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8e219fde725",
    cividis: "00224e002e6a1a386f32436d434e6c535a6d61656f6f70737d7c788c88789b9476aba072bcae6ccdbb63dec958f0d846fee838",
    magma: "0000040a08221d114736106b51127c6a1c818326819c2e7fb73779d0416fe75263f56b5cfc8961fea772fec488fde2a3fcfdbf",
    amber: "1a0f00462900743f00a05800c77500ea9412ffb53affd277ffebb9",
  };
  // Okabe and Ito's palette without its black and its blue, which vanish on film: told apart with any colour vision.
  const HUES = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7"];
  const STEPS = 256;

  const parse = (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));

  function buildTable(stops) {
    const colours = stops.match(/.{6}/g).map(parse);
    const table = new Uint8Array(STEPS * 3);
    for (let step = 0; step < STEPS; step++) {
      const place = (step / (STEPS - 1)) * (colours.length - 1);
      const low = Math.min(Math.floor(place), colours.length - 2);
      for (let part = 0; part < 3; part++) {
        const [from, to] = [colours[low][part], colours[low + 1][part]];
        table[step * 3 + part] = Math.round(from + (to - from) * (place - low));
      }
    }
    return table;
  }

  const tables = {};
  const table = (name) => (tables[name] = tables[name] || buildTable(STOPS[name] || STOPS.plasma));

  /** How a layer's values become colours. `hue`: one colour, denser with the value; else a map, evenly dense. */
  function paletteFor(name, index) {
    if (name !== "hues") return { key: name, table: table(name), hue: null };
    const hue = HUES[index % HUES.length];
    return { key: hue, table: null, hue, rgb: parse(hue.slice(1)) };
  }

  /** RGBA (0..255) of a share (0..1 of the display range) under a palette. */
  function colourAt(palette, share) {
    const clipped = Math.min(1, Math.max(0, share));
    if (palette.hue) return [...palette.rgb, Math.round(hueDensity(clipped) * 255)];
    const at = Math.round(clipped * (STEPS - 1)) * 3;
    return [palette.table[at], palette.table[at + 1], palette.table[at + 2], 255];
  }

  // A hue has no lightness to spend, so a low value shows more of the film; the power makes equal steps look equal.
  const hueDensity = (share) => 0.1 + 0.9 * share ** 1.5;

  egma.colours = {
    choices: [
      ["auto", "Automatic"], ["plasma", "Plasma"], ["viridis", "Viridis"], ["cividis", "Cividis"], ["magma", "Magma"],
      ["amber", "Amber"], ["hues", "One hue per phrase"],
    ],
    hueOf: (index) => HUES[index % HUES.length],
    paletteFor,
    colourAt,
  };
})();
