// Long work on a library: how far it is, and what can be done about it.
const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  root.hidden = !value.id;
  if (root.hidden) { refill(root); return; }
  const share = value.total > 0 ? Math.min(1, value.done / value.total) : 0;
  const act = (label, name) => make("button", { type: "button", class: "egma-small", text: label, on: { click: () => trigger(name, { id: value.id }) } });
  const isOver = !["queued", "running", "stopping"].includes(value.state);
  refill(root, 
    make("div", { class: "egma-hits-head" }, make("p", { class: "egma-title", text: value.title }),
      make("div", { class: "egma-actions" }, value.can_stop ? act("Stop", "stop_job") : null, value.can_resume ? act("Go on", "resume_job") : null,
        isOver ? act("Hide", "dismiss_job") : null)),
    isOver ? null : make("span", { class: value.total ? "egma-meter" : "egma-meter egma-unknown", role: "progressbar", "aria-label": value.title, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share * 100) },
      make("span", { class: "egma-fill", style: { width: (100 * share).toFixed(1) + "%" } })),
    make("p", { class: "egma-facts", role: "status", text: value.text }));
};
