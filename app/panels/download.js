// Saves a text as a file, once for every stamp.
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  root.hidden = true;
  if (!value || !value.stamp || element.dataset.saved === value.stamp) return;
  element.dataset.saved = value.stamp;
  const address = URL.createObjectURL(new Blob(["\ufeff", value.text], { type: "text/csv;charset=utf-8" }));
  const link = make("a", { href: address, download: value.name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
};
