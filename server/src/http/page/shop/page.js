// The page that sells. It promises that
// - an older revision never replaces a newer one (without revisions the newest message wins),
// - one press is one purchase, and trying that one again carries the same idempotency key, also after a reload,
// - an answer that did not arrive is called unknown, not failed, until the server says what came of that purchase,
// - what another window of this browser keeps is not taken from it.

const KEPT_MAX = 50;
const LOOKED_AT_MAX = 10;
const LATE_SECONDS = 30;
const ANNOUNCE_GAP_MS = 10_000;
const ANNOUNCE_DELAY_MS = 1_000;
// As in domain/keys.rs.
const KEY_LIFE_MS = 24 * 60 * 60 * 1000;

const root = new URL(".", document.baseURI).pathname;
const bought = kept("localStorage", "bought", root);
const held = kept("localStorage", "held", root);
const pending = kept("sessionStorage", "pending", root);

// ---- What is left ----

const event = byId("event").textContent;
const hasHolds = byId("hold") !== null;
const shown = {
  count: Number(byId("count").value),
  revision: byId("count").dataset.revision === undefined ? null : Number(byId("count").dataset.revision),
  open: !document.title.endsWith(": closed"),
};

// `news` is what `GET /search` and the live events say.
function show(news) {
  const open = news.open ?? true;
  shown.revision = news.revision ?? null;
  showLocking(news.locking);
  if (news.count !== shown.count || open !== shown.open) announceSoon();
  shown.open = open;
  shown.count = news.count;
  showCount();
}

function showCount() {
  const { count, open } = shown;
  const text = grouped(count);
  byId("count").value = count;
  byId("count").textContent = text;
  byId("count").dataset.size = sizeOf(text);
  byId("count-unit").textContent = unit(count);
  document.title = `${event}: ${open ? (count === 0 ? "sold out" : `${text} left`) : "closed"}`;
  showChoices();
}

function unit(count) {
  return count === 1 ? "ticket left" : "tickets left";
}

// One of three: the form, what is held, or why there is nothing to buy.
function showChoices() {
  const over = !shown.open || shown.count === 0;
  const holding = hold !== null;
  const focused = byId("order").contains(document.activeElement);
  byId("held").hidden = !holding;
  // Whoever is typing, or waits for an answer, is not interrupted: the server decides.
  const typing = focused && document.activeElement.matches("input");
  const engaged = typing || [byId("buy"), byId("hold")].some((button) => button && isBusy(button));
  byId("order").hidden = holding || (over && !engaged);
  byId("over").hidden = holding || !over || engaged;
  byId("over-heading").textContent = shown.open ? "Sold out" : "The sale is closed";
  byId("over-words").textContent = shown.open
    ? "Tickets may come back. Leave this page open: it shows them at once."
    : "If it opens again, this page shows it at once.";
  if (focused && !byId("over").hidden) byId("over-heading").focus();
}

// The server was started anew with another locking: what the page was rendered with no longer holds.
function showLocking(locking) {
  const before = byId("locking").textContent;
  if (locking === undefined || locking === before) return;
  byId("locking").textContent = locking;
  byId("warning-text").textContent = `it was ${before} before. Please reload this page.`;
  byId("warning").hidden = false;
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
    announce(shown.open ? `${grouped(shown.count)} ${unit(shown.count)}` : "The sale is closed");
  }, wait);
}

function announce(words) {
  byId("announcer").textContent = words;
}

// ---- Buying ----

// `order` says how often it was sent before, in `tries`, and when it was first, in `at`.
async function buy(order) {
  const tried = { ...order, tries: order.tries + 1 };
  pending.set(tried);
  const { quantity, buyer, key } = order;
  const reply = await ask("POST", "buy", { body: { quantity, ...(buyer && { buyer }) }, key });
  // Where no key is remembered, what is said of this try is said of no other.
  const isRefused = isRefusal(reply, tried.tries) && (hasHolds || tried.tries === 1);
  conclude(reply, isRefused, tried, buy);
}

// Says what an answer to a purchase means. `again` asks for the very same one.
function conclude(reply, isRefused, order, again) {
  const isSold = reply?.status === 201 && Array.isArray(reply.body.tickets);
  // What another press is waiting for is none of this one's.
  if ((isSold || isRefused) && pending.get()?.key === order.key) pending.set(null);
  if (isSold) sold(reply.body, order.buyer);
  else if (isRefused) say(...refusal(reply, order.quantity));
  else unsure("The tickets may be yours, or not: no answer says which.", order, again);
  refresh();
}

function sold({ tickets, receipt }, buyer) {
  const words = tickets.length === 1 ? "is yours" : "are yours";
  if (receipt) {
    keep({ receipt, tickets, buyer, at: new Date().toISOString() });
    const label = tickets.length === 1 ? "Show my ticket" : "Show my tickets";
    const link = element("a", { className: "button main", href: `receipts/${receipt}` }, label);
    say(notice("good", `${ticketsNamed(tickets)} ${words}`, link));
  } else {
    say(notice("good", `${ticketsNamed(tickets)} ${words}`, "There is no receipt: write the number down."));
  }
}

