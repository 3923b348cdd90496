// One sentence in answer to what was asked; none hides the box.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  const text = (value && value.text) || "";
  root.hidden = !text;
  root.setAttribute("role", "alert");
  root.textContent = text;
};
