// A table of any content, each cell written as text; no rows hide it.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  root.hidden = !value || !value.rows || value.rows.length === 0;
  if (root.hidden) { root.replaceChildren(); return; }
  const cell = (text, at) => at === 0 ? make("th", { scope: "row", text }) : make("td", { text });
  root.replaceChildren(make("div", { class: "egma-wide" }, make("table", { class: "egma-rows" },
    make("caption", { text: value.caption }),
    make("thead", {}, make("tr", {}, ...value.head.map((text) => make("th", { scope: "col", text })))),
    make("tbody", {}, ...value.rows.map((row) => make("tr", {}, ...row.map(cell)))))),
    ...value.notes.map((text) => make("p", { class: "egma-meaning", text })));
};
