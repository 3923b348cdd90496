// Model against reader: three maps of one film side by side, each with its scale, and the measures with their meaning.
const INK = "#f2f4f6", GROUND = "#0b0d10";
const LONG = 320;
// Blue for the reader, orange for the model, nothing where they agree: told apart with any colour vision.
const SIDES = [[0, 114, 178], [230, 130, 0]];

const diverging = (share) => {
  const size = Math.min(1, Math.abs(share));
  return [...SIDES[share > 0 ? 1 : 0], Math.round(235 * size ** 0.8)];
};
const viridis = (share) => {
  const { colours } = window.egmaViewer;
  return [...colours.colourAt(colours.paletteFor("viridis", 0), share).slice(0, 3), share < 0.08 ? 0 : 170];
};

const picture = (map, colourOf, top) => {
  const canvas = document.createElement("canvas");
  canvas.width = map.cols; canvas.height = map.rows;
  const context = canvas.getContext("2d"), image = context.createImageData(map.cols, map.rows);
  map.data.forEach((value, at) => {
    if (value === null) return;
    image.data.set(colourOf(value / top), at * 4);
  });
  context.putImageData(image, 0, 0);
  return canvas;
};

const draw = (canvas, map, colourOf, top) => {
  const film = window.egmaViewer?.gazeStage?.viewer.state.film;
  const wide = map.cols >= map.rows, scale = window.devicePixelRatio || 1;
  canvas.width = Math.round((wide ? LONG : LONG * map.cols / map.rows) * scale);
  canvas.height = Math.round((wide ? LONG * map.rows / map.cols : LONG) * scale);
  const context = canvas.getContext("2d");
  context.fillStyle = GROUND;
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (film) context.drawImage(film.canvas, 0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = true;
  context.drawImage(picture(map, colourOf, top), 0, 0, canvas.width, canvas.height);
};

const bar = (colourOf, from, to, ticks) => {
  const stops = Array.from({ length: 21 }, (_, at) => {
    const [red, green, blue, alpha] = colourOf(from + (to - from) * at / 20);
    return `rgba(${red}, ${green}, ${blue}, ${(alpha / 255).toFixed(3)}) ${at * 5}%`;
  });
  return make("div", { class: "egma-scale" },
    make("span", { style: { background: `linear-gradient(90deg, ${stops.join(", ")}), #4a4a4a` } }),
    make("div", {}, ...ticks.map((words) => make("i", { text: words }))));
};

const tile = (title, map, colourOf, top, scale, label) => {
  const canvas = make("canvas", { role: "img", "aria-label": `${title}: ${label}` });
  draw(canvas, map, colourOf, top);
  canvas.style.aspectRatio = `${map.cols} / ${map.rows}`;
  return make("figure", {}, make("figcaption", {}, make("strong", { text: title }), " ", make("span", { text: label })), canvas, scale);
};

const figure = (value) => value === null ? "\u2013" : (value < 0 ? "\u2212" : "") + Math.abs(value).toFixed(3);

const table = (value) => make("table", { class: "egma-measures" },
  make("caption", { text: value.caption }),
  make("thead", {}, make("tr", {}, ...["Measure", "Model", "Other readers (ceiling)", "Centre bias (floor)", "What it means"].map((text) => make("th", { scope: "col", text })))),
  make("tbody", {}, ...value.rows.map((row) => make("tr", {},
    make("th", { scope: "row", text: row.name }), ...[row.model, row.ceiling, row.floor].map((cell) => make("td", { text: figure(cell) })),
    make("td", { class: "egma-means", text: row.meaning })))));

const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  root.hidden = !value || !value.title;
  if (root.hidden) { root.replaceChildren(); return; }
  const { top, swing } = value, tops = ["0", `${top / 2}\u00d7`, `${top}\u00d7`], swings = [`reader +${swing}\u00d7`, "equal", `model +${swing}\u00d7`];
  const film = window.egmaViewer?.gazeStage?.viewer.state.film;
  root.replaceChildren(
    make("p", { class: "egma-where", role: "status", text: value.title }),
    make("div", { class: "egma-trio" },
      tile("Model", value.model, viridis, top, bar(viridis, 0, 1, tops), value.model_label),
      tile("Reader", value.reader, viridis, top, bar(viridis, 0, 1, tops), value.reader_label),
      tile("Model \u2212 reader", value.difference, diverging, swing, bar(diverging, -1, 1, swings), "where they differ")),
    make("p", { class: "egma-meaning", text: value.meaning }),
    ...(value.rows.length ? [make("div", { class: "egma-wide" }, table(value))] : []),
    ...value.notes.map((text) => make("p", { class: "egma-meaning", text })));
  if (!film) document.addEventListener("egma-gaze", () => element.isConnected && render(element, value), { once: true });
};
