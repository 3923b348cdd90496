// Sentences a reader should see before trusting anything drawn on this film.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  const sentences = (value && value.sentences) || [];
  root.hidden = sentences.length === 0;
  root.replaceChildren(
    make("strong", { text: value ? value.title || "Before you trust this film" : "" }),
    make("ul", {}, ...sentences.map((words) => make("li", { text: words }))));
};
