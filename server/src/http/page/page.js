// The page of the ticket counter: keeps the count live, and buys.
//
// It decides nothing: it shows what the server said last, and the server says whether a purchase is
// a sale. It promises that
// - an older revision never replaces a newer one (without revisions the newest message wins),
// - one press is one purchase, and trying that one again carries the same idempotency key,
// - an answer that did not arrive is called unknown, not failed.

const byId = (id) => document.getElementById(id);

const ANSWERS_MAX = 10;
const ANSWER_WAIT_MS = 30_000;
const RECONNECT_WAIT_MS = 3_000;
const ANNOUNCE_GAP_MS = 10_000;
const ANNOUNCE_DELAY_MS = 1_000;

// ---- What is left ----

const shown = { count: Number(byId("count").value), revision: numberIn("revision") };

function numberIn(id) {
  return byId(id).value === "" ? null : Number(byId(id).value);
}

// `news` is what `GET /search` and the live events say. Returns false where it is older than what
// stands on the page already.
function show(news) {
  const revision = news.revision ?? null;
  if (revision !== null && shown.revision !== null && revision < shown.revision) return false;

  shown.revision = revision;
  write("revision", revision);
  write("sold", news.sold);
  showLocking(news.locking);
  if (news.count !== shown.count) announceSoon();
  showCount(news.count);
  return true;
}

function showCount(count) {
  shown.count = count;
  write("count", count);
  byId("count").dataset.size = sizeOf(byId("count").textContent);
  byId("count-unit").textContent = unit(count);
  byId("share").max = Math.max(1, count + Number(byId("sold").value));
  byId("share").value = count;
  document.title = `${grouped(count)} left${count === 0 ? ", sold out" : ""} · Ticket counter`;
  labelBuy();
}

// The server was started anew with another locking: what the page was rendered with no longer holds.
function showLocking(locking) {
  const before = byId("locking").textContent;
  if (locking === undefined || locking === before) return;
  byId("locking").textContent = locking;
  byId("warning-text").textContent = `the locking changed from ${before} to ${locking}; reload this page.`;
  byId("warning").hidden = false;
}

function write(id, value) {
  byId(id).value = value ?? "";
  byId(id).textContent = grouped(value);
}

function unit(count) {
  if (count === 0) return "tickets left, sold out";
  return count === 1 ? "ticket left" : "tickets left";
}

// As `Figure` in render.rs; the lesson's sellers have no revision.
function grouped(number) {
  return number?.toLocaleString("en", { useGrouping: "min2" }) ?? "none";
}

// As `Figure::size` in render.rs.
function sizeOf(text) {
  if (text.length < 6) return "short";
  return text.length < 10 ? "long" : "longest";
}

// ---- The count, for those who listen ----

let announcedAt = -Infinity;
let announcement = null;

// Says the latest count, soon but seldom: up to twenty changes a second arrive.
function announceSoon() {
  if (announcement !== null) return;
  const wait = Math.max(ANNOUNCE_DELAY_MS, announcedAt + ANNOUNCE_GAP_MS - performance.now());
  announcement = setTimeout(() => {
    announcement = null;
    announcedAt = performance.now();
    byId("announcer").textContent = `${grouped(shown.count)} ${unit(shown.count)}`;
  }, wait);
}

// ---- Live ----

const LIVE_WORDS = {
  live: "live",
  reconnecting: "reconnecting…",
  behind: "the server tells an older revision than this page; reload",
};

let live = null;

function listen() {
  live = new EventSource("live");
  live.addEventListener("open", () => sayLive("live"));
  live.addEventListener("count", (event) => sayLive(show(JSON.parse(event.data)) ? "live" : "behind"));
  live.addEventListener("error", () => {
    sayLive("reconnecting");
    // It reconnects by itself after a cut, but gives up for good after an answer such as 503.
    if (live.readyState === EventSource.CLOSED) setTimeout(listen, RECONNECT_WAIT_MS);
  });
}

function sayLive(state) {
  if (byId("live-state").dataset.state === state) return;
  byId("live-state").dataset.state = state;
  byId("live-state").textContent = LIVE_WORDS[state];
}

// Asks once: after a purchase while the live events are away, and when a sleeping page wakes up.
async function refresh() {
  try {
    const response = await fetch("search", { cache: "no-store" });
    if (response.ok) show(await response.json());
  } catch {
    sayLive("reconnecting");
  }
}

// ---- Buying ----

let busy = false;

async function buy(order) {
  if (busy) return;
  setBusy(true);
  try {
    addAnswer(meaning(await ask(order), order.quantity), order);
  } finally {
    setBusy(false);
  }
  if (live.readyState !== EventSource.OPEN) refresh();
}

