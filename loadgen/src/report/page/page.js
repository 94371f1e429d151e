// The report: pointing, the keyboard and zoom. Everything can be read without it.
//
// It promises that
// - it shows no number of its own but those of the axes: what it reads out stands in the page,
// - figures of one run move together, so that a cause stays above its symptom,
// - whatever the mouse can do, the keyboard can.

const PIXELS_MAX = 4_000_000;
const ZOOM_STEP = 1.6;
const TICK_PIXELS = 90;
const REACH = [0, -3, 3, -6, 6];
const HINT = "Point at a bar or tap it to read it, or walk through them with the arrow keys. Zoom with + and −, or with Ctrl and the wheel.";

// ---- Figures ----

const figures = [...document.querySelectorAll(".plot")].map(prepare);
const zooms = new Map();
let oneScale = false;

function prepare(plot) {
  const canvas = plot.querySelector(".canvas");
  const operations = [...plot.querySelectorAll(".op")];
  const told = new Map();
  for (const operation of operations) {
    const title = operation.querySelector("title");
    told.set(operation, title.textContent);
    // It would cover what it names.
    title.remove();
  }
  return {
    plot,
    canvas,
    operations,
    told,
    axis: canvas.querySelector(".axis"),
    grid: canvas.querySelector(".grid"),
    picture: canvas.querySelector(".picture"),
    reading: plot.previousElementSibling.querySelector(".reading"),
    group: plot.dataset.group,
    start: Number(plot.dataset.start),
    span: Number(plot.dataset.span),
    share: Number(plot.dataset.share),
    current: null,
    pinned: false,
  };
}

const ofGroup = (group) => figures.filter((figure) => figure.group === group);
const zoomOf = (group) => zooms.get(group) ?? 1;

function namesWidth(figure) {
  return figure.canvas.querySelector(".names").getBoundingClientRect().width;
}

// ---- Zoom: the picture becomes wider than its frame, which scrolls ----

// Keeps what stands at `x` (of the screen) under it; without one, the middle.
function zoomTo(figure, zoom, x) {
  const frame = figure.plot.getBoundingClientRect();
  const names = namesWidth(figure);
  const offset = x === undefined ? (frame.width - names) / 2 : x - frame.left - names;
  const before = figure.picture.getBoundingClientRect().width;
  const place = (figure.plot.scrollLeft + offset) / before;
  const most = Math.max(1, PIXELS_MAX / frame.width);
  zooms.set(figure.group, Math.min(most, Math.max(1, zoom)));
  for (const other of ofGroup(figure.group)) {
    applyZoom(other);
    other.plot.scrollLeft = place * other.picture.getBoundingClientRect().width - offset;
    drawAxis(other);
  }
}

function applyZoom(figure) {
  const share = oneScale ? figure.share : 1;
  figure.canvas.style.setProperty("--zoom", zoomOf(figure.group) * share);
}

function pan(figure, pixels) {
  figure.plot.scrollLeft += pixels;
}

function scrolled(figure) {
  for (const other of ofGroup(figure.group)) {
    if (other !== figure && Math.abs(other.plot.scrollLeft - figure.plot.scrollLeft) > 1) {
      other.plot.scrollLeft = figure.plot.scrollLeft;
    }
  }
  requestAnimationFrame(() => drawAxis(figure));
}

// ---- The axis: as `TimeScale` of the page's kit, for the width that the figure really has ----

