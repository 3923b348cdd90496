// Every checkpoint there is, a row each: a button shows its card. One that cannot be opened says why.
const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  const line = (row) => make("li", { class: "egma-checkpoint", "data-name": row.name, "aria-current": row.name === value.shown ? "true" : null },
    make("button", { type: "button", class: "egma-pick", on: { click: () => trigger("show_card", { name: row.name }) } },
      make("b", { text: row.name }), row.hash ? make("code", { text: row.hash }) : null,
      row.in_use ? make("span", { class: "egma-badge", text: "in use" }) : null,
      make("span", { class: "egma-headline", text: row.problem || row.headline || "no figures measured" })));
  root.replaceChildren(
    make("ul", { class: "egma-checkpoints", "aria-label": "Checkpoints" }, ...value.rows.map(line)));
};
