"""The pages of django-oscar, and beside them what its stock record says."""
from django.apps import apps
from django.http import JsonResponse
from django.urls import include, path
from oscar.apps.partner.models import StockRecord


def stock(_):
    record = StockRecord.objects.get(partner_sku="concert")
    return JsonResponse({"in_stock": record.num_in_stock, "allocated": record.num_allocated or 0})


urlpatterns = [
    path("stock", stock),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
