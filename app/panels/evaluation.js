// A result's tables. A figure with films behind it is a button; every word arrives as text.
const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  const small = (text) => (text ? make("small", { text }) : null);
  const figure = (cell) => [make("span", { class: "egma-figure", text: cell.text }),
    cell.mark ? make("sup", { class: "egma-star", text: cell.mark }) : null, small(cell.interval), small(cell.note)];
  const content = (cell, model, name) => cell.item && model
    ? make("button", { type: "button", class: "egma-cell", title: "Show the films behind this figure, worst first",
      "aria-label": `${name}, ${model}: ${cell.text} ${cell.interval}, show its films`,
      on: { click: (event) => { choose(event.currentTarget); trigger("choose_cell", { model, item: cell.item }); } } }, ...figure(cell))
    : make("span", { class: "egma-plain" }, ...figure(cell));
  const choose = (button) => root.querySelectorAll(".egma-cell").forEach((each) => each.toggleAttribute("aria-current", each === button));
  const rows = (each) => make("table", { class: "egma-results" },
    each.folded ? null : make("caption", { text: each.caption }),
    make("thead", {}, make("tr", {}, ...each.head.map((text) => make("th", { scope: "col", text })))),
    make("tbody", {}, ...each.rows.map((row) => make("tr", {}, make("th", { scope: "row" }, make("span", { text: row.name }), small(row.note)),
      ...row.cells.map((cell, at) => make("td", {}, content(cell, row.model || each.models[at], row.name)))))));
  const folded = (words, ...inside) => make("details", { class: "egma-folded" }, make("summary", { text: words }), ...inside);
  const table = (each) => {
    const wide = make("div", { class: "egma-wide", tabindex: "0", role: "region", "aria-label": each.caption }, rows(each));
    return each.folded ? folded(each.caption, wide) : wide;
  };
  const pairs = (list, kind) => make("dl", { class: kind },
    ...list.flatMap(([name, words]) => [make("dt", { text: name }), make("dd", { text: words })]));
  if (value.empty) { refill(root, make("p", { class: "egma-hint", text: value.empty })); return; }
  refill(root, value.title ? make("p", { class: "egma-title", text: value.title }) : null,
    value.facts.length ? pairs(value.facts, "egma-protocol") : null,
    ...value.tables.filter((each) => !each.folded).map(table),
    ...value.notes.map((text) => make("p", { class: "egma-meaning", text })),
    ...value.tables.filter((each) => each.folded).map(table),
    value.terms.length ? folded("What the figures mean", pairs(value.terms, "egma-protocol")) : null);
};
