"""Cancel a search with all of its folds; workers notice with their next beat."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import UNDER_WAY, RunState, SearchFold, SearchRun
from apps.agents.operations.research.tell_research import tell_search_changed
from apps.agents.queries.search_views import found_search, search_line
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict


@transaction.atomic
def cancel_search(*, search_id: UUID, actor: str, moment: Moment) -> dict[str, Any]:
    """The canceled search's line. Raises ``NotFound``, and ``Conflict`` (``already_ended``) where it has ended.

    Folds first, then their search: the order in which a fold that ends locks them.
    """
    ending = {"state": RunState.CANCELED, "ended_at": moment.wall, "problem": f"Canceled by {actor}."}
    folds = SearchFold.objects.select_for_update().filter(search_id=search_id, state__in=UNDER_WAY).order_by("pk")
    SearchFold.objects.filter(pk__in=[fold.pk for fold in folds]).update(claim=None, **ending)
    canceled = SearchRun.objects.filter(pk=search_id, state__in=UNDER_WAY).update(step="", **ending)
    row = found_search(search_id)
    if not canceled:
        raise Conflict(f"This search is {row.state} already.", code="already_ended")
    tell_search_changed(row)
    return search_line(row)
