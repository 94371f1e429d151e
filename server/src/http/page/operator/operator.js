
// ---- The sale: figures, restock, refund, close ----

const CHART_MAX = 500;
const SHOWN_MAX = 25;
const SHOWN_AT_ONCE = 1000;
const PAGES_AT_ONCE = 20;
const FIND_GAP_MS = 300;
const CODE = /^[\w-]{32}$/;
const RELOAD_GAP_MS = 2_000;
const BARS_MAX = 40;
const BARS_MIN = 12;

const STATUS_WORDS = { sold: "Sold", admitted: "Admitted", refunded: "Refunded" };

const shown = { revision: null, open: true };

function show(news) {
  const revision = news.revision ?? null;
  const isNew = revision !== shown.revision;
  shown.revision = revision;
  const wasOpen = shown.open;
  shown.open = news.open ?? true;
  for (const id of ["count", "held", "sold", "refunded", "admitted"]) figure(id, news[id] ?? 0);
  figure("revision", revision);
  byId("locking").textContent = news.locking;
  byId("sale-heading").textContent = shown.open ? "The sale is open" : "The sale is closed";
  byId("sale-words").textContent = shown.open
    ? "Buyers can buy and hold."
    : "Nobody can buy. What is held can still be bought.";
  if (shown.open !== wasOpen) byId("set-sale").textContent = shown.open ? "Close the sale" : "Open the sale";
  if (isNew) reloadSoon();
}

function figure(id, value) {
  byId(id).value = value ?? "";
  byId(id).textContent = value === null ? "none" : grouped(value);
}

// Says what came of an admin call, in `words` where it was done.
function tell(reply, words) {
  const answer = () => {
    if (reply === null) return notice("bad", "We are not sure", "No answer came back. Look at the figures before you try again.");
    if (reply.status < 300) return notice("good", words);
    if (problemOf(reply) === "admitted") return notice("bad", "Already admitted", "A used ticket is not refunded.");
    return notice("bad", reply.body.title ?? "That did not work", reply.body.detail ?? `The server answered ${reply.status}.`);
  };
  if (reply?.status !== 401) byId("answers").replaceChildren(answer());
  refresh();
}

async function setSale(open) {
  tell(await askAdmin("POST", "sale", { body: { open } }), open ? "The sale is open" : "The sale is closed");
}

// One press is one restock: who asks again after no answer asks for the same.
let unanswered = null;

async function restock() {
  const quantity = byId("restock-quantity").valueAsNumber;
  const { key, tries } = unanswered?.quantity === quantity ? unanswered : { key: newKey(), tries: 0 };
  unanswered = { quantity, key, tries: tries + 1 };
  const reply = await askAdmin("POST", "restock", { body: { quantity }, key });
  if (reply?.status === 200 || isRefusal(reply, unanswered.tries)) unanswered = null;
  if (reply?.status === 200) byId("restock-quantity").value = "";
  tell(reply, `${grouped(quantity)} more ${quantity === 1 ? "ticket" : "tickets"} on sale`);
}

// ---- The last sales, or those that were looked for ----

// Those that are shown, the latest first, and where the server goes on from.
const book = { sales: [], next: null };
let reloading = null;
let told = null;

function reloadSoon() {
  reloading ??= setTimeout(async () => {
    told = shown.revision;
    await reload();
    reloading = null;
    if (told !== shown.revision) reloadSoon();
  }, told === null ? 0 : RELOAD_GAP_MS);
}

async function reload() {
  const latest = await salesPage(CHART_MAX, "");
  if (latest !== null) showChart(latest.sales);
  // Whoever is about to press a button there is not interrupted.
  if (!byId("sales").contains(document.activeElement)) await find();
}

// `{ sales, next }`, or null where none came.
async function salesPage(size, more) {
  const reply = await askAdmin("GET", `sales?order=newest&page_size=${size}${more}`);
  if (reply?.status === 404) byId("sales-words").textContent = "This server keeps no list of its sales.";
  return reply?.status === 200 ? { sales: reply.body.sales, next: reply.body.next_page_token } : null;
}

// What was typed, or the code of an address that was scanned.
function sought() {
  return codeIn(byId("find").value);
}

// A code is looked up by itself; a name or a number the server looks for.
async function find() {
  const text = sought();
  const reply = CODE.test(text) ? await ask("GET", `receipts/${text}`) : null;
  if (reply?.status === 200) showSales([reply.body], null);
  else await findMore(text, [], "");
}

