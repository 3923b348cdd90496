// One run: its name and state, a bar, the figures of this moment, and what it came to.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  root.hidden = !value || !value.title;
  if (root.hidden) { root.replaceChildren(); return; }
  const fact = ([name, text]) => make("div", {}, make("dt", { text: name }), make("dd", { text }));
  const cell = (text, at) => at === 0 ? make("th", { scope: "row", text }) : make("td", { text });
  const outcome = value.outcome.length === 0 ? "" : make("table", { class: "egma-outcome" },
    make("thead", {}, make("tr", {}, ...value.outcome_head.map((text) => make("th", { scope: "col", text })))),
    make("tbody", {}, ...value.outcome.map((row) => make("tr", {}, ...row.map(cell)))));
  root.replaceChildren(
    make("div", { class: "egma-run-head" }, make("span", { class: "egma-title", text: value.title }),
      make("span", { class: `egma-state egma-state-${value.state}`, text: value.state })),
    make("p", { class: value.state === "failed" ? "egma-failed" : "egma-run-said", role: "status", text: value.sentence }),
    value.share === null || value.share === undefined ? "" : make("span", { class: "egma-meter", role: "progressbar",
      "aria-label": "Progress", "aria-valuenow": Math.round(value.share * 100), "aria-valuemin": 0, "aria-valuemax": 100 },
    make("span", { class: "egma-fill", style: { width: `${value.share * 100}%` } })),
    make("dl", { class: "egma-figures" }, ...value.facts.map(fact)), outcome,
    value.note ? make("p", { class: "egma-meaning", text: value.note }) : "");
};