function refusal(reply, quantity) {
  switch (problemOf(reply)) {
    case "sold-out": {
      const { remaining } = reply.body;
      const words = `You wanted ${quantity}, but only ${grouped(remaining)} ${remaining === 1 ? "is" : "are"} left.`;
      return remaining > 0
        ? [notice("bad", "Not enough left", words, "You did not buy anything.")]
        : [notice("bad", "Sold out", "You did not buy anything.")];
    }
    case "sale-closed":
      return [notice("bad", "The sale is closed", "You did not buy anything.")];
    case "hold-expired":
      return [notice("bad", "Too late", "The time was over, and the tickets went back. You did not buy anything.")];
    case "invalid-request":
      return [notice("bad", "Please check what you typed", reply.body.detail ?? "", "You did not buy anything.")];
    default:
      return [notice("bad", "That did not work", "You did not buy anything. Please try again in a moment.")];
  }
}

function unsure(words, order, again) {
  const isSafe = isSafeAgain(order);
  const button = element("button", { type: "button", className: "main" }, "Ask again");
  button.addEventListener("click", () => {
    // A page may stand open for days.
    if (isSafeAgain(order) === isSafe) busily(button, "Asking…", () => again(order));
    else unsure(words, order, again);
  });
  const promise = isSafe
    ? "Ask again: you will not buy twice."
    : `${hasHolds ? "After a day" : "In this lesson"}, asking again may buy twice.`;
  say(notice("bad", "We are not sure", words, promise, button));
}

// Only where sales have receipts are idempotency keys remembered, and for a day; how a hold ended is never forgotten.
function isSafeAgain({ token, at }) {
  return hasHolds && (token !== undefined || Date.now() - at < KEY_LIFE_MS);
}

function say(...words) {
  byId("answers").replaceChildren(...words);
  byId("answers").scrollIntoView({ block: "nearest" });
}

function ordered() {
  const buyer = byId("buyer")?.value.trim();
  return { quantity: byId("quantity").valueAsNumber, buyer: buyer || undefined, key: newKey(), tries: 0, at: Date.now() };
}

// ---- Holding ----

let hold = null;
let clock = null;

async function startHold() {
  if (!byId("order").reportValidity()) return;
  const order = ordered();
  const { quantity, buyer, key } = order;
  const seconds = Number(byId("hold").dataset.seconds);
  const body = { quantity, seconds, ...(buyer && { buyer }) };
  const reply = await ask("POST", "holds", { body, key });
  if (reply?.status === 201) {
    const { hold: token, expires_at: expires } = reply.body;
    showHold({ token, quantity, buyer, expires: Date.parse(expires) - reply.ahead, tries: 0 });
    byId("answers").replaceChildren();
    byId("confirm").focus();
  } else if (isRefusal(reply)) {
    say(...refusal(reply, quantity));
  } else {
    say(notice("bad", "That did not work", "No answer came back. Nothing was bought. Please try again."));
  }
  refresh();
}

// `value` says in `tries` how often it was confirmed without an answer that says what came of it.
function showHold(value) {
  keepHold(value);
  const { quantity } = value;
  byId("held-words").textContent = `${quantity} ${quantity === 1 ? "ticket is" : "tickets are"} kept for you.`;
  clearInterval(clock);
  clock = setInterval(tick, 250);
  tick();
  showChoices();
}

// What is kept as held, also by other windows; a page of an older server kept one.
const holdsIn = (kept) => [kept ?? []].flat();
const heldBut = (gone) => holdsIn(held.get()).filter(({ token }) => token !== gone);

function keepHold(value) {
  hold = value;
  held.set([value, ...heldBut(value.token)]);
}

function endHold({ token }) {
  const others = heldBut(token);
  held.set(others.length === 0 ? null : others);
  if (hold?.token !== token) return;
  hold = null;
  clearInterval(clock);
  showChoices();
}

// Only a display: whether it is too late, the server says.
function tick() {
  const seconds = Math.max(0, Math.ceil((hold.expires - Date.now()) / 1000));
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (byId("time-left").textContent !== text) {
    byId("time-left").textContent = text;
    byId("held").toggleAttribute("data-late", seconds <= LATE_SECONDS);
    if ([60, LATE_SECONDS, 10].includes(seconds)) announce(`${seconds} seconds left`);
  }
  // An answer that is on its way may say that the tickets are sold.
  if (seconds > 0 || isBusy(byId("confirm")) || isBusy(byId("release"))) return;
  clearInterval(clock);
  if (hold.tries > 0) {
    confirmShown();
    return;
  }
  endHold(hold);
  say(notice("", "Time is up", "The tickets went back. You did not buy anything."));
  refresh();
}

function confirmShown() {
  return busily(byId("confirm"), "Buying…", () => confirmHold(hold));
}

