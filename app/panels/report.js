// A report beside the film: by sections; a sentence that says what a film shows can be asked for.
const sentence = (words, number, value, trigger) => number < 0
  ? make("span", { class: "egma-plain", text: words + " " })
  : make("button", { type: "button", class: number === value.matched ? "egma-ask egma-matched" : "egma-ask", "aria-pressed": String(number === value.current),
      title: "Show where the model finds it on the film", text: words, on: { click: () => trigger("choose_sentence", { index: number }) } });

const section = (each, value, trigger) => make("section", {},
  each.name ? make("h3", { text: each.name }) : null,
  make("div", { class: "egma-section" }, ...each.sentences.map((words, at) => sentence(words, each.first < 0 ? -1 : each.first + at, value, trigger))));

const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  if (!value.id) { refill(root, make("p", { class: "egma-blank", text: value.hint })); return; }
  refill(root, 
    make("div", { class: "egma-hits-head" },
      make("p", { class: "egma-title", text: value.id }),
      make("button", { type: "button", class: "egma-small", text: "Close", on: { click: () => trigger("close_report", {}) } })),
    make("p", { class: "egma-facts", text: value.facts.join(" \u00b7 ") }),
    make("p", { class: "egma-hint-line", text: value.hint }),
    ...value.sections.map((each) => section(each, value, trigger)),
    make("div", { class: "egma-actions" }, copyButton("Copy report with citation", () => `${value.text}\n\n${value.citation}`)),
    make("p", { class: "egma-facts", text: value.citation }));
};
