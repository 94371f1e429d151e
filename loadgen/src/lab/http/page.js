// The lab: shows what happens, and says whose turn it is.
//
// It promises that
// - it shows nothing but what the server has told: the workers are real,
// - whatever the mouse can do, the keyboard can, and what happens is said aloud,
// - without a token it asks for nothing but the news.

const $ = (id) => document.getElementById(id);
const token = $("lab").dataset.token;
const drives = token !== undefined;
const KINDS = {
  r: ["right", "every ticket was sold once"],
  s: ["sold-twice", "one ticket was sold twice"],
  b: ["broke", "a worker read half a write and crashed"],
  d: ["deadlock", "all wait for each other"],
};
const RESULTS = { right: "right", oversold: "oversold!", broke: "a worker crashed", deadlock: "deadlock" };

let lab = null;
let busy = false;
let missionShown = null;

// ---- Small things ----

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const times = (number) => new Intl.NumberFormat("en").format(number);
const counted = (number, one, more) => `${times(number)} ${number === 1 ? one : more}`;

function say(text) {
  $("said").textContent = text;
}

async function ask(path, command) {
  const options = command && {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(command),
  };
  const answer = await fetch(path, options);
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

// One command at a time: the next is about what the last has left.
async function command(what) {
  if (!drives || busy) return false;
  busy = true;
  try {
    tell(await ask("/commands", what));
    return true;
  } catch (error) {
    say(error.message);
    return false;
  } finally {
    busy = false;
  }
}

// ---- Playing by itself ----

let queue = [];
let playing = 0;

async function play(schedule, setup) {
  const run = ++playing;
  const pause = Number($("speed").value);
  if (pause === 0) {
    await command({ do: "play", play: { lab: 1, ...setup, schedule } });
    return;
  }
  if (!(await command({ do: "play", play: { lab: 1, ...setup, schedule: [] } }))) return;
  queue = [...schedule];
  $("pause").hidden = false;
  while (queue.length > 0 && run === playing) {
    await new Promise((resume) => setTimeout(resume, Number($("speed").value)));
    if (run !== playing) return;
    if (!(await command({ do: "step", worker: queue.shift() }))) break;
  }
  if (run === playing) stop();
}

function stop() {
  playing += 1;
  queue = [];
  if (drives) $("pause").hidden = true;
}

// ---- What is shown ----

let version = -1;

// News may come late: what is older than what is shown is passed over.
function tell(told) {
  if (told === null || told.version <= version) return;
  version = told.version;
  show(told.lab);
}

function show(told) {
  const before = lab;
  lab = told;
  const fresh = before === null || JSON.stringify(before.setup) !== JSON.stringify(lab.setup);
  showMission();
  showWorkers();
  showShop();
  showLines();
  showSteps();
  showCosts();
  showFromHere();
  if (drives && fresh) showScene();
  if (fresh) loadMap();
  const over = lab.ending === null ? "" : lab.result;
  $("ending").textContent = lab.ending ?? "";
  $("ending").className = over;
  if (lab.said) say(lab.said);
  if (!lab.model_agrees) {
    $("ending").append(" (The kernel gave a lock to another worker than the model expected.)");
  }
  if (before !== null || lab.schedule.length > 0) {
    history.replaceState(null, "", `#${lab.fragment}`);
  }
}

function showMission() {
  const at = lab.missions.findIndex((mission) => mission.name === lab.mission);
  const mission = lab.missions[at];
  const done = lab.missions.filter((each) => each.is_done).length;
  const before = mission.is_done && !lab.is_mission_done ? ". This one was done before" : "";
  $("mission-place").textContent = `Mission ${at + 1} of ${lab.missions.length}${done ? `, ${done} done` : ""}${before}`;
  $("mission-title").textContent = mission.title;
  showProse($("task"), mission.task);
  showProse($("hint-text"), mission.hint);
  if (missionShown !== mission.name) $("hint").open = false;
  missionShown = mission.name;
  $("done").hidden = !lab.is_mission_done;
  if (lab.is_mission_done) {
    $("thing").textContent = mission.thing;
    showProse($("shows"), mission.shows);
    $("lesson").textContent = `loadgen lesson ${mission.lesson}`;
  }
  if (!drives) return;
  $("next-mission").hidden = at + 1 === lab.missions.length;
  $("missions").replaceChildren(
    ...lab.missions.map((each) => {
      const button = element("button", { type: "button", textContent: each.title });
      if (each.name === lab.mission) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => takeOn(each.name));
      return element("li", { className: each.is_done ? "done" : "" }, button, each.is_done ? ` ✓ ${each.thing}` : "");
    }),
  );
}

