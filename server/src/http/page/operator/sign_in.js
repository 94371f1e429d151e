
// ---- Who one is: the token of admin calls, in this tab only ----

const session = kept("sessionStorage", "token", new URL(".", document.baseURI).pathname);

// As `ask`, with the token; without a right one, back to the field for it.
async function askAdmin(method, path, options = {}) {
  const reply = await ask(method, path, { ...options, token: session.get() ?? "" });
  if (reply?.status === 401) signOut(reply.body.detail);
  return reply;
}

function showSignIn(words) {
  byId("signed-in").hidden = true;
  byId("sign-out").hidden = true;
  byId("sign-in").hidden = false;
  byId("sign-in-answer").replaceChildren(...(words ? [notice("bad", words)] : []));
  byId("token").focus();
}

function signOut(detail) {
  session.set(null);
  const without = detail?.includes("--admin-token-file");
  showSignIn(detail && (without ? "This server has no admin token. Start it with --admin-token-file." : "That is not the token."));
}

// Calls `begin` once there is a token that the server takes.
function signIn(begin) {
  const enter = async () => {
    const reply = await askAdmin("GET", "sales?page_size=1");
    if (reply?.status === 401) return;
    if (reply === null) {
      showSignIn("No connection. Please try again.");
      return;
    }
    byId("sign-in").hidden = true;
    byId("signed-in").hidden = false;
    byId("sign-out").hidden = false;
    begin();
  };
  byId("sign-in").addEventListener("submit", (submit) => {
    submit.preventDefault();
    session.set(byId("token").value.trim());
    byId("token").value = "";
    busily(byId("sign-in").querySelector("button"), "Signing in…", enter);
  });
  byId("sign-out").addEventListener("click", () => signOut());
  if (session.get() === null) showSignIn();
  else enter();
}

// The receipt in what was scanned or typed: an address ends with it, wherever the ticket was opened.
function codeIn(text) {
  const [address] = text.trim().split(/[?#]/);
  return address.split("/").filter(Boolean).at(-1) ?? "";
}
