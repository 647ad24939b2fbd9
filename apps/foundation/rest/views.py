"""The view every room builds on: one role a method, both clocks read once, ``Idempotency-Key`` on changes."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import NotAuthenticated
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.foundation.clock import Moment
from apps.foundation.idempotency import Answer, NamedRequest, answer_once
from apps.foundation.permissions import Role
from apps.foundation.rest.authentication import TokenBearer
from apps.foundation.rest.csv_export import CsvRenderer
from apps.foundation.rest.json_format import HouseJSONRenderer
from apps.foundation.rest.list_filters import refuse_unknown
from apps.foundation.rest.moment_reader import read_moment
from apps.foundation.rest.pages import CursorPages
from apps.foundation.rest.role_required import RoleRequired

KEY_HEADER = "Idempotency-Key"
METHODS = ("get", "post", "put", "patch", "delete")


class HouseView(APIView):
    """Base of all API views.

    ``roles`` names the role each method needs: ``roles = {"GET": Role.VIEWER, "POST": Role.TRADER}``.
    ``repeatable = True`` marks a view whose work commits in steps of its own and may run twice (see ``idempotency``).
    ``secret_body = True``: the body holds a password, so nothing of it is kept, no digest for repeated requests either.
    ``query_parameters``: when set, any other query parameter is refused.
    Raise ``foundation.errors`` for what can't be done; they leave as problem+json.
    """

    roles: ClassVar[dict[str, Role]] = {}
    repeatable: ClassVar[bool] = False
    query_parameters: ClassVar[Sequence[str] | None] = None
    secret_body: ClassVar[bool] = False
    permission_classes = [RoleRequired]
    http_method_names = [*METHODS, "head"]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for method in METHODS:
            if hasattr(cls, method) and method.upper() not in cls.roles and cls.roles:
                raise ImproperlyConfigured(f"{cls.__name__} answers {method.upper()} and names no role for it.")

    @classmethod
    def needed_role(cls, method: str | None) -> Role:
        """The role that ``method`` needs. A method without one is not served, so any member may learn that."""
        found = cls.roles.get("GET" if method == "HEAD" else str(method))
        if found is None and hasattr(cls, str(method).lower()):
            return Role.ADMIN
        return found or Role.VIEWER

    @cached_property
    def moment(self) -> Moment:
        """Both clocks, read once for this request."""
        return read_moment()

    @property
    def actor(self) -> str:
        """Who asks, as audit and orders name it: the user's name."""
        return str(self.request.user.get_username())

    @property
    def bearer(self) -> TokenBearer:
        """Who asks, as their token tells. Raises ``NotAuthenticated`` for a stranger."""
        user = self.request.user
        if not isinstance(user, TokenBearer):
            raise NotAuthenticated
        return user

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.query_parameters is not None and not isinstance(self, GenericAPIView):
            refuse_unknown(request, {*self.query_parameters, "format"})
        method = str(request.method).lower()
        key = request.headers.get(KEY_HEADER)
        if (
            key is not None
            and not self.secret_body
            and request.user.is_authenticated
            and method in {"post", "patch", "put", "delete"}
        ):
            handler = getattr(self, method, None)
            if handler is not None:
                setattr(self, method, self._once(handler, key))

    def _once(self, handler: Callable[..., Response], key: str) -> Callable[..., Response]:
        def answer(request: Request, *args: Any, **kwargs: Any) -> Response:
            fresh: list[Response] = []

            def run() -> Answer:
                fresh.append(handler(request, *args, **kwargs))
                return Answer(fresh[0].status_code, fresh[0].data)

            named = NamedRequest(int(self.bearer.pk), key, str(request.method), request.path.rstrip("/"), request.data)
            given = answer_once(named, run, repeatable=self.repeatable)
            if fresh:
                return fresh[0]
            return Response(given.body, status=given.status, headers={"Idempotency-Replayed": "true"})

        return answer


class ListView(HouseView, ListModelMixin, GenericAPIView):
    """A filtered, ordered, paged list with CSV export.

    Give ``queryset`` (or ``get_queryset``), ``roles``, ``serializer_class`` (describes one row in OpenAPI),
    ``filterset_class`` or ``filterset_fields``, ``ordering`` and ``ordering_fields`` (never null), and ``render`` when
    rows are views (dicts).
    """

    renderer_classes = [HouseJSONRenderer, CsvRenderer]
    pagination_class = CursorPages
    ordering: ClassVar[Sequence[str]] = ("-pk",)
    ordering_fields: ClassVar[Sequence[str]] = ()

    def render(self, rows: list[Any]) -> list[Any]:
        """One page of rows as JSON-ready dicts; by default through ``serializer_class``."""
        return list(self.get_serializer(rows, many=True).data)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.render(list(page or [])))
