"""What a request outside the API's own views gets when it fails: the API a problem, a person a sentence."""

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.errors import NotFound
from apps.foundation.permissions import Role
from apps.foundation.rest.problems import is_api, problem
from apps.foundation.rest.views import METHODS, HouseView

SENTENCES = {
    400: ("bad_request", "The request is malformed."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing at this address."),
    500: ("internal_error", "Something failed that nobody foresaw. It is logged under this correlation id."),
}


class NoEndpoint(HouseView):
    """Every address under ``/api/`` that no endpoint has."""

    authentication_classes = []
    roles = dict.fromkeys([method.upper() for method in METHODS], Role.PUBLIC)
    schema = None

    def get(self, request: Request, path: str) -> Response:
        """Raise ``NotFound`` ``no_such_endpoint``."""
        raise NotFound(
            f"There is no endpoint {request.path}. The list is at /api/docs/.", code="no_such_endpoint", path=path
        )

    post = put = patch = delete = get


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's answer to a suspicious request."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's answer to a refused one."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's answer where nothing is."""
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's answer to what nobody caught; Django has logged it."""
    return _page(request, 500)


def _page(request: HttpRequest, status: int) -> HttpResponse:
    code, detail = SENTENCES[status]
    if is_api(request):
        return problem(status=status, code=code, detail=detail)
    return HttpResponse(f"{detail}\n", status=status, content_type="text/plain; charset=utf-8")
