// One sentence in answer to what was asked; none hides the box.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  const text = (value && value.text) || "";
  root.hidden = !text;
  const waits = Boolean(value) && value.kind === "wait";
  root.setAttribute("role", waits ? "status" : "alert");
  root.classList.toggle("egma-message-wait", waits);
  root.textContent = text;
};
