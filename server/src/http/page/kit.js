// What the pages of the ticket counter share. None of them decides anything: they show what the server said
// last, and the server says whether a sale is one. All addresses are relative: a proxy may have put a prefix
// in front.

const byId = (id) => document.getElementById(id);

const ANSWER_WAIT_MS = 30_000;
const POLL_MS = 3_000;
const POLLS_PER_TRY = 10;

// ---- Words ----

// As `grouped` in figure.rs.
function grouped(number) {
  return number.toLocaleString("en", { useGrouping: "min2" });
}

// As `Figure::size` in figure.rs.
function sizeOf(text) {
  if (text.length < 6) return "short";
  return text.length < 10 ? "long" : "longest";
}

// As `tickets` in figure.rs; numbers of one sale are in a row.
function ticketsNamed(tickets) {
  const [first, last] = [tickets[0], tickets.at(-1)];
  if (tickets.length === 1) return `Ticket ${first}`;
  return `Tickets ${first} ${tickets.length === 2 ? "and" : "to"} ${last}`;
}

function timeOf(date) {
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

function momentOf(date) {
  return date.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
}

// For lists: without the year, and without the day where that is today.
function shortMomentOf(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { day: "numeric", month: "short" };
  return date.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
}

// ---- Markup: texts go in as texts ----

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// `kind` is "good", "bad" or "".
function notice(kind, title, ...more) {
  const words = more.map((part) => (typeof part === "string" ? element("p", {}, part) : part));
  return element("div", { className: `notice ${kind}` }, element("strong", {}, title), ...words);
}

// aria-disabled rather than disabled: a disabled button would lose the keyboard's focus.
function isBusy(button) {
  return button.getAttribute("aria-disabled") === "true";
}

// Does `work` while `button` waits, and ignores presses meanwhile.
async function busily(button, words, work) {
  if (isBusy(button)) return;
  const before = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = words;
  try {
    await work();
  } finally {
    button.setAttribute("aria-disabled", "false");
    // News may have given it another text meanwhile.
    if (button.textContent === words) button.textContent = before;
  }
}

// Does `work` at the second press, for what cannot be undone, or cannot be undone unseen. What it is given is what
// `meant` said at the first press: news may change what the button would do.
function twice(button, again, words, work, meant = () => undefined) {
  let before = null;
  let intent = null;
  let timer = null;
  const reset = () => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    if (button.textContent === again) button.textContent = before;
  };
  button.addEventListener("blur", reset);
  button.addEventListener("click", () => {
    if (isBusy(button)) return;
    if (timer === null) {
      before = button.textContent;
      button.textContent = again;
      intent = meant();
      timer = setTimeout(reset, 6_000);
    } else {
      reset();
      busily(button, words, () => work(intent));
    }
  });
}

// ---- What a browser keeps: it may be full, or forbidden ----

// `where` is localStorage or sessionStorage by name; several counters may share an origin under prefixes.
function kept(where, name, root) {
  const key = `tickets ${root} ${name}`;
  const storage = () => globalThis[where];
  return {
    key,
    get() {
      try { return JSON.parse(storage().getItem(key)); } catch { return null; }
    },
    set(value) {
      try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, JSON.stringify(value));
      } catch { /* What cannot be kept is shown all the same. */ }
    },
  };
}

// `crypto.randomUUID` is missing on plain-http pages that are not on localhost.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- Asking ----

// The server's answer, or null where none arrived whole: then nobody here knows what became of it.
async function ask(method, path, { body, key, token } = {}) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), ANSWER_WAIT_MS);
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: patience.signal,
    });
    const clock = Date.parse(response.headers.get("Date")) - Date.now();
    return {
      status: response.status,
      body: (await response.json()) ?? {},
      // How far the server's clock is ahead, as far as whole seconds tell.
      ahead: Math.abs(clock) > 2_000 ? clock : 0,
    };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

// The last part of a problem's type, such as "sold-out"; "" where there is none.
function problemOf(reply) {
  return reply?.body.type?.split("/").at(-1) ?? "";
}

// What the server says once it has looked at the key, or at the hold: it holds of every try.
const OF_ALL_TRIES = ["sold-out", "sale-closed", "hold-expired", "key-reused"];

// Whether the server says for certain that nothing was done, of what was sent `tries` times. What turns a request
// away ahead of its key, such as a limit of the rate, says nothing of the tries before.
function isRefusal(reply, tries = 1) {
  if (reply === null || reply.status < 400) return false;
  return reply.body.sold === "no" || OF_ALL_TRIES.includes(problemOf(reply)) || (tries === 1 && reply.status < 500);
}

// ---- News of the count ----

const LIVE_WORDS = {
  live: "live",
  polling: "updated every few seconds",
  lost: "No connection. Trying again…",
  unreachable: "The tickets cannot be reached just now. Trying again…",
  behind: "This page is out of date. Please reload it.",
};

function sayLive(state) {
  const line = byId("live-state");
  if (line.dataset.state === state) return;
  line.dataset.state = state;
  line.textContent = LIVE_WORDS[state];
}

const isOlder = (revision, other) => revision !== null && other !== null && revision < other;

// Tells `show` all news but what is older than what `shown` has. Returns what asks once.
function follow(show, shown) {
  let source = null;
  let timer = null;

  // `known` is the revision that was shown when the news were asked for. What is older than that comes from a counter
  // that was put back; what is only older than what is shown by now was overtaken on its way.
  function tell(news, known) {
    const revision = news.revision ?? null;
    if (isOlder(revision, known)) {
      sayLive("behind");
    } else if (!isOlder(revision, shown.revision)) {
      show(news);
      sayLive(source.readyState === EventSource.OPEN ? "live" : "polling");
    }
  }

  function listen() {
    let known = shown.revision;
    source = new EventSource("live");
    source.addEventListener("count", (event) => tell(JSON.parse(event.data), known));
    source.addEventListener("unreachable", () => sayLive("unreachable"));
    source.addEventListener("error", () => {
      known = shown.revision;
      // It connects again by itself after a cut, but gives up for good after an answer such as 503.
      if (source.readyState === EventSource.CLOSED) poll(POLLS_PER_TRY);
      else refresh();
    });
  }

  // Where all places at `live` are taken: ask now and then, and try again for a place.
  async function poll(polls) {
    clearTimeout(timer);
    const found = await refresh();
    timer = setTimeout(() => (found && polls > 0 ? poll(polls - 1) : listen()), POLL_MS);
  }

  async function refresh() {
    const known = shown.revision;
    const reply = await ask("GET", "search");
    if (reply?.status === 200) tell(reply.body, known);
    else sayLive(reply ? "unreachable" : "lost");
    return reply?.status === 200;
  }

  addEventListener("online", refresh);
  addEventListener("offline", () => sayLive("lost"));
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  listen();
  return refresh;
}
