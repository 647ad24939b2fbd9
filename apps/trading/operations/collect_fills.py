"""Take a venue's new fills into the books, in the venue's order."""

from apps.foundation.clock import Moment
from apps.trading.models import VenueWatermark
from apps.trading.operations.apply_fill import apply_fill
from apps.trading.ports import Venue

BATCH = 200


def collect_fills(*, venue: Venue, moment: Moment) -> int:
    """Apply every fill after the venue's watermark; how many were new.

    The watermark moves after the fills it covers are committed, so a crash in between only repeats fills, which the
    unique venue trade id makes harmless. Any number of collectors may run at once.
    """
    applied = 0
    while True:
        mark, _ = VenueWatermark.objects.get_or_create(venue=venue.name)
        fills = venue.fills_since(sequence=mark.sequence, limit=BATCH)
        for fill in fills:
            applied += apply_fill(fill=fill, venue=venue.name, moment=moment)
            VenueWatermark.objects.filter(venue=venue.name, sequence__lt=fill.sequence).update(sequence=fill.sequence)
        if len(fills) < BATCH:
            return applied