// Text in which a value may stand in backticks.
function showProse(place, text) {
  const parts = text.split("`");
  place.replaceChildren(...parts.map((part, at) => (at % 2 ? element("code", { textContent: part }) : part)));
}

const STATES = {
  ready: (worker) => `Next, line ${worker.line + 1} of ${lab.lines.length}: ${lab.lines[worker.line].says}`,
  waits: () => "Waits in the kernel for the lock",
  sold: (worker) => `Finished: sold ticket no. ${variable(worker, "ticket")}`,
  "sold-out": () => "Finished: told its buyer “sold out”",
  broke: () => "Crashed: what it read was no number",
};

const variable = (worker, name) => worker.variables.find(([known]) => known === name)?.[1];

function showWorkers() {
  const place = $("workers");
  if (place.children.length !== lab.workers.length) {
    place.replaceChildren(...lab.workers.map((worker) => card(worker.number)));
  }
  for (const worker of lab.workers) {
    const part = (name) => $(`${name}-${worker.number}`);
    $(`worker-${worker.number}`).dataset.state = worker.state;
    part("process").textContent = `process ${worker.process}`;
    part("state").textContent = STATES[worker.state](worker);
    const line = worker.line === null ? null : lab.lines[worker.line];
    part("code").textContent = line === null ? " " : line.rust.trim();
    const known = worker.variables.map(([name, value]) => `${name} = ${value}`);
    const nothing = worker.state === "broke" ? "nothing" : "nothing yet";
    part("variables").textContent = `In its own memory: ${known.length > 0 ? known.join(", ") : nothing}`;
    // Not `disabled`: the focus would be lost with it.
    if (drives) part("step").setAttribute("aria-disabled", String(worker.state !== "ready"));
  }
}

function card(number) {
  const made = element(
    "article",
    { id: `worker-${number}` },
    element("h3", {}, `Worker ${number} `, element("small", { id: `process-${number}` })),
  );
  made.setAttribute("aria-label", `Worker ${number}`);
  if (drives) {
    const button = element("button", { id: `step-${number}`, type: "button", textContent: `Let worker ${number} do it` });
    button.setAttribute("aria-describedby", `state-${number}`);
    button.addEventListener("click", () => step(number));
    // Above all that changes: it stays where it is under the pointer.
    made.append(button);
  }
  made.append(
    element("p", { id: `state-${number}`, className: "state" }),
    element("code", { id: `code-${number}`, className: "code" }),
    element("p", { id: `variables-${number}`, className: "variables" }),
  );
  return made;
}

function showShop() {
  $("file").textContent = lab.file === "" ? "(empty)" : lab.file;
  $("file").className = lab.file === "" ? "empty" : "";
  const names = [...new Set(lab.locks.map((lock) => lock.on))];
  const locks = names.map((on) => {
    const parts = lab.locks.filter((lock) => lock.on === on).map(({ worker, waits }) =>
      element("span", { className: waits ? "waits" : "holds", textContent: `worker ${worker} ${waits ? "waits" : "has it"}` }),
    );
    return element("li", {}, `${on}: `, ...parts.flatMap((part, at) => (at === 0 ? [part] : [", ", part])));
  });
  $("locks").replaceChildren(...(locks.length > 0 ? locks : [element("li", { className: "quiet", textContent: "nobody has one" })]));
  const sale = ({ worker, ticket, again }) =>
    element("li", { className: again ? "again" : "" }, `Ticket ${ticket} by worker ${worker}${again ? ", sold again!" : ""}`);
  const sales = lab.sales.map(sale);
  const left = element("li", { className: "quiet", textContent: `nothing, of ${lab.setup.tickets}` });
  $("sales").replaceChildren(...(sales.length > 0 ? sales : [left]));
}

