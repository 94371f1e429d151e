"""What the schema cannot say of a valid request."""

import os

import requests
import schemathesis

OPERATOR = {"Authorization": "Bearer " + os.environ["OPERATOR_TOKEN"]}


@schemathesis.hook
def map_body(context, body):
    """A whole number is written as one: JSON Schema takes `8.0` for an integer, the server does not."""
    if isinstance(body, dict):
        for name, value in body.items():
            if isinstance(value, float) and value.is_integer():
                body[name] = int(value)
    return body


@schemathesis.hook
def after_call(context, case, response):
    """Whoever closes the sale opens it again: behind a closed one nothing else is tried."""
    if case.path == "/sale" and response.status_code == 200 and not response.json()["open"]:
        requests.post(response.request.url, json={"open": True}, headers=OPERATOR, timeout=10)
