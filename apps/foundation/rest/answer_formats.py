"""In which form an answer is wanted: ``?format=csv``, or what the client says that it accepts."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from apps.foundation.errors import Refused


class KnownFormats(DefaultContentNegotiation):
    """Refuses a format that this address does not offer with the ones that it does; the parent's says 404."""

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:  # noqa: A002 - the parent's name
        offered = list(renderers)
        found = [renderer for renderer in offered if renderer.format == format]
        if not found:
            names = " or ".join(sorted({renderer.format for renderer in offered}))
            raise Refused(
                f"format was {format[:40]!r}; this address answers {names}.", code="unknown_format", field="format"
            )
        return found