function showLines() {
  showProse($("about"), `${lab.title}. ${lab.about}`);
  const rows = lab.lines.map((line, at) => {
    const here = lab.workers.filter((worker) => worker.line === at);
    const marks = here.map((worker) =>
      element("span", { className: `at ${worker.state}`, textContent: worker.number, title: `Worker ${worker.number} ${worker.state === "waits" ? "waits here" : "is here"}` }),
    );
    const cells = [
      element("td", {}, ...marks),
      element("td", { textContent: line.says }),
      element("td", {}, element("code", { textContent: line.rust })),
      element("td", {}, element("code", { textContent: line.python })),
    ];
    return element("tr", { className: here.length > 0 ? "here" : "" }, ...cells);
  });
  $("lines").replaceChildren(...rows);
}

function showSteps() {
  $("no-steps").hidden = lab.steps.length > 0;
  $("lanes-head").replaceChildren(
    element("th", { scope: "col", textContent: "Step" }),
    ...lab.workers.map((worker) => element("th", { scope: "col", textContent: `Worker ${worker.number}` })),
  );
  $("lanes-head").closest("table").hidden = lab.steps.length === 0;
  const rows = lab.steps.map((step) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", textContent: step.number ?? "" }),
      ...lab.workers.map((worker) => {
        if (worker.number !== step.worker) return element("td");
        const again = step.mark === "again" ? " again!" : "";
        return element("td", {}, element("span", { className: `did ${step.mark}`, textContent: step.brief + again }));
      }),
    ),
  );
  $("lanes").replaceChildren(...rows);
}

let costsShown = "[]";

function showCosts() {
  const told = JSON.stringify(lab.costs);
  if (told === costsShown) return;
  costsShown = told;
  $("costs").hidden = lab.costs.length === 0;
  const rows = lab.costs.map((cost) => {
    const { service } = cost;
    const of = (value) => (service === null ? "–" : value(service));
    const unserved = cost.unserved === 0 ? "" : `, ${cost.unserved} never served`;
    const name = element("th", { scope: "row" }, cost.title, " ", element("small", { textContent: cost.numbers }));
    const cells = [
      RESULTS[cost.result] + unserved,
      of((service) => times(service.waited_p50)),
      of((service) => times(service.waited_max)),
      cost.served_in_100.toFixed(1),
      of((service) => `${(service.out_of_turn * 100).toFixed(0)} %`),
      of((service) => service.fairness.toFixed(2)),
    ];
    return element("tr", { className: cost.is_now ? "here" : "" }, name, ...cells.map((textContent) => element("td", { textContent })));
  });
  $("costs-rows").replaceChildren(...rows);
  // Another address: the picture is asked for anew.
  $("costs-picture").src = `/costs.svg?${version}`;
}

function showScene() {
  $("keys-range").textContent = lab.setup.workers;
  $("variant").value = lab.setup.variant;
  $("workers-number").value = lab.setup.workers;
  $("tickets").value = lab.setup.tickets;
}

// ---- All schedules ----

let letters = "";
let mapOf = "";

async function loadMap() {
  const asked = JSON.stringify(lab.setup);
  const { setup, map } = await ask("/map");
  if (JSON.stringify(setup) !== asked || asked !== JSON.stringify(lab.setup)) return;
  mapOf = asked;
  $("map").hidden = !map?.letters;
  letters = map?.letters ?? "";
  if (map === null) {
    $("counted").textContent = "They are counted for two workers; with more there are too many to look at.";
    return;
  }
  const all = Object.values(map.counts).reduce((sum, number) => sum + number);
  const parts = [
    [map.counts["sold-twice"], "sell one ticket twice"],
    [map.counts.broke, "make a worker crash"],
    [map.counts.deadlock, "end in a deadlock"],
  ].filter(([number]) => number > 0);
  const wrong = parts.map(([number, what]) => `${times(number)} ${what}`).join(", ");
  $("counted").textContent =
    `Two workers can take their steps in ${counted(all, "order", "different orders")}. ` +
    (wrong === "" ? "Not one of them goes wrong." : `Of these ${wrong}. The other ${times(map.counts.right)} are right.`);
  const number = $("number");
  number.max = String(Math.max(0, letters.length - 1));
  number.value = "0";
  $("next-wrong").hidden = parts.length === 0;
  for (const key of document.querySelectorAll("#map [data-kind]")) key.hidden = !map.counts[key.dataset.kind];
  draw();
  choose();
}

