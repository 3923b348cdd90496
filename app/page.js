() => {
  // The reader's own choice of light or dark, where they made one.
  try {
    const kept = localStorage.getItem("egma-theme");
    if (kept && document.body.classList.contains("dark") !== (kept === "dark")) document.querySelector("#egma-theme")?.click();
  } catch { /* storage is closed in private windows */ }

  // What is dropped anywhere on the page goes to the button that opens files on the tab in sight.
  if (window.egmaDrop) return;
  window.egmaDrop = true;
  const carriesFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  let depth = 0;
  const mark = (on) => document.body.classList.toggle("egma-dropping", on);
  addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; mark(true); } });
  addEventListener("dragleave", (event) => { if (carriesFiles(event)) { depth = Math.max(0, depth - 1); if (depth === 0) mark(false); } });
  addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0; mark(false);
    const gaze = document.querySelector("#egma-gaze-open");
    const taken = gaze?.offsetParent ? gaze : document.querySelector("#egma-open"); // in the Gaze tab: any number, recordings too
    const input = taken?.parentElement.querySelector("input[type=file]");
    const files = [...event.dataTransfer.files].slice(0, taken === gaze ? undefined : 1);
    if (!input || !files.length) return;
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
