"""A box office: seats are bought, put aside, paid for, let go and taken back, and more are put on sale.

A hold that nobody pays for lapses. A key is answered once, and again the same. Now and then it is busy.
"""
import json
import time

from stock import Shop, main


class BoxOffice(Shop):
    def __init__(self, *args):
        super().__init__(*args)
        self.holds, self.orders, self.answers = {}, {}, {}
        self.calls, self.issued = 0, 0

    def call(self, request, method, path):
        body = json.loads(request.body() or "{}")
        key = request.headers.get("Idempotency-Key")
        if key in self.answers:
            return request.answer(*self.answers[key])
        with self.lock:
            self.calls += 1
            is_busy = key is not None and self.calls % 9 == 0
        if is_busy:
            return request.answer(429, {"error": "busy"}, Retry_After="1")
        status, answer = self.answered(request, method, path.strip("/").split("/"), body)
        if key is not None and status < 500:
            self.answers[key] = status, answer
        return request.answer(status, answer)

    def answered(self, request, method, parts, body):
        self.lapse()
        match (method, parts):
            case ("GET", ["stock"]):
                held = sum(seats for seats, _ in list(self.holds.values()))
                return 200, {"free": self.stock.left, "held": held}
            case ("POST", ["stock"]) if request.headers.get("Authorization") == "Bearer of-a-test-account":
                self.stock.change(-body["add"])
                return 200, {"free": self.stock.left}
            case ("POST", ["orders"]):
                return (409, {"error": "sold out"}) if self.stock.change(1) is None else self.sold(1)
            case ("POST", ["holds"]):
                seats = body["seats"]
                if self.stock.change(seats) is None:
                    return 409, {"error": "sold out"}
                hold = f"h-{self.number()}"
                self.holds[hold] = seats, time.monotonic() + body["seconds"]
                return 201, {"hold": hold}
            case ("POST", ["holds", hold, "payment"]):
                seats, _ = self.holds.pop(hold, (0, 0))
                return self.sold(seats) if seats else (410, {"error": "lapsed"})
            case ("DELETE", ["holds", hold]):
                seats, _ = self.holds.pop(hold, (0, 0))
                if not seats:
                    return 410, {"error": "lapsed"}
                self.stock.change(-seats)
                return 200, {}
            case ("DELETE", ["orders", order]):
                seats = self.orders.pop(order, 0)
                if not seats:
                    return 404, {"error": "no such order"}
                self.stock.change(-seats)
                return 200, {}
        return 404, {}

    def sold(self, seats):
        order, last = f"o-{self.number()}", self.issue(seats)
        self.orders[order] = seats
        return 201, {"order": order, "seats": [f"seat {last - seat}" for seat in range(seats)]}

    def issue(self, seats):
        """Seats that were given back are not issued again; racy ones are read, thought about, and written back."""
        if self.stock.is_racy:
            issued = self.issued
            time.sleep(0.003)
            self.issued = issued + seats
            return self.issued
        with self.lock:
            self.issued += seats
            return self.issued

    def lapse(self):
        for hold, (seats, end) in list(self.holds.items()):
            if end < time.monotonic() and self.holds.pop(hold, None):
                self.stock.change(-seats)


main(BoxOffice)
