
// ---- The door: a code goes in, and the server says once whether to let somebody in ----

const BEFORE_MAX = 10;

// Codes whose answer was lost: whether they let somebody in, nobody here knows. A reload does not tell either.
const unanswered = kept("sessionStorage", "unanswered", new URL(".", document.baseURI).pathname);
let queue = Promise.resolve();
let last = null;

async function check(code) {
  // The answer of before is not the answer to this one, however long it takes.
  write({ kind: "none", title: "…", words: "" });
  const reply = await askAdmin("POST", `receipts/${encodeURIComponent(code)}/admit`);
  if (reply?.status === 401) return;
  tell(verdict(reply, code));
}

function verdict(reply, code) {
  if (reply === null || reply.status >= 500) {
    setUnanswered(code, true);
    return { kind: "unsure", title: "Not checked", words: "No answer from the server. Scan this ticket again." };
  }
  if (reply.status !== 200 && !["admitted", "refunded", "not-found"].includes(problemOf(reply))) {
    return { kind: "unsure", title: "Not checked", words: reply.body.detail ?? `The server answered ${reply.status}.` };
  }
  // Only what the server says of the ticket answers what was asked before.
  const wasUnanswered = setUnanswered(code, false);
  if (reply.status === 200) {
    const { tickets } = reply.body;
    const people = tickets.length === 1 ? "1 person" : `${tickets.length} people`;
    return { kind: "good", title: "Come in", words: `${people}. ${ticketsNamed(tickets)}.` };
  }
  switch (problemOf(reply)) {
    case "admitted": {
      const at = new Date(reply.body.admitted_at);
      const words = `${timeOf(at)}, ${ago(Date.now() + reply.ahead - at)} ago.`;
      return wasUnanswered
        ? { kind: "unsure", title: "Used", words: `${words} Perhaps by your own scan, whose answer got lost. Did somebody go in?` }
        : { kind: "bad", title: "Used before", words: `At ${words}` };
    }
    case "refunded":
      return { kind: "bad", title: "Refunded", words: "The money was given back. This ticket is not valid." };
    default:
      return { kind: "bad", title: "No ticket", words: "This code is not one of our tickets." };
  }
}

// Returns whether it was so before.
function setUnanswered(code, is) {
  const all = unanswered.get() ?? [];
  const others = all.filter((other) => other !== code);
  const left = is ? [...others, code] : others;
  unanswered.set(left.length === 0 ? null : left);
  return others.length < all.length;
}

function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const told = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [length, unit] = told.find(([length]) => seconds >= length) ?? [1, "second"];
  const number = Math.floor(seconds / length);
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

function tell(now) {
  if (last !== null) {
    const line = element("li", {}, element("strong", {}, last.title), element("span", { className: "quiet" }, `${last.words} ${last.time}`));
    line.dataset.verdict = last.kind;
    byId("before").prepend(line);
    while (byId("before").children.length > BEFORE_MAX) byId("before").lastElementChild.remove();
  }
  last = { ...now, time: timeOf(new Date()) };
  write(now);
}

function write({ kind, title, words }) {
  byId("verdict").dataset.verdict = kind;
  byId("verdict-title").textContent = title;
  byId("verdict-words").textContent = words;
}

const shown = { revision: null };

function show(news) {
  shown.revision = news.revision ?? null;
  for (const id of ["admitted", "sold"]) {
    byId(id).value = news[id] ?? 0;
    byId(id).textContent = grouped(news[id] ?? 0);
  }
}

// ---- Start ----

byId("door-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const code = codeIn(byId("code").value);
  byId("code").value = "";
  byId("code").focus();
  // One after the other: a scanner may be faster than the network.
  if (code !== "") queue = queue.then(() => check(code));
});

// What a scanner types goes into the field, wherever the focus was lost to.
document.addEventListener("keydown", (press) => {
  const isText = press.key.length === 1 && !press.ctrlKey && !press.metaKey && !press.altKey;
  if (isText && document.activeElement === document.body && !byId("signed-in").hidden) byId("code").focus();
});

let isFollowing = false;
signIn(() => {
  if (!isFollowing) follow(show, shown);
  isFollowing = true;
  byId("code").focus();
});
