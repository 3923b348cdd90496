// Probabilities as bars. Each opens on its prompts; the order can be by probability or fixed.
const ORDER_KEY = "egma-findings-order";
const percent = (p) => (p > 0 && p < 0.01 ? "<1" : p < 1 && p > 0.99 ? ">99" : String(Math.round(p * 100))) + "\u202f%";

const bar = (row) => make("span", {
  class: "egma-meter", role: "meter", "aria-label": row.name, "aria-valuemin": 0, "aria-valuemax": 100,
  "aria-valuenow": Math.round(row.probability * 100),
},
  make("span", { class: "egma-fill", style: { width: (100 * row.probability).toFixed(1) + "%" } }),
  row.interval ? make("span", { class: "egma-span", style: {
    left: (100 * row.interval[0]).toFixed(1) + "%", right: (100 - 100 * row.interval[1]).toFixed(1) + "%" } }) : null,
  row.calibrated && make("span", { class: "egma-tick", style: { left: (100 * row.threshold).toFixed(1) + "%" } }));

const prompts = (heading, list) => make("div", { class: "egma-prompts" },
  make("span", { class: "egma-prompts-head", text: heading }),
  make("ul", {}, ...list.map((words) => make("li", { text: words }))));

const verdict = (row) => (!row.calibrated ? "Not calibrated: the percentage orders films, its size means nothing." : judged(row));
const judged = (row) => (row.unsure ? "Not sure: the calibration cannot tell it from the threshold, " : row.probability >= row.threshold
  ? "Above the threshold chosen on validation films, " : "Below the threshold chosen on validation films, ") + percent(row.threshold)
  + (row.interval ? `; 90\u202f% interval of the calibration ${percent(row.interval[0])} to ${percent(row.interval[1])}.` : ".");

const line = (row, trigger) => make("li", {},
  make("details", { "data-finding": row.finding },
    make("summary", {},
      make("span", { class: "egma-name" }, row.name, row.unsure ? make("small", { class: "egma-unsure", text: "not sure" }) : null), bar(row),
      make("span", { class: "egma-value", text: percent(row.probability) })),
    make("div", { class: "egma-behind" },
      make("p", { class: "egma-verdict", text: verdict(row) }),
      prompts("Speaks for it", row.positive), prompts("Speaks against it", row.negative),
      make("button", { type: "button", class: "egma-link", text: "Show where on the film",
        on: { click: () => trigger("show_finding", { finding: row.finding }) } }))));

const waiting = (value) => make("div", { class: value.state === "failed" ? "egma-failed" : "egma-wait", role: "status" },
  make("p", { text: value.message }),
  value.state === "loading" ? make("div", { class: "egma-ghosts", "aria-hidden": "true" },
    ...[0.8, 0.6, 0.5, 0.35, 0.2].map((w) => make("span", { style: { width: 100 * w + "%" } }))) : null);

const readOrder = () => { try { return localStorage.getItem(ORDER_KEY) || "value"; } catch { return "value"; } };
const keepOrder = (order) => { try { localStorage.setItem(ORDER_KEY, order); } catch { /* private window */ } };

const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  if (value.state !== "ready") { root.replaceChildren(waiting(value)); return; }
  const open = new Set([...root.querySelectorAll("details[open]")].map((each) => each.dataset.finding));
  const order = readOrder();
  const rows = [...value.rows];
  if (order === "value") rows.sort((a, b) => b.probability - a.probability);
  const choose = (name, label) => make("button", {
    type: "button", "aria-pressed": String(order === name), text: label,
    on: { click: () => { keepOrder(name); render(element, value, trigger); } },
  });
  root.replaceChildren(
    make("div", { class: "egma-order", role: "group", "aria-label": "Order of findings" },
      choose("value", "By probability"), choose("fixed", "Fixed order")),
    make("ul", { class: "egma-findings", "aria-label": "Probability of each finding" }, ...rows.map((row) => line(row, trigger))),
    make("p", { class: "egma-meaning", text: value.meaning }));
  for (const each of root.querySelectorAll("details")) each.open = open.has(each.dataset.finding);
};
