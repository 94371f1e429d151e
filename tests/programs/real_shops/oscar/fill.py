"""Puts so many tickets on sale: `python fill.py TICKETS`."""
import decimal
import sys

import django
from django.core.management import call_command

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from oscar.apps.address.models import Country  # noqa: E402
from oscar.apps.catalogue.models import Product, ProductClass  # noqa: E402
from oscar.apps.partner.models import Partner, StockRecord  # noqa: E402

Country.objects.create(
    iso_3166_1_a2="GB", iso_3166_1_a3="GBR", iso_3166_1_numeric="826", name="United Kingdom",
    printable_name="United Kingdom", is_shipping_country=True,
)
kind = ProductClass.objects.create(name="Ticket", track_stock=True)
concert = Product.objects.create(title="Concert", product_class=kind)
StockRecord.objects.create(
    product=concert, partner=Partner.objects.create(name="Hall"), partner_sku="concert",
    price=decimal.Decimal("10.00"), num_in_stock=int(sys.argv[1]),
)
