
// ---- The sale: figures, restock, refund, close ----

const PAGE_SIZE = 500;
const SALES_MAX = 20_000;
const SHOWN_MAX = 25;
const RELOAD_GAP_MS = 2_000;
const BARS_MAX = 40;

const STATUS_WORDS = { sold: "Sold", admitted: "Admitted", refunded: "Refunded" };

const shown = { revision: null, open: true };

function show(news) {
  const revision = news.revision ?? null;
  if (revision !== null && shown.revision !== null && revision < shown.revision) return false;
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
  return true;
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

async function setSale() {
  const open = !shown.open;
  tell(await askAdmin("POST", "sale", { body: { open } }), open ? "The sale is open" : "The sale is closed");
}

// One press is one restock: who asks again after no answer asks for the same.
let unanswered = null;

async function restock() {
  const quantity = byId("restock-quantity").valueAsNumber;
  const same = unanswered?.quantity === quantity;
  const key = same ? unanswered.key : newKey();
  unanswered = { quantity, key };
  const reply = await askAdmin("POST", "restock", { body: { quantity }, key });
  if (reply !== null && (reply.status < 300 || isRefusal(reply))) unanswered = null;
  if (reply?.status === 200) byId("restock-quantity").value = "";
  tell(reply, `${grouped(quantity)} more ${quantity === 1 ? "ticket" : "tickets"} on sale`);
}

// ---- The sales: the server tells them oldest first, in pages ----

const book = { sales: [], revision: undefined, isWhole: true, isThere: true };
let reloading = null;

function reloadSoon() {
  reloading ??= setTimeout(async () => {
    await reload();
    reloading = null;
    if (book.revision !== shown.revision) reloadSoon();
  }, book.revision === undefined ? 0 : RELOAD_GAP_MS);
}

// A refund changes what was read before, so all is read again, up to a limit.
async function reload() {
  const revision = shown.revision;
  const sales = [];
  let token = "";
  do {
    const page = token && `&page_token=${encodeURIComponent(token)}`;
    const reply = await askAdmin("GET", `sales?page_size=${PAGE_SIZE}${page}`);
    if (reply?.status !== 200) {
      book.isThere = reply?.status !== 404;
      break;
    }
    sales.push(...reply.body.sales);
    token = reply.body.next_page_token;
  } while (token && sales.length < SALES_MAX);
  Object.assign(book, { sales, revision, isWhole: !token });
  showSales();
  showChart();
}

// What was typed, or an address that was scanned.
function sought() {
  return codeIn(byId("find").value).toLowerCase();
}

function matches({ tickets, buyer, receipt }, text) {
  if (text === "") return true;
  const isTicket = tickets.includes(Number(text));
  return isTicket || receipt?.toLowerCase() === text || Boolean(buyer?.toLowerCase().includes(text));
}

function showSales() {
  const text = sought();
  const found = book.sales.filter((sale) => matches(sale, text)).reverse();
  byId("sales").replaceChildren(...found.slice(0, SHOWN_MAX).map(row));
  const words = [];
  if (!book.isThere) words.push("This server does not list its sales.");
  else if (found.length === 0) words.push(text ? "Nothing found." : "Nothing sold yet.");
  else if (found.length > SHOWN_MAX) words.push(`The last ${SHOWN_MAX} of ${grouped(found.length)}.`);
  if (!book.isWhole) words.push(`Only the first ${grouped(book.sales.length)} sales are searched.`);
  byId("sales-words").textContent = words.join(" ");
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
  return element("tr", {}, element("td", {}, link), name, element("td", {}, momentOf(new Date(at))), state, action);
}

async function refund(receipt, tickets) {
  const reply = await askAdmin("DELETE", `receipts/${receipt}`);
  tell(reply, `${ticketsNamed(tickets)} refunded`);
  await reload();
}

// ---- The chart: tickets sold in each stretch of time ----

const STRETCHES_S = [60, 300, 900, 3600, 10_800, 21_600, 86_400, 604_800];

function showChart() {
  const sold = book.sales.filter(({ status }) => status !== "refunded");
  if (sold.length === 0) return;
  const times = sold.map(({ at }) => Date.parse(at) / 1000);
  const span = times.at(-1) - times[0];
  const stretch = STRETCHES_S.find((seconds) => span / seconds < BARS_MAX) ?? Math.ceil(span / BARS_MAX);
  const first = Math.floor(times[0] / stretch);
  const bars = new Array(Math.floor(times.at(-1) / stretch) - first + 1).fill(0);
  sold.forEach(({ tickets }, at) => { bars[Math.floor(times[at] / stretch) - first] += tickets.length; });
  const most = Math.max(...bars);
  const name = stretchNamed(stretch);
  const picture = svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img" });
  picture.setAttribute("aria-label", `Tickets sold ${name}: at most ${most}, ${bars.at(-1)} in the last`);
  const width = 100 / Math.max(bars.length, 12);
  bars.forEach((bar, at) => {
    const height = (bar / most) * 39;
    picture.append(svg("rect", { x: at * width, y: 40 - height, width: width * 0.8, height }));
  });
  picture.append(svg("line", { x1: 0, x2: 100, y1: 40, y2: 40, "stroke-width": 0.5 }));
  const legend = element("p", {}, element("span", {}, `${name}, at most ${grouped(most)}`));
  const ends = element("p", {}, element("span", {}, momentOf(new Date(times[0] * 1000))), element("span", {}, momentOf(new Date(times.at(-1) * 1000))));
  byId("chart").replaceChildren(picture, ends, legend);
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

twice(byId("set-sale"), "Press again", "Wait…", setSale);
byId("restock-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  busily(byId("restock"), "Adding…", restock);
});
byId("find").addEventListener("input", showSales);

let isFollowing = false;
signIn(() => {
  if (isFollowing) reload();
  else refresh = follow(show);
  isFollowing = true;
});
