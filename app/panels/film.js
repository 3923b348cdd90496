// The film on screen: its title, and what is known of it.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root || !value) return;
  root.replaceChildren(
    make("p", { class: "egma-title", text: value.title }),
    make("p", { class: "egma-facts", text: value.facts.join(" \u00b7 ") }));
};
