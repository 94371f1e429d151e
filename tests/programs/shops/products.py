"""A shop that sells two things, each from stock of its own; a racy one guards the first of them alone."""
import json

from stock import Shop, Stock, main


class Products(Shop):
    def __init__(self, count, is_racy):
        super().__init__(count, False)
        self.products = {"S": Stock(count, False), "B": Stock(count, is_racy)}
        self.stock = self

    def refill(self):
        for stock in self.products.values():
            stock.refill()

    def call(self, request, method, path):
        body = json.loads(request.body() or "{}")
        match (method, path.strip("/").split("/")):
            case ("GET", ["stock", sku]) if sku in self.products:
                return request.answer(200, {"left": self.products[sku].left})
            case ("POST", ["orders"]) if body["sku"] in self.products:
                last = self.products[body["sku"]].change(1)
                if last is None:
                    return request.answer(409, {"error": "sold out"})
                return request.answer(201, {"seat": f"{body['sku']}{last}", "buyer": body["buyer"]})
        return request.answer(404, {})


main(Products)