// The server's answer, or null where none arrived whole: then nobody here knows whether it sold.
async function ask({ quantity, key }) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), ANSWER_WAIT_MS);
  try {
    const response = await fetch("buy", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify({ quantity }),
      signal: patience.signal,
    });
    const body = await response.json();
    return { status: response.status, location: response.headers.get("Location"), body: body ?? {} };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

// `crypto.randomUUID` is missing on plain-http pages that are not on localhost.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// aria-disabled rather than disabled: a disabled button would lose the keyboard's focus.
function setBusy(now) {
  busy = now;
  byId("buy").setAttribute("aria-disabled", now);
  byId("buy").setAttribute("aria-busy", now);
  labelBuy();
}

// At zero the button stays: tickets may have come back, and the server decides, not this page.
function labelBuy() {
  const quantity = byId("quantity").valueAsNumber || 1;
  const soldOut = shown.count === 0;
  const words = soldOut ? "Ask anyway" : `Buy ${quantity} ticket${quantity === 1 ? "" : "s"}`;
  byId("buy").textContent = busy ? "Buying…" : words;
  byId("buy").classList.toggle("second-thought", soldOut);
}

// ---- What an answer means ----

// As { kind, text, detail, receipt }; kind is "sold", "refused" or "unknown".
function meaning(reply, quantity) {
  if (reply === null) {
    return unknown("No whole answer arrived: the tickets may or may not be yours.");
  }
  const { status, location, body } = reply;
  if (status === 201 && Array.isArray(body.tickets)) {
    const text = `${yours(body.tickets)}, ${grouped(body.remaining)} left`;
    return { kind: "sold", text, receipt: ownAddress(location) };
  }
  if (body.type?.endsWith("/problems/sold-out")) {
    const tooFew = `only ${body.remaining} left, ${quantity} asked for`;
    return { kind: "refused", text: body.remaining > 0 ? tooFew : "sold out: 0 left" };
  }
  if (status >= 400 && (status < 500 || body.sold === "no")) {
    const nothing = body.sold === "no" && "Nothing was sold.";
    const detail = [body.detail, nothing].filter(Boolean).join(". ");
    return { kind: "refused", text: body.title ?? `refused (${status})`, detail };
  }
  return unknown(body.detail ?? body.title ?? `The server answered ${status}.`);
}

function unknown(detail) {
  return { kind: "unknown", text: "outcome unknown", detail };
}

function yours(tickets) {
  if (tickets.length === 1) return `ticket ${tickets[0]} is yours`;
  const last = tickets.at(-1);
  const inARow = last - tickets[0] === tickets.length - 1;
  if (inARow && tickets.length > 2) return `tickets ${tickets[0]} to ${last} are yours`;
  return `tickets ${new Intl.ListFormat("en").format(tickets.map(String))} are yours`;
}

// A receipt's address is followed on this server only.
function ownAddress(location) {
  const address = location && new URL(location, document.baseURI);
  return address?.origin === document.location.origin ? address.href : null;
}

// ---- The last answers ----

function addAnswer({ kind, text, detail, receipt }, order) {
  const now = new Date();
  const words = element("div", {}, element("strong", {}, text));
  const link = { href: receipt, target: "_blank", rel: "noopener" };
  if (receipt) words.append(" ", element("a", link, "receipt"));
  if (detail) words.append(element("p", {}, detail));
  if (kind === "unknown") words.append(...tryAgain(order));
  const clock = now.toLocaleTimeString("en", { hourCycle: "h23" });
  const time = element("time", { dateTime: now.toISOString() }, clock);

  byId("answers").prepend(element("li", { className: kind }, words, time));
  while (byId("answers").children.length > ANSWERS_MAX) byId("answers").lastElementChild.remove();
  byId("no-answers").hidden = true;
}

// Only the ledger remembers idempotency keys, so only under `group` is trying again safe.
function tryAgain(order) {
  const safe = byId("locking").textContent === "group";
  const promise = safe
    ? "Trying again is safe: it asks for the same purchase and cannot buy twice."
    : "Under this locking, trying again may buy twice.";
  const advice = element("p", {}, promise);
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", () => {
    if (busy) return;
    button.remove();
    advice.textContent = "Tried again: see above.";
    byId("buy").focus();
    buy(order);
  });
  return [advice, button];
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---- Start ----

function step(change) {
  change(byId("quantity"));
  labelBuy();
}

byId("fewer").addEventListener("click", () => step((quantity) => quantity.stepDown()));
byId("more").addEventListener("click", () => step((quantity) => quantity.stepUp()));
byId("quantity").addEventListener("input", labelBuy);
byId("order").addEventListener("submit", (event) => {
  event.preventDefault();
  buy({ quantity: byId("quantity").valueAsNumber, key: newKey() });
});
document.addEventListener("visibilitychange", () => document.hidden || refresh());

byId("order").hidden = false;
byId("last").hidden = false;
showCount(shown.count);
listen();
