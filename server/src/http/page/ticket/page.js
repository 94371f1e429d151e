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
  const status = reply?.status === 200 && reply.body.status;
  const line = byId("status");
  if (!status || status === line.dataset.status) return;
  line.dataset.status = status;
  line.textContent = STATUS_WORDS[status] ?? status;
  document.querySelector(".pass").dataset.status = status;
}

if (byId("code")) {
  correctCode();
  byId("at").textContent = momentOf(new Date(byId("at").dateTime));
  byId("print").hidden = false;
  byId("print").addEventListener("click", () => print());
  document.addEventListener("visibilitychange", () => document.hidden || refreshStatus());
}