// It tells a stretch of the ledger at a time, where there may be little to be found.
async function findMore(text, before, next) {
  const sales = [...before];
  const size = before.length === 0 ? Math.min(Math.max(book.sales.length, SHOWN_MAX), SHOWN_AT_ONCE) : SHOWN_MAX;
  const search = text && `&search=${encodeURIComponent(text)}`;
  for (let page = 0; page < PAGES_AT_ONCE && next !== null && sales.length < before.length + size; page += 1) {
    const token = next && `&page_token=${encodeURIComponent(next)}`;
    const found = await salesPage(size, token + search);
    if (found === null || text !== sought()) return;
    sales.push(...found.sales);
    next = found.next;
  }
  showSales(sales, next);
}

function showSales(sales, next) {
  Object.assign(book, { sales, next });
  byId("sales").replaceChildren(...sales.map(row));
  byId("more").hidden = next === null;
  const nothing = sought() === "" ? "Nothing sold yet." : "Nothing found.";
  byId("sales-words").textContent = sales.length === 0 ? nothing : "";
}

function row({ tickets, buyer, at, status, receipt }) {
  const link = element("a", { href: `receipts/${receipt}` }, ticketsNamed(tickets));
  const state = element("td", {}, STATUS_WORDS[status] ?? status);
  state.dataset.status = status;
  const action = element("td", {});
  if (status === "sold") {
    const button = element("button", { type: "button", className: "small" }, "Refund");
    button.setAttribute("aria-label", `Refund ${ticketsNamed(tickets)}`);
    twice(button, "Sure?", "Refunding…", () => refund(receipt, tickets));
    action.append(button);
  }
  const name = element("td", { dir: "auto" }, buyer ?? "");
  return element("tr", {}, element("td", {}, link), name, element("td", {}, shortMomentOf(new Date(at))), state, action);
}

async function refund(receipt, tickets) {
  const reply = await askAdmin("DELETE", `receipts/${receipt}`);
  tell(reply, `${ticketsNamed(tickets)} refunded`);
  await find();
  // The button is gone: the row that it was in is still the place.
  byId("sales").querySelector(`a[href$="${receipt}"]`)?.focus();
}

// ---- The chart: tickets sold in each stretch of time ----

const STRETCHES_S = [60, 300, 900, 3600, 10_800, 21_600, 86_400, 604_800];

function showChart(latest) {
  const sold = latest.filter(({ status }) => status !== "refunded").reverse();
  if (sold.length === 0) return;
  const times = sold.map(({ at }) => Date.parse(at) / 1000);
  const span = times.at(-1) - times[0];
  const stretch = STRETCHES_S.find((seconds) => span / seconds < BARS_MAX) ?? Math.ceil(span / BARS_MAX);
  const last = Math.floor(times.at(-1) / stretch);
  const first = Math.min(Math.floor(times[0] / stretch), last - BARS_MIN + 1);
  const bars = new Array(last - first + 1).fill(0);
  sold.forEach(({ tickets }, at) => { bars[Math.floor(times[at] / stretch) - first] += tickets.length; });
  const most = Math.max(...bars);
  const name = stretchNamed(stretch);
  const picture = svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img" });
  picture.setAttribute("aria-label", `Tickets sold ${name}: at most ${most}, and ${bars.at(-1)} in the last`);
  const width = 100 / bars.length;
  bars.forEach((bar, at) => {
    const height = (bar / most) * 39;
    picture.append(svg("rect", { x: at * width, y: 40 - height, width: width * 0.8, height }));
  });
  picture.append(svg("line", { x1: 0, x2: 100, y1: 40, y2: 40, "stroke-width": 0.5 }));
  const ends = [first, last].map((at) => element("span", {}, shortMomentOf(new Date(at * stretch * 1000))));
  byId("chart").replaceChildren(picture, element("p", {}, ...ends), element("p", {}, `${name}, at most ${grouped(most)}`));
}

function stretchNamed(seconds) {
  const units = [[604_800, "week"], [86_400, "day"], [3600, "hour"], [60, "minute"]];
  const [length, unit] = units.find(([length]) => seconds % length === 0) ?? [1, "second"];
  const number = seconds / length;
  return number === 1 ? `each ${unit}` : `each ${number} ${unit}s`;
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// ---- Start ----

let refresh = () => {};

twice(byId("set-sale"), "Press again", "Wait…", setSale, () => !shown.open);
byId("restock-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  busily(byId("restock"), "Adding…", restock);
});
let finding = null;
byId("find").addEventListener("input", () => {
  clearTimeout(finding);
  finding = setTimeout(() => { book.sales = []; find(); }, FIND_GAP_MS);
});
byId("more").addEventListener("click", () => busily(byId("more"), "Looking…", () => findMore(sought(), book.sales, book.next)));

let isFollowing = false;
signIn(() => {
  if (isFollowing) reload();
  else refresh = follow(show, shown);
  isFollowing = true;
});
