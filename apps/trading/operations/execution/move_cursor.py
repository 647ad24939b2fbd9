"""How far a loop has come through the bars, forwards only, told to those who wait for it."""

from datetime import datetime

from django.db import connection, transaction

from apps.trading.models import Cursor

CHANNEL = "hq_cursor_{name}"


@transaction.atomic
def move_cursor(*, name: str, through: datetime) -> bool:
    """Move the cursor to ``through``; False when it is there or further. Whoever waits for it is woken at commit."""
    moved = Cursor.objects.filter(name=name, through__lt=through).update(through=through) > 0
    if not moved:
        created = Cursor.objects.get_or_create(name=name, defaults={"through": through})[1]
        moved = created
    if moved:
        with connection.cursor() as hint:
            hint.execute("SELECT pg_notify(%s, '')", [CHANNEL.format(name=name)])
    return moved
