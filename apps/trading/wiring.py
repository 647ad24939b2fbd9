"""Builds the venue that the settings name, for tasks, loops and commands."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.trading.adapters.paper_venue import PaperVenue


@cache
def venue() -> PaperVenue:
    """The venue orders go to. Raises ``ImproperlyConfigured`` for one that does not exist: nothing is substituted."""
    if settings.VENUE != "paper":
        raise ImproperlyConfigured(f"VENUE was {settings.VENUE!r}; the venues there are: paper.")
    return PaperVenue()
