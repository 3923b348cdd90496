// What is known of one checkpoint: hash, licence, figures with their intervals, and the card's pictures.
const FIRST_FIGURES = 9;
const figureTable = (rows) => make("table", {},
  make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Measured" }),
    make("th", { scope: "col", text: "Value [95\u202f% interval]" }), make("th", { scope: "col", text: "n" }))),
  make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row", text: row.name }),
    make("td", { text: row.text }), make("td", { text: row.n === null ? "" : String(row.n) })))));

const figuresOf = (rows) => {
  if (!rows.length) return make("p", { class: "egma-facts", text: "No figures were measured for this checkpoint here." });
  const rest = rows.slice(FIRST_FIGURES);
  return make("div", { class: "egma-figures" }, figureTable(rows.slice(0, FIRST_FIGURES)),
    rest.length ? make("details", {}, make("summary", { text: `${rest.length} more figures` }), figureTable(rest)) : null);
};

const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  const fact = (name, words) => (words ? [make("dt", { text: name }), make("dd", { text: words })] : []);
  root.replaceChildren(...[
    make("p", { class: "egma-title", text: value.name }),
    value.problem ? make("p", { class: "egma-failed", text: value.problem }) : null,
    make("dl", { class: "egma-facts" }, ...fact("SHA-256", value.hash), ...fact("Licence", value.licence), ...fact("Model", value.towers)),
    value.problem ? null : figuresOf(value.figures),
    value.pictures.length ? make("div", { class: "egma-pictures" }, ...value.pictures.map(pictureOf)) : null,
  ].filter(Boolean));
};
