// A result's figures, each with what it shows.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  root.hidden = !value.pictures.length;
  refill(root, make("div", { class: "egma-pictures egma-plots" }, ...value.pictures.map(pictureOf)));
};