// A hold that is confirmed twice is bought once: asking again is safe, also when its time is up.
async function confirmHold(order) {
  const tried = { ...order, tries: order.tries + 1 };
  const isShown = () => hold?.token === order.token;
  if (isShown()) keepHold(tried);
  const reply = await ask("POST", `holds/${order.token}/confirm`);
  const isGone = ["hold-expired", "not-found"].includes(problemOf(reply));
  const isRefused = isGone || isRefusal(reply, tried.tries);
  if (isGone || reply?.status === 201) endHold(order);
  else if (isRefused && isShown()) keepHold(order);
  conclude(reply, isRefused, tried, confirmHold);
}

async function releaseHold() {
  const order = hold;
  const reply = await ask("DELETE", `holds/${order.token}`);
  const problem = problemOf(reply);
  if (problem === "confirmed") {
    // By another window, or by a try whose answer was lost: confirming it once more tells the sale.
    await confirmHold({ ...order, tries: Math.max(1, order.tries) });
  } else if (reply?.status === 200 || ["hold-expired", "not-found"].includes(problem)) {
    endHold(order);
    byId("answers").replaceChildren();
    byId("buy").focus();
    refresh();
  } else {
    const words = order.tries > 0 ? "They may be yours, or not." : "They go back by themselves when the time is over.";
    say(notice("", "Not given back yet", `No answer says that the tickets went back. ${words}`));
  }
}

// Another window of this browser has bought tickets, or is done with what is shown as held here, too.
addEventListener("storage", ({ key, oldValue, newValue }) => {
  if (key === bought.key) showKept();
  if (key !== held.key || hold === null) return;
  const [before, now] = [oldValue, newValue].map((text) => (
    holdsIn(JSON.parse(text)).find(({ token }) => token === hold.token)
  ));
  if (now !== undefined) {
    hold = now;
  } else if (before !== undefined) {
    endHold(hold);
    say(notice("", "Not held any more", "Another window has bought what was held here, or given it back, or its time is up."));
  }
});

// ---- Tickets that were bought before ----

function keep(ticket) {
  const all = bought.get() ?? [];
  const others = all.filter(({ receipt }) => receipt !== ticket.receipt);
  bought.set([ticket, ...others].slice(0, KEPT_MAX));
  showKept();
}

function showKept() {
  const all = bought.get() ?? [];
  byId("kept").hidden = all.length === 0;
  byId("kept-list").replaceChildren(...all.map(({ receipt, tickets, at, over }) => {
    const link = element("a", { href: `receipts/${receipt}` }, ticketsNamed(tickets));
    const words = over ? `${over}, ${momentOf(new Date(at))}` : momentOf(new Date(at));
    return element("li", { className: over ? "over" : "" }, link, element("span", { className: "quiet" }, words));
  }));
}

const OVER_WORDS = { admitted: "used", refunded: "refunded" };

// What became of the latest ones: used, refunded, or of another counter that was here before.
async function lookAtKept() {
  const latest = (bought.get() ?? []).slice(0, LOOKED_AT_MAX);
  const replies = new Map(await Promise.all(latest.map(async ({ receipt }) => (
    [receipt, await ask("GET", `receipts/${receipt}`)]
  ))));
  // Others may have been kept while this waited.
  const told = (bought.get() ?? []).map((ticket) => {
    const reply = replies.get(ticket.receipt);
    if (reply?.status === 404) return null;
    return reply?.status === 200 ? { ...ticket, over: OVER_WORDS[reply.body.status] } : ticket;
  });
  bought.set(told.filter((ticket) => ticket !== null));
  showKept();
}

// ---- Start ----

for (const [id, change] of [["fewer", "stepDown"], ["more", "stepUp"]]) {
  byId(id).hidden = false;
  byId(id).addEventListener("click", () => byId("quantity")[change]());
}

byId("order").addEventListener("focusout", () => setTimeout(showChoices));
byId("order").addEventListener("submit", (submit) => {
  submit.preventDefault();
  busily(byId("buy"), "Buying…", () => buy(ordered())).then(showChoices);
});

if (hasHolds) {
  byId("hold").hidden = false;
  byId("hold-words").hidden = false;
  byId("hold").addEventListener("click", () => busily(byId("hold"), "Holding…", startHold));
  byId("confirm").addEventListener("click", confirmShown);
  byId("release").addEventListener("click", () => busily(byId("release"), "Giving back…", releaseHold));
}

const refresh = follow(show, shown);
// Of those whose answer may have been lost with a page first.
const unheard = ({ tries }) => tries > 0;
const open = holdsIn(held.get()).filter((before) => unheard(before) || before.expires > Date.now());
if (open.length > 0) showHold({ tries: 0, ...(open.find(unheard) ?? open[0]) });
if (hold !== null && unheard(hold)) confirmShown();
showCount();
showKept();
lookAtKept();
// What a page of an older server kept has no date, and was sent.
const asked = { tries: 1, at: 0, ...pending.get() };
if (asked.key !== undefined) {
  const when = asked.at > 0 ? ` (${momentOf(new Date(asked.at))})` : "";
  unsure(`You asked for tickets before${when}, and this page has not seen the answer.`, asked, buy);
}