function showFromHere() {
  const ways = lab.workers.filter((worker) => worker.ways);
  $("from-here").textContent = ways.length === 0 || lab.schedule.length === 0 ? "" :
    "From here: " + ways.map(({ number, ways }) => {
      const all = Object.values(ways).reduce((sum, each) => sum + each);
      const wrong = all - ways.right;
      const told =
        wrong === 0 ? "nothing can go wrong any more" :
        wrong === all ? "it goes wrong whatever comes then" :
        `${times(wrong)} of ${times(all)} ways to go on ${wrong === 1 ? "goes" : "go"} wrong`;
      return `if worker ${number} goes next, ${told}`;
    }).join("; ") + ".";
}

const canvas = $("dots");
let columns = 1;
let cell = 1;

// As many squares as there are schedules, in the order of the dictionary.
function draw() {
  const width = canvas.parentElement.clientWidth;
  if (letters.length === 0 || width === 0) return;
  cell = Math.max(2, Math.min(14, Math.floor(Math.sqrt((width * 420) / letters.length))));
  columns = Math.floor(width / cell);
  const rows = Math.ceil(letters.length / columns);
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = rows * cell * scale;
  canvas.style.height = `${rows * cell}px`;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const colours = { r: colour("--edge"), s: colour("--alarm"), b: colour("--unknown"), d: colour("--ink") };
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.clearRect(0, 0, width, rows * cell);
  for (let at = 0; at < letters.length; at += 1) {
    dot(context, letters[at], colours[letters[at]], (at % columns) * cell, Math.floor(at / columns) * cell);
  }
  const chosen = Number($("number").value);
  context.strokeStyle = colour("--ink");
  context.lineWidth = 2;
  context.strokeRect((chosen % columns) * cell - 1, Math.floor(chosen / columns) * cell - 1, cell + 1, cell + 1);
}

// What is right is small, and what goes wrong differs in shape and not in colour alone.
function dot(context, letter, colour, x, y) {
  const size = Math.max(1, cell - 1);
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  if (letter === "s") context.fillRect(x, y, size, size);
  else if (letter === "r") context.fillRect(x + size / 3, y + size / 3, Math.max(1, size / 3), Math.max(1, size / 3));
  else if (letter === "b") context.fillRect(x, y + size / 3, size, Math.max(1, size / 3));
  else context.strokeRect(x + 0.5, y + 0.5, Math.max(1, size - 1), Math.max(1, size - 1));
}

let asking = 0;

async function choose() {
  const number = $("number");
  const at = Number(number.value);
  const [, what] = KINDS[letters[at]] ?? ["", ""];
  const place = `Schedule ${times(at + 1)} of ${times(letters.length)}: ${what}`;
  number.setAttribute("aria-valuetext", place);
  draw();
  const mine = ++asking;
  await new Promise((resume) => setTimeout(resume, 120));
  if (mine !== asking) return;
  const { schedule } = await ask(`/schedules/${at}`);
  if (mine === asking) $("chosen").textContent = `${place}. Whose turn it is: ${schedule.join(" ")}.`;
}

function chooseNumber(at) {
  $("number").value = String(at);
  choose();
}

canvas.addEventListener("click", (event) => {
  const box = canvas.getBoundingClientRect();
  const at = Math.floor((event.clientY - box.top) / cell) * columns + Math.floor((event.clientX - box.left) / cell);
  if (at >= 0 && at < letters.length) chooseNumber(at);
});
$("number").addEventListener("input", choose);
$("next-wrong").addEventListener("click", () => {
  const from = Number($("number").value) + 1;
  const wrong = [...letters.slice(from), ...letters.slice(0, from)].findIndex((letter) => letter !== "r");
  if (wrong >= 0) chooseNumber((from + wrong) % letters.length);
});
new ResizeObserver(draw).observe(canvas.parentElement);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

