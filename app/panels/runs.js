// The list of runs: a button each, with a state that is said in words, and a bar while it is at work.
const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  const rows = (value && value.rows) || [];
  const hadFocus = root.contains(document.activeElement) ? document.activeElement.dataset.run : null;
  const bar = (share) => share === null || share === undefined ? null
    : make("span", { class: "egma-meter" }, make("span", { class: "egma-fill", style: { width: `${Math.round(share * 100)}%` } }));
  const row = (run) => make("li", {}, make("button", {
    type: "button", class: "egma-run", "aria-current": run.id === value.current ? "true" : null, "data-run": run.id,
    on: { click: () => trigger("choose_run", { id: run.id }) },
  }, make("span", { class: "egma-run-title", text: run.title }), make("span", { class: `egma-state egma-state-${run.state}`, text: run.state }),
  make("span", { class: "egma-run-detail", text: run.detail }), bar(run.share)));
  root.replaceChildren(make("ul", { class: "egma-runs" }, ...rows.map(row)), value && value.note ? make("p", { class: "egma-meaning", text: value.note }) : "");
  if (hadFocus) { const now = root.querySelector(`[data-run="${CSS.escape(hadFocus)}"]`); if (now) now.focus({ preventScroll: true }); }
};
