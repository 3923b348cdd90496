// Films of the archive in a row, nearest first.
const SMALL_JPEG = "data:image/jpeg;base64,";
const film = (each, trigger) => make("li", {}, make("button", {
  type: "button", title: `Open ${each.title} in the Study tab`, on: { click: () => trigger("open_archived", { id: each.id }) },
},
  each.picture.startsWith(SMALL_JPEG) ? make("img", { src: each.picture, alt: "", loading: "lazy" }) : make("span", { class: "egma-no-picture", text: "no picture" }),
  make("span", { class: "egma-thumb-name", text: each.same ? `${each.title} (the same film)` : each.title }),
  make("span", { class: "egma-facts", text: `cosine ${each.score.toFixed(3)}` })));

const render = (element, value, trigger) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  root.hidden = !value.title && !value.message;
  refill(root,
    value.title ? make("p", { class: "egma-title", text: value.title }) : null,
    value.message ? make("p", { class: "egma-facts", text: value.message }) : null,
    commandLine(value.command),
    value.films.length ? make("ul", { class: "egma-strip", tabindex: 0, "aria-label": value.title }, ...value.films.map((each) => film(each, trigger))) : null);
};
