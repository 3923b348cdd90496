// A draft from other reports: a reader accepts sentence by sentence; nothing is accepted before.
const accepted = new WeakMap(); // element -> {stamp, places}

const keptFor = (element, value) => {
  const kept = accepted.get(element);
  if (kept && kept.stamp === value.stamp) return kept.places;
  const places = new Set();
  accepted.set(element, { stamp: value.stamp, places });
  return places;
};

const sources = (each, trigger) => make("details", { class: "egma-sources" },
  make("summary", { text: each.sources.length === 1 ? "1 report says it" : `${each.sources.length} reports say it` }),
  make("ul", {}, ...each.sources.map((source) => make("li", {},
    make("button", { type: "button", class: "egma-hit-id", text: source.id, title: "Open it beside the film", on: { click: () => trigger("open_hit", { id: source.id }) } }),
    make("span", { text: ` \u201c${source.words}\u201d` })))));

const line = (each, place, value, places, redraw, trigger) => make("li", { class: each.contradicts.length ? "egma-draft-line egma-conflict" : "egma-draft-line" },
  make("label", {},
    make("input", { type: "checkbox", checked: places.has(place), on: { change: (event) => { event.currentTarget.checked ? places.add(place) : places.delete(place); redraw(); } } }),
    make("span", { class: "egma-draft-words", text: `${place + 1}. ${each.words}` })),
  make("div", { class: "egma-draft-under" },
    ...each.notes.map((words) => make("p", { class: "egma-hit-warning", text: words })),
    make("button", { type: "button", class: "egma-link", "aria-pressed": String(place === value.current), text: "Show where on the film", on: { click: () => trigger("choose_sentence", { index: place, words: each.words }) } }),
    sources(each, trigger)));

const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  if (!value.sentences.length) { refill(root, value.message ? make("p", { class: "egma-blank", role: "status", text: value.message }) : ""); return; }
  const open = new Set([...root.querySelectorAll("details")].flatMap((each, at) => (each.open && root.dataset.stamp === value.stamp ? [at] : [])));
  const places = keptFor(element, value), redraw = () => render(element, value, trigger);
  const text = () => [...places].sort((a, b) => a - b).map((place) => value.sentences[place].words).join(" ");
  const copy = copyButton("Copy accepted sentences", () => `${text()}\n\n${value.caveat}`);
  copy.disabled = places.size === 0;
  root.dataset.stamp = value.stamp;
  refill(root, 
    make("p", { class: "egma-draft-mark", role: "status", text: `DRAFT \u00b7 ${places.size} of ${value.sentences.length} sentences accepted` }),
    make("p", { class: "egma-facts", text: value.summary }),
    value.conflicts.length ? make("div", { class: "egma-hit-warning" }, make("strong", { text: "The reports disagree" }), make("ul", {}, ...value.conflicts.map((words) => make("li", { text: words })))) : null,
    make("ol", { class: "egma-draft", "aria-label": "Sentences of the draft" }, ...value.sentences.map((each, place) => line(each, place, value, places, redraw, trigger))),
    places.size ? make("p", { class: "egma-accepted", text: text() }) : null,
    make("div", { class: "egma-actions" }, copy),
    make("p", { class: "egma-facts", text: value.caveat }));
  root.querySelectorAll("details").forEach((each, at) => { each.open = open.has(at); });
};
