// A report's sentences, one of them current: buttons in reading order, arrow keys move between them.
const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  const sentences = (value && value.sentences) || [];
  const current = value ? value.current : -1;
  const go = (index) => trigger("choose_sentence", { index });
  const step = (label, index) => make("button", {
    type: "button", class: "egma-step", text: label, disabled: index < 0 || index >= sentences.length, on: { click: () => go(index) },
  });
  const hadFocus = root.contains(document.activeElement);
  root.hidden = sentences.length === 0;
  root.replaceChildren(
    make("div", { class: "egma-steps" }, step("\u2190 Previous", current - 1),
      make("span", { role: "status", text: `Sentence ${current + 1} of ${sentences.length}` }), step("Next \u2192", current + 1)),
    make("ol", { class: "egma-sentences" }, ...sentences.map((words, index) => make("li", {},
      make("button", { type: "button", "aria-current": index === current ? "true" : null, text: words, on: { click: () => go(index) } })))));
  root.onkeydown = (event) => {
    const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (move && current + move >= 0 && current + move < sentences.length) { event.preventDefault(); go(current + move); }
  };
  if (hadFocus) { const now = root.querySelector("[aria-current]"); if (now) now.focus({ preventScroll: true }); }
};
