// Small charts, one a quantity, so that every loss term keeps a scale of its own; a second run is drawn dashed.
const NS = "http://www.w3.org/2000/svg";
const WIDE = 300, HIGH = 120, LEFT = 44, RIGHT = 8, TOP = 8, BOTTOM = 18;
const svg = (tag, attributes, ...children) => {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) name === "text" ? (node.textContent = value) : node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const short = (value) => {
  if (value === null || value === undefined) return "none";
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 10000) ? value.toExponential(1) : value.toPrecision(3).replace(/\.?0+$/, "");
};
const bounds = (chart) => {
  const values = chart.series.flatMap((line) => line.values.filter((each) => each !== null));
  const steps = chart.series.flatMap((line) => line.steps);
  if (!values.length) return null;
  let low = Math.min(...values), high = Math.max(...values);
  if (high - low < 1e-9) { const room = Math.abs(high) * 0.1 || 0.1; low -= room; high += room; }
  return { low, high, first: Math.min(...steps), last: Math.max(...steps, Math.min(...steps) + 1) };
};
const place = (box, step, value) => [
  LEFT + ((step - box.first) / (box.last - box.first)) * (WIDE - LEFT - RIGHT),
  TOP + (1 - (value - box.low) / (box.high - box.low)) * (HIGH - TOP - BOTTOM),
];
const path = (box, line) => {
  let pen = "M", drawn = "";
  line.steps.forEach((step, at) => {
    if (line.values[at] === null) { pen = "M"; return; }
    const [x, y] = place(box, step, line.values[at]);
    drawn += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`; pen = "L";
  });
  return drawn;
};
const dots = (box, line, mark) => line.steps.filter((_, at) => line.values[at] !== null).map((step) => {
  const [x, y] = place(box, step, line.values[line.steps.indexOf(step)]);
  return svg("circle", { cx: x, cy: y, r: 2.6, class: mark });
});
const last = (line) => { for (let at = line.values.length - 1; at >= 0; at--) if (line.values[at] !== null) return line.values[at]; return null; };
const draw = (chart) => {
  const box = bounds(chart);
  if (!box) return "";
  const lines = chart.series.flatMap((line, at) => {
    const mark = at === 0 ? "egma-line" : "egma-line egma-line-second";
    return [svg("path", { d: path(box, line), class: mark }), ...(chart.kind === "validation" ? dots(box, line, at === 0 ? "egma-dot" : "egma-dot egma-dot-second") : [])];
  });
  const said = chart.series.map((line) => `${line.name}: ${short(last(line))} at step ${line.steps[line.steps.length - 1]}`).join("; ");
  const cursor = svg("line", { y1: TOP, y2: HIGH - BOTTOM, class: "egma-cursor", visibility: "hidden" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${chart.title}: ${said}` },
    svg("line", { x1: LEFT, x2: WIDE - RIGHT, y1: HIGH - BOTTOM, y2: HIGH - BOTTOM, class: "egma-axis" }),
    svg("line", { x1: LEFT, x2: WIDE - RIGHT, y1: TOP, y2: TOP, class: "egma-axis egma-axis-faint" }),
    svg("text", { x: LEFT - 5, y: TOP + 4, "text-anchor": "end", text: short(box.high) }),
    svg("text", { x: LEFT - 5, y: HIGH - BOTTOM + 3, "text-anchor": "end", text: short(box.low) }),
    svg("text", { x: LEFT, y: HIGH - 4, text: String(box.first) }),
    svg("text", { x: WIDE - RIGHT, y: HIGH - 4, "text-anchor": "end", text: `step ${box.last}` }), ...lines, cursor);
  const now = make("span", { class: "egma-now", text: chart.series.map((line) => short(last(line))).join(" / ") });
  picture.addEventListener("pointermove", (event) => {
    const at = picture.getBoundingClientRect(), x = ((event.clientX - at.left) / at.width) * WIDE;
    const step = Math.round(box.first + Math.min(1, Math.max(0, (x - LEFT) / (WIDE - LEFT - RIGHT))) * (box.last - box.first));
    const near = chart.series.map((line) => {
      let best = 0;
      line.steps.forEach((each, index) => { if (Math.abs(each - step) < Math.abs(line.steps[best] - step)) best = index; });
      return line.values[best];
    });
    const [cx] = place(box, step, box.low);
    cursor.setAttribute("x1", cx); cursor.setAttribute("x2", cx); cursor.setAttribute("visibility", "visible");
    now.textContent = `step ${step}: ${near.map(short).join(" / ")}`;
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    now.textContent = chart.series.map((line) => short(last(line))).join(" / ");
  });
  return make("figure", { title: chart.meaning }, make("figcaption", {}, make("span", { text: chart.title }), now), picture);
};
const group = (charts, title) => charts.length === 0 ? "" : make("section", {}, make("h3", { text: title }), make("div", { class: "egma-charts" }, ...charts.map(draw)));
const render = (element, value) => {
  const root = element.querySelector("[data-root]");
  if (!root) return;
  const charts = (value && value.charts) || [];
  if (charts.length === 0) { root.replaceChildren(make("p", { class: "egma-meaning", text: (value && value.empty) || "" })); return; }
  const names = charts[0].series.map((line) => line.name);
  const legend = names.length < 2 ? "" : make("p", { class: "egma-legend" },
    ...names.map((name, at) => make("span", { class: at === 0 ? "egma-key" : "egma-key egma-key-second", text: name })));
  root.replaceChildren(legend, group(charts.filter((chart) => chart.kind === "validation"), "On films it does not train on"),
    group(charts.filter((chart) => chart.kind === "step"), "Loss terms at each step"));
};