function drawAxis(figure) {
  const width = figure.picture.getBoundingClientRect().width;
  if (width === 0) return;
  const perPixel = figure.span / width;
  const from = figure.start + perPixel * (figure.plot.scrollLeft - figure.plot.clientWidth);
  const to = figure.start + perPixel * (figure.plot.scrollLeft + 2 * figure.plot.clientWidth);
  const step = roundStep(perPixel * TICK_PIXELS);
  const [unit, name] = unitOf(figure.start + figure.span);
  const decimals = Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-6));
  const texts = [];
  const lines = [];
  const last = Math.min(to, figure.start + figure.span);
  for (let n = Math.ceil(Math.max(0, figure.start, from) / step); n * step <= last + step * 1e-9; n += 1) {
    const place = ((n * step - figure.start) / figure.span) * 100;
    const x = (place / 100) * width - figure.plot.scrollLeft;
    const value = Number(((n * step) / unit).toFixed(decimals));
    // Under the names at the left nobody could read it.
    if (x > -1) texts.push(svg("text", { x: `${place}%`, y: 16, class: x < 20 ? "first" : place > 97 ? "last" : "" }, `${value} ${name}`));
    lines.push(svg("line", { x1: `${place}%`, x2: `${place}%`, y1: 0, y2: "100%" }));
  }
  figure.axis.replaceChildren(...texts);
  figure.grid.replaceChildren(...lines);
}

function roundStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return ([1, 2, 5].find((factor) => factor * power >= size * 0.999999) ?? 10) * power;
}

function unitOf(end) {
  if (end < 1e4) return [1, "ns"];
  if (end < 1e6) return [1e3, "µs"];
  return end < 1e10 ? [1e6, "ms"] : [1e9, "s"];
}

function svg(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- Reading one operation ----

function read(figure, operation) {
  figure.current?.classList.remove("current");
  figure.current = operation;
  operation?.classList.add("current");
  figure.reading.textContent = operation ? figure.told.get(operation) : "";
}

function show(figure, operation) {
  read(figure, operation);
  figure.pinned = true;
  const frame = figure.plot.getBoundingClientRect();
  const left = frame.left + namesWidth(figure);
  const box = operation.getBoundingClientRect();
  const bottom = frame.bottom - figure.axis.getBoundingClientRect().height;
  if (box.left < left) figure.plot.scrollLeft -= left - box.left + 24;
  else if (box.left > frame.right - 24) figure.plot.scrollLeft += box.left - frame.right + 96;
  if (box.top < frame.top) figure.plot.scrollTop -= frame.top - box.top + 8;
  else if (box.bottom > bottom) figure.plot.scrollTop += box.bottom - bottom + 8;
}

// The operation at the pointer, or one so near that it is meant.
function under(figure, event) {
  for (const dy of REACH) {
    for (const dx of REACH) {
      const found = document.elementFromPoint(event.clientX + dx, event.clientY + dy)?.closest(".op");
      if (found && figure.told.has(found)) return found;
    }
  }
  return null;
}

// In the order of the calls, which is the order in the page.
function step(figure, by) {
  const at = figure.operations.indexOf(figure.current);
  const next = at === -1 ? 0 : Math.min(figure.operations.length - 1, Math.max(0, at + by));
  if (figure.operations[next]) show(figure, figure.operations[next]);
}

// The operation of the next lane that stands nearest.
function stepLane(figure, by) {
  if (!figure.current) return step(figure, 0);
  const lane = Number(figure.current.dataset.lane);
  const x = figure.current.getBoundingClientRect().left;
  const away = (operation) => Math.abs(operation.getBoundingClientRect().left - x);
  const beyond = figure.operations.filter((operation) => (operation.dataset.lane - lane) * by > 0);
  const nearest = Math.min(...beyond.map((operation) => Math.abs(operation.dataset.lane - lane)));
  const there = beyond.filter((operation) => Math.abs(operation.dataset.lane - lane) === nearest);
  there.sort((one, other) => away(one) - away(other));
  if (there[0]) show(figure, there[0]);
}

// ---- Keys, wheel, pointer, fingers ----

const KEYS = {
  ArrowRight: (figure) => step(figure, 1),
  ArrowLeft: (figure) => step(figure, -1),
  ArrowDown: (figure) => stepLane(figure, 1),
  ArrowUp: (figure) => stepLane(figure, -1),
  Home: (figure) => step(figure, -Infinity),
  End: (figure) => step(figure, Infinity),
  "+": (figure) => zoomAtCurrent(figure, ZOOM_STEP),
  "=": (figure) => zoomAtCurrent(figure, ZOOM_STEP),
  "-": (figure) => zoomAtCurrent(figure, 1 / ZOOM_STEP),
  0: (figure) => zoomTo(figure, 1),
  Escape: (figure) => {
    figure.pinned = false;
    read(figure, null);
  },
};

function zoomAtCurrent(figure, factor) {
  zoomTo(figure, zoomOf(figure.group) * factor, figure.current?.getBoundingClientRect().left);
}

function onKey(figure, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key](figure);
}

