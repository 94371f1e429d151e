"""What the small shops share: stock that is guarded by a lock or by nothing, and a server that serves it.

`python3 NAME.py STOCK [racy]` sells on a free port of 127.0.0.1, and says which in its first line.
"""
import http.server
import itertools
import json
import sys
import threading
import time


class Stock:
    """So many seats. Racy ones are read, thought about, and written back."""

    def __init__(self, count, is_racy):
        self.count, self.is_racy = count, is_racy
        self.lock = threading.Lock()
        self.refill()

    def refill(self):
        """All seats are there again."""
        self.left, self.sold = self.count, 0

    def change(self, by):
        """Takes `by` seats (or gives them back) and tells the number of the last; None where too few are left."""
        if self.is_racy:
            return self.unguarded(by)
        with self.lock:
            return self.unguarded(by)

    def unguarded(self, by):
        left, sold = self.left, self.sold
        time.sleep(0.003)
        if left < by:
            return None
        self.left, self.sold = left - by, sold + by
        return sold + by


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; `routes` of a shop are called with it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, *_):
        pass

    def answer(self, status, body="", kind=None, **fields):
        if not isinstance(body, str):
            body, kind = json.dumps(body), "application/json"
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind or "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in fields.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name.replace("_", "-"), one)
        self.end_headers()
        self.wfile.write(data)

    def cookies(self):
        pairs = (pair.strip().partition("=") for pair in self.headers.get("Cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def serve(self):
        if self.path == "/refill":
            self.shop.stock.refill()
            return self.answer(204)
        self.shop.call(self, self.command, self.path)

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class Shop:
    """A shop of some kind; `call` answers one request."""

    def __init__(self, count, is_racy):
        self.stock = Stock(count, is_racy)
        self.numbers, self.lock = itertools.count(1), threading.Lock()

    def number(self):
        with self.lock:
            return next(self.numbers)


def main(shop):
    """Sells until somebody ends the program."""
    handler = type("ShopHandler", (Handler,), {"shop": shop(int(sys.argv[1]), "racy" in sys.argv[2:])})
    server = Server(("127.0.0.1", 0), handler)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
