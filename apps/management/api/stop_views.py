"""The stop button and its release over REST, under ``trading/``."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView
from apps.management import operations
from apps.management.api import answer_shapes as shapes


class StopView(HouseView):
    roles = {"POST": Role.TRADER}
    repeatable = True  # the halt commits before anything else is tried

    @extend_schema(request=shapes.StopRequest, responses=shapes.StateShape)
    def post(self, request: Request) -> Response:
        """Halt trading, cancel open orders, flatten if asked, stop the agents. Doing it again does no harm."""
        given = shapes.StopRequest.checked(request.data or {})
        return Response(operations.emergency_stop(**given, actor=self.actor, moment=self.moment))


class ResumeView(HouseView):
    roles = {"POST": Role.RISK}
    repeatable = True

    @extend_schema(request=shapes.ReasonRequest, responses=shapes.StateShape)
    def post(self, request: Request) -> Response:
        """Trade again; needs a reason and the role risk."""
        given = shapes.ReasonRequest.checked(request.data)
        reason = given["reason"]
        return Response(operations.resume(actor=self.actor, reason=reason, moment=self.moment))
