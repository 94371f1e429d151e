// The ticket: its code shows where this browser sees it, its status is the one of now, and times are local.

const STATUS_WORDS = { sold: "Valid", admitted: "Used", refunded: "Refunded" };

// The server behind a proxy guesses its own address; this page knows it.
async function correctCode() {
  const address = location.href.split(/[?#]/)[0];
  const code = byId("code");
  if (code.dataset.address === address) return;
  try {
    const response = await fetch(address, {
      headers: { Accept: "image/svg+xml", "Page-Address": address },
      cache: "no-store",
    });
    if (!response.ok) return;
    code.src = `data:image/svg+xml;base64,${btoa(await response.text())}`;
    code.dataset.address = address;
  } catch { /* The door reads the end of the address, which is right in any case. */ }
}

async function refreshStatus() {
  const reply = await ask("GET", location.pathname);
  if (reply?.status === 200) showStatus(reply.body.status);
}

function showStatus(status) {
  const line = byId("status");
  if (status === line.dataset.status) return;
  line.dataset.status = status;
  line.textContent = STATUS_WORDS[status] ?? status;
  document.querySelector(".pass").dataset.status = status;
  byId("refund")?.remove();
}

async function giveBack() {
  const reply = await ask("DELETE", location.pathname);
  if (reply?.status === 200) {
    showStatus("refunded");
    byId("answers").replaceChildren(notice("good", "Given back", "This ticket is no longer valid."));
  } else {
    const words = reply === null
      ? ["We are not sure", "No answer came back. Please try again."]
      : ["That did not work", "Please try again later."];
    byId("answers").replaceChildren(notice("bad", ...words));
    refreshStatus();
  }
}

if (byId("code")) {
  correctCode();
  for (const time of document.querySelectorAll("time")) time.textContent = momentOf(new Date(time.dateTime));
  byId("print").hidden = false;
  byId("print").addEventListener("click", () => print());
  if (byId("refund")) {
    byId("refund").hidden = false;
    twice(byId("refund"), "Press again to give it back", "Giving back…", giveBack);
  }
  document.addEventListener("visibilitychange", () => document.hidden || refreshStatus());
}
