"""A shop of pages: a login, a basket and a checkout, each a form with a hidden field of its own, and redirects."""
import html
import secrets
import threading
import urllib.parse

from stock import Shop, main


class Forms(Shop):
    def __init__(self, *args):
        super().__init__(*args)
        self.sessions, self.orders, self.guard = {}, {}, threading.Lock()

    def call(self, request, method, path):
        name = request.cookies().get("session")
        session = self.sessions.get(name)
        if session is None:
            name = secrets.token_hex(16)
            session = self.sessions[name] = {"fields": {}, "basket": 0, "who": None}
            new = {"Set_Cookie": [f"session={name}; Path=/; HttpOnly; SameSite=Lax", "seen=1; Path=/"]}
        else:
            new = {}
        given = urllib.parse.parse_qs(request.body())
        if method == "POST":
            wanted = session["fields"].pop(path, None)
            if wanted is None or given.get("csrf") != [wanted]:
                return request.answer(403, "<h1>Forbidden</h1><p>CSRF verification failed.</p>", **new)
        parts = path.strip("/").split("/")
        match (method, parts):
            case ("GET", [""]):
                return request.answer(200, f"<p>{self.stock.left} seats left</p>", **new)
            case ("GET", ["login" | "basket" | "checkout"]):
                if parts != ["login"] and not session["who"]:
                    return request.answer(302, Location="/login", **new)
                field = session["fields"][path] = secrets.token_urlsafe(12) + "+/'="
                hidden = f"<input type=hidden name=csrf value=\"{html.escape(field)}\">"
                return request.answer(200, f"<form method=post>{hidden}</form>", **new)
            case ("POST", ["login"]):
                if given["password"] != ["pä&ss word"]:
                    return request.answer(403, "<p>Wrong password.</p>")
                session["who"] = given["mail"][0]
                return request.answer(302, Location="/account")
            case ("GET", ["account"]):
                return request.answer(303, Location=f"http://{request.headers['Host']}/hello")
            case ("GET", ["hello"]):
                return request.answer(200, f"<p>Hello {session['who']}</p>")
            case ("POST", ["basket"]):
                session["basket"] = int(given["seats"][0])
                return request.answer(303, Location="/checkout-begun")
            case ("GET", ["checkout-begun"]):
                return request.answer(200, f"<p>{session['basket']} in your basket</p>")
            case ("POST", ["checkout"]) if session["basket"]:
                last = self.stock.change(session["basket"])
                session["basket"] = 0
                if last is None:
                    return request.answer(303, Location="/sorry")
                order = secrets.token_hex(8)
                self.orders[order] = last
                return request.answer(303, Location=f"/orders/{order}")
            case ("GET", ["orders", order]) if order in self.orders:
                return request.answer(200, f"<h1>Thank you</h1><p>Seat <b>{self.orders[order]}</b></p>")
            case ("GET", ["sorry"]):
                return request.answer(200, "<p>Sorry, this event is sold out.</p>")
        return request.answer(404, "<h1>Not found</h1>")


main(Forms)
