// What the patch under a click matches: the phrases asked, and the findings.
const table = (caption, head, rows) => rows.length === 0 ? null : make("table", {},
  make("caption", { text: caption }),
  make("thead", {}, make("tr", {}, make("th", { scope: "col", text: head[0] }), make("th", { scope: "col", text: head[1] }))),
  make("tbody", {}, ...rows.map((row) => make("tr", {},
    make("th", { scope: "row", text: row.name }), make("td", { text: signed(row.score) })))));

const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  root.hidden = !value || !value.where;
  if (root.hidden) { root.replaceChildren(); return; }
  root.replaceChildren(
    make("p", { class: "egma-where", role: "status", text: value.where }),
    make("div", { class: "egma-tables" },
      table("Phrases asked", ["Phrase", "Cosine"], value.phrases),
      table("Findings nearest to this patch", ["Finding", "For \u2212 against"], value.findings)));
};
