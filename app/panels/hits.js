// Reports that were found, best first: a card each, with the sentence that matched marked in it.
const quoted = (hit) => make("p", { class: "egma-hit-words" },
  hit.before ? document.createTextNode(hit.before + " ") : null,
  hit.matched ? make("mark", { text: hit.matched }) : null,
  hit.after ? document.createTextNode(" " + hit.after) : null);

// the card stays marked until another is opened; the server keeps no such thing
const openHit = (event, hit, trigger) => {
  const card = event.currentTarget.closest("li");
  for (const other of card.parentElement.children) other.removeAttribute("aria-current");
  card.setAttribute("aria-current", "true");
  trigger("open_hit", { id: hit.id, matched: hit.matched });
};

const card = (hit, place, trigger) => make("li", { class: "egma-hit" },
  make("div", { class: "egma-hit-top" },
    make("span", { class: "egma-rank", text: String(place + 1) }),
    make("button", { type: "button", class: "egma-hit-id", text: hit.id, title: "Open it beside the film",
      on: { click: (event) => openHit(event, hit, trigger) } }),
    make("span", { class: "egma-facts", text: hit.facts.join(" \u00b7 ") })),
  hit.warning ? make("p", { class: "egma-hit-warning", text: hit.warning }) : null,
  quoted(hit), chips(hit.findings),
  make("p", { class: "egma-score", text: hit.score_words }),
  make("div", { class: "egma-actions" },
    make("button", { type: "button", class: "egma-small egma-strong", text: "Open beside the film", on: { click: (event) => openHit(event, hit, trigger) } }),
    make("button", { type: "button", class: "egma-small", text: "More like this", on: { click: () => trigger("more_like", { id: hit.id }) } }),
    copyButton("Copy with citation", () => `${[hit.before, hit.matched, hit.after].filter(Boolean).join(" ")}\n\n${hit.citation}`)));

const nothing = (value) => make("div", { class: value.state === "failed" ? "egma-failed egma-blank" : "egma-blank", role: value.state === "failed" ? "alert" : "status" },
  make("p", { text: value.message }), commandLine(value.command));

const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  if (value.polite && root.querySelector(".egma-hits")) return;
  if (value.state !== "ready") { refill(root, nothing(value)); return; }
  const sent = value.hits.map(({ id, score, matched }) => ({ id, score, matched }));
  refill(root, 
    make("div", { class: "egma-hits-head" },
      make("p", { class: "egma-title", role: "status", text: value.title }),
      make("button", { type: "button", class: "egma-small", text: "Export CSV", on: { click: () => trigger("export_hits", { hits: sent }) } })),
    value.caveat ? make("p", { class: "egma-figure", text: value.caveat }) : null,
    make("p", { class: "egma-meaning", text: value.meaning }),
    make("ol", { class: "egma-hits", "aria-label": "Reports, best first" }, ...value.hits.map((hit, place) => card(hit, place, trigger))));
};
