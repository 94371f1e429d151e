"""A GraphQL shop: a session token from a login, a checkout that a line is added to, and its completion."""
import json
import secrets

from stock import Shop, main


class GraphQl(Shop):
    def __init__(self, *args):
        super().__init__(*args)
        self.sessions, self.checkouts = {}, {}

    def call(self, request, method, path):
        if (method, path) != ("POST", "/graphql/"):
            return request.answer(404)
        asked = json.loads(request.body())
        query, given = asked["query"], asked.get("variables", {})
        if "tokenCreate" in query:
            if given["password"] != f"pass \"of\" {given['email']}":
                return self.fail(request, "invalid credentials")
            token = secrets.token_hex(24)
            self.sessions[token] = given["email"]
            return request.answer(200, {"data": {"tokenCreate": {"token": token}}})
        if "stock" in query:
            return request.answer(200, {"data": {"variant": {"quantityAvailable": max(self.stock.left, 0)}}})
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.sessions:
            return self.fail(request, "not authenticated")
        if "checkoutCreate" in query:
            checkout = f"Checkout:{self.number()}"
            self.checkouts[checkout] = given["lines"]
            return request.answer(200, {"data": {"checkoutCreate": {"checkout": {"id": checkout}}}})
        lines = self.checkouts.get(given["id"])
        if lines is None or not isinstance(lines[0]["quantity"], int):
            return self.fail(request, "no such checkout")
        last = self.stock.change(lines[0]["quantity"])
        if last is None:
            errors = [{"code": "INSUFFICIENT_STOCK", "message": "only 0 are left"}]
            return request.answer(200, {"data": {"checkoutComplete": {"order": None, "errors": errors}}})
        order = {"number": str(last), "status": "CONFIRMED"}
        return request.answer(200, {"data": {"checkoutComplete": {"order": order, "errors": []}}})

    @staticmethod
    def fail(request, message):
        request.answer(200, {"errors": [{"message": message}], "data": None})


main(GraphQl)