// ---- What the reader does ----

function step(number) {
  stop();
  const worker = lab?.workers.find((each) => each.number === number);
  if (worker === undefined) return;
  if (worker.state !== "ready") {
    say(`Worker ${number} has nothing to do: it ${worker.state === "waits" ? "waits for a lock" : "has ended"}.`);
    return;
  }
  command({ do: "step", worker: number });
}

function act(what) {
  stop();
  return command(what);
}

async function takeOn(mission) {
  if (await act({ do: "take-on", mission })) $("mission-title").focus();
}

function playLink() {
  const [variant, workers, tickets, steps = ""] = location.hash.slice(1).split("/");
  if (!drives || !tickets || location.hash.slice(1) === lab?.fragment) return;
  const schedule = [...steps].map(Number);
  act({ do: "play", play: { lab: 1, variant, workers: Number(workers), tickets: Number(tickets), schedule } });
}

$("copy").addEventListener("click", async () => {
  // Without the token, which is for whoever drives.
  const link = `${location.origin}/#${lab.fragment}`;
  try {
    await navigator.clipboard.writeText(link);
    say(`The link is copied: ${link}`);
  } catch {
    say(`This is the link: ${link}`);
  }
});

if (drives) {
  $("back").addEventListener("click", () => act({ do: "back" }));
  $("start-over").addEventListener("click", () => act({ do: "start-over" }));
  $("pause").addEventListener("click", stop);
  $("again").addEventListener("click", () => play(lab.schedule, lab.setup));
  $("random").addEventListener("click", async () => {
    const { schedule } = await ask(`/random/${Math.abs(Math.trunc(Number($("seed").value)))}`);
    play(schedule, lab.setup);
  });
  $("play-chosen").addEventListener("click", async () => {
    if (mapOf !== JSON.stringify(lab.setup)) return;
    const { schedule } = await ask(`/schedules/${$("number").value}`);
    play(schedule, lab.setup);
    $("stage").scrollIntoView({ block: "start" });
  });
  $("all-missions").addEventListener("click", () => {
    $("missions-title").scrollIntoView({ block: "start" });
    $("missions-title").focus();
  });
  $("next-mission").addEventListener("click", () => {
    const at = lab.missions.findIndex((mission) => mission.name === lab.mission);
    takeOn(lab.missions[at + 1].name);
  });
  $("scene").addEventListener("submit", (event) => {
    event.preventDefault();
    const [workers, tickets] = [Number($("workers-number").value), Number($("tickets").value)];
    act({ do: "set-up", variant: $("variant").value, workers, tickets });
  });
  $("open").addEventListener("change", async () => {
    const [file] = $("open").files;
    $("open").value = "";
    try {
      if (file) await act({ do: "play", play: JSON.parse(await file.text()) });
    } catch (error) {
      say(`That is no schedule: ${error.message}`);
    }
  });
  addEventListener("hashchange", playLink);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || !$("keys").checked) return;
    if (/^[1-5]$/.test(event.key)) step(Number(event.key));
    else if (event.key === "b") act({ do: "back" });
    else if (event.key === "o") act({ do: "start-over" });
  });
}

// ---- The news ----

const asLink = location.hash;
const news = new EventSource(drives ? `/live?drive=${token}` : "/live");
news.addEventListener("lab", (event) => {
  const first = lab === null;
  tell(JSON.parse(event.data));
  if (lab === null) return;
  $("connection").textContent = drives
    ? "Real processes, a real file, real locks: what you see is really happening."
    : "You are watching: somebody else drives.";
  if (first && asLink) {
    history.replaceState(null, "", asLink);
    playLink();
  }
});
// Another lab may be there than the one that was lost, with another token.
let lost = false;
news.addEventListener("open", () => lost && location.reload());
news.addEventListener("error", () => {
  lost = true;
  stop();
  $("connection").textContent = "The lab has ended, or cannot be reached. Start it again with: loadgen lab";
});
