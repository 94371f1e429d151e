"""pretix with its lock taken out: nothing keeps two baskets apart that take the last seat."""
from pretix.wsgi import application  # noqa: F401
from pretix.base.services import cart, orders

cart.lock_objects = orders.lock_objects = lambda *_, **__: None
