// Two models' findings on one film, a row a finding: each model's percentage and call, and the difference.
const COMPARISON_ORDER_KEY = "egma-comparison-order";
const percentOf = (p) => (p > 0 && p < 0.01 ? "<1" : p < 1 && p > 0.99 ? ">99" : String(Math.round(p * 100))) + "\u202f%";
const points = (d) => (Math.abs(d) < 0.005 ? "0" : (d < 0 ? "\u2212" : "+") + Math.round(100 * Math.abs(d)));

const score = (cell) => (cell === null ? make("td", { class: "egma-none", text: "not asked" })
  : make("td", {}, make("b", { text: percentOf(cell.probability) }), cell.call ? make("small", { text: cell.call }) : null));

const keptOrder = () => { try { return localStorage.getItem(COMPARISON_ORDER_KEY) || "difference"; } catch { return "difference"; } };
const keepIt = (order) => { try { localStorage.setItem(COMPARISON_ORDER_KEY, order); } catch { /* private window */ } };

const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  const order = keptOrder(), rows = [...value.rows];
  if (order === "difference") rows.sort((a, b) => Math.abs(b.difference ?? -1) - Math.abs(a.difference ?? -1));
  const choose = (name, label) => make("button", {
    type: "button", "aria-pressed": String(order === name), text: label, on: { click: () => { keepIt(name); render(element, value); } },
  });
  root.replaceChildren(
    make("div", { class: "egma-order", role: "group", "aria-label": "Order of findings" },
      choose("difference", "Largest difference first"), choose("fixed", "Fixed order")),
    make("table", { class: "egma-comparison" },
      make("caption", { text: "Findings of both models on this film" }),
      make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Finding" }),
        make("th", { scope: "col", text: value.first }), make("th", { scope: "col", text: value.second }),
        make("th", { scope: "col", text: "Difference, points" }))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row", text: row.name }),
        score(row.first), score(row.second),
        make("td", { text: row.difference === null ? "\u2013" : points(row.difference) }))))),
    make("p", { class: "egma-meaning", text: value.meaning }));
};