// With Ctrl, as a pinch on a touchpad arrives too; a wheel alone scrolls the page.
function onWheel(figure, event) {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoomTo(figure, zoomOf(figure.group) * Math.exp(-event.deltaY / 300), event.clientX);
}

function onMove(figure, event) {
  if (event.pointerType === "mouse" && event.buttons === 1) return pan(figure, -event.movementX);
  if (!figure.pinned) read(figure, under(figure, event));
}

function onClick(figure, event) {
  const operation = under(figure, event);
  figure.pinned = operation !== null;
  read(figure, operation);
}

let pinch = null;

function onTouch(figure, event) {
  if (event.touches.length !== 2) {
    pinch = null;
    return;
  }
  event.preventDefault();
  const [one, other] = event.touches;
  const distance = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  const middle = (one.clientX + other.clientX) / 2;
  pinch ??= { distance, zoom: zoomOf(figure.group) };
  zoomTo(figure, (pinch.zoom * distance) / pinch.distance, middle);
}

// ---- Buttons ----

function button(text, name, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (name) made.setAttribute("aria-label", name);
  made.addEventListener("click", press);
  return made;
}

function addTools(figure) {
  const zoom = document.createElement("div");
  zoom.className = "zoom";
  zoom.setAttribute("role", "group");
  zoom.setAttribute("aria-label", `Zoom: ${figure.plot.dataset.name}`);
  zoom.append(
    button("−", "Zoom out", () => zoomTo(figure, zoomOf(figure.group) / ZOOM_STEP)),
    button("+", "Zoom in", () => zoomTo(figure, zoomOf(figure.group) * ZOOM_STEP)),
    button("All", "Show all", () => zoomTo(figure, 1)),
  );
  figure.reading.after(zoom);
}

// Where runs take very different times, each fills its figure until the reader asks for one scale.
function addScaleSwitch() {
  const note = document.getElementById("scale-note");
  if (!note) return;
  const toggle = button("One time scale for all runs", null, () => {
    oneScale = !oneScale;
    toggle.setAttribute("aria-pressed", oneScale);
    zooms.clear();
    for (const figure of figures) {
      applyZoom(figure);
      drawAxis(figure);
    }
  });
  toggle.id = "one-scale";
  toggle.setAttribute("aria-pressed", false);
  note.append(" ", toggle);
}

function addHint() {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = HINT;
  document.querySelector("header").append(hint);
}

// ---- Start ----

for (const figure of figures) {
  figure.plot.tabIndex = 0;
  // So that a screen reader lets the arrow keys through.
  figure.plot.setAttribute("role", "application");
  figure.plot.setAttribute("aria-label", `${figure.plot.dataset.name}. ${HINT}`);
  read(figure, null);
  addTools(figure);
  figure.plot.addEventListener("keydown", (event) => onKey(figure, event));
  figure.plot.addEventListener("wheel", (event) => onWheel(figure, event), { passive: false });
  figure.plot.addEventListener("pointermove", (event) => onMove(figure, event));
  figure.plot.addEventListener("pointerleave", () => figure.pinned || read(figure, null));
  figure.plot.addEventListener("blur", () => KEYS.Escape(figure));
  figure.plot.addEventListener("click", (event) => onClick(figure, event));
  figure.plot.addEventListener("touchmove", (event) => onTouch(figure, event), { passive: false });
  figure.plot.addEventListener("touchend", () => (pinch = null));
  figure.plot.addEventListener("scroll", () => scrolled(figure));
  new ResizeObserver(() => drawAxis(figure)).observe(figure.plot);
}
addScaleSwitch();
addHint();
