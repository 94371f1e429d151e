"""A shop whose stock falls at the basket: a seat is set aside there, and the checkout only pays for it."""
import json

from stock import Shop, main


class Holds(Shop):
    def __init__(self, *args):
        super().__init__(*args)
        self.held = {}

    def call(self, request, method, path):
        body = json.loads(request.body() or "{}")
        match (method, path.strip("/").split("/")):
            case ("GET", ["stock"]):
                return request.answer(200, {"free": self.stock.left})
            case ("POST", ["basket"]):
                last = self.stock.change(1)
                if last is None:
                    return request.answer(200, {"ok": False, "reason": "SOLD_OUT"})
                basket = f"b-{self.number()}"
                self.held[basket] = last
                return request.answer(200, {"ok": True, "basket": basket, "free": self.stock.left},
                                      Set_Cookie=f"basket={basket}; Path=/basket")
            case ("POST", ["basket", basket, "pay"]) if request.cookies().get("basket") == basket:
                seat = self.held.pop(basket, None)
                if seat is None or not body["card"].startswith("4242"):
                    return request.answer(402, {"error": "not paid"})
                return request.answer(200, {"seat": f"Row A seat {seat}"})
        return request.answer(404, {})


main(Holds)
