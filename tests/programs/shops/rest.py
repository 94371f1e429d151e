"""A REST shop: a cart, a line in it with two seats, a payment, and an order that lists the seats."""
import json

from stock import Shop, main


class Rest(Shop):
    def __init__(self, *args):
        super().__init__(*args)
        self.carts, self.paid = {}, {}

    def call(self, request, method, path):
        if request.headers.get("Authorization") != "Bearer of-a-test-account":
            return request.answer(401, {"message": "who is asking?"})
        body = json.loads(request.body() or "{}")
        match (method, path.strip("/").split("/")):
            case ("GET", ["api", "events", "concert"]):
                return request.answer(200, {"onHand": self.stock.left + 5, "allocated": 5})
            case ("POST", ["api", "carts"]):
                cart = self.number()
                self.carts[cart] = 0
                return request.answer(201, {"id": cart})
            case ("PUT", ["api", "carts", cart, "lines"]):
                self.carts[int(cart)] = body["quantity"]
                return request.answer(200, {"total": 20 * body["quantity"]})
            case ("POST", ["api", "carts", cart, "payment"]):
                if body["amount"] != 20 * self.carts[int(cart)]:
                    return request.answer(422, {"error": "the amount is not the total"})
                token = f"pay/{cart} & more"
                self.paid[token] = int(cart)
                return request.answer(200, {"token": token})
            case ("POST", ["api", "orders"]):
                count = self.carts[self.paid[body["payment"]]]
                last = self.stock.change(count)
                if last is None:
                    return request.answer(409, {"error": {"code": "INSUFFICIENT_STOCK"}})
                seats = [{"name": f"A-{last - n}"} for n in range(count)]
                return request.answer(201, {"order": {"seats": seats}})
        return request.answer(404, {"message": "no such thing"})


main(Rest)
