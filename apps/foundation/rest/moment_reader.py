"""How delivery code of the foundation reads both clocks: it knows no market, the settings name the reader."""

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

from apps.foundation.clock import Moment


def read_moment() -> Moment:
    """Both clocks now, by ``HQ_MOMENT_READER`` (``apps.market.queries.current_moment``)."""
    reader: Callable[[], Moment] = import_string(settings.HQ_MOMENT_READER)
    return reader()
