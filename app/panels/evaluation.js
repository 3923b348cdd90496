// A result's tables. A figure with films behind it is a button; every word arrives as text.
const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  const figure = (cell) => [make("span", { class: "egma-figure", text: cell.text + (cell.mark ? " " + cell.mark : "") }),
    cell.interval ? make("small", { text: cell.interval }) : null];
  const content = (cell, model, name) => cell.item && model
    ? make("button", { type: "button", class: "egma-cell", title: "Show the films behind this figure, worst first",
      "aria-label": `${name}: ${cell.text} ${cell.interval}, show its films`,
      on: { click: () => trigger("choose_cell", { model, item: cell.item }) } }, ...figure(cell))
    : make("span", { class: "egma-plain", title: cell.why || null }, ...figure(cell));
  const table = (each) => make("div", { class: "egma-wide" }, make("table", { class: "egma-results" },
    make("caption", { text: each.caption }),
    make("thead", {}, make("tr", {}, ...each.head.map((text) => make("th", { scope: "col", text })))),
    make("tbody", {}, ...each.rows.map((row) => make("tr", {}, make("th", { scope: "row" }, make("span", { text: row.name }), row.note ? make("small", { text: row.note }) : null),
      ...row.cells.map((cell, at) => make("td", {}, content(cell, row.model || each.models[at], row.name))))))));
  if (value.empty) { refill(root, make("p", { class: "egma-hint", text: value.empty })); return; }
  refill(root, value.title ? make("p", { class: "egma-title", text: value.title }) : null,
    ...value.facts.map((text) => make("p", { class: "egma-facts", text })),
    ...value.tables.map(table),
    ...value.notes.map((text) => make("p", { class: "egma-meaning", text })));
};
