"""Puts an event with so many free seats on sale, whose baskets last so many minutes, and prints the token of its API:
`python fill.py SEATS MINUTES`.
"""
import datetime
import decimal
import sys

import django
from django.core.management import call_command

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from django.utils.timezone import now  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402
from pretix.base.models import Event, Organizer, Team, TeamAPIToken  # noqa: E402

with scopes_disabled():
    hall = Organizer.objects.create(slug="hall", name="Hall")
    concert = Event.objects.create(
        organizer=hall, slug="concert", name="Concert", date_from=now() + datetime.timedelta(days=30), live=True,
        currency="EUR", plugins="",
    )
    concert.settings.reservation_time = int(sys.argv[2])
    seat = concert.items.create(name="Seat", default_price=decimal.Decimal("0.00"))
    concert.quotas.create(name="Seats", size=int(sys.argv[1])).items.add(seat)
    team = Team.objects.create(organizer=hall, name="Test", all_events=True, all_event_permissions=True)
    print(TeamAPIToken.objects.create(team=team, name="Test").token)
