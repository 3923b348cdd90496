// Copies a text, also where the page is not served over https, and says on the button that it was done.
const copyText = async (text, button) => {
  const said = button.textContent;
  const byHand = () => {
    const box = make("textarea", { style: { position: "fixed", opacity: "0" }, "aria-hidden": "true" });
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  };
  let done = false;
  try { await navigator.clipboard.writeText(text); done = true; } catch { done = byHand(); }
  button.textContent = done ? "Copied" : "Copying is not allowed here";
  setTimeout(() => { button.textContent = said; }, 1600);
};
const copyButton = (label, text) => make("button", {
  type: "button", class: "egma-small", text: label, on: { click: (event) => copyText(text(), event.currentTarget) },
});
const commandLine = (command) => command ? make("p", { class: "egma-command" },
  make("code", { text: command }), copyButton("Copy command", () => command)) : null;
const chips = (names) => names.length ? make("ul", { class: "egma-finding-chips", "aria-label": "Findings that it names as present" },
  ...names.map((name) => make("li", { text: name }))) : null;
