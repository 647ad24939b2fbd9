"""Every route of the API stands in the matrix, in both slash forms, and lets in exactly whom the matrix lets in."""

from uuid import uuid4

import pytest
from django.urls import URLPattern, get_resolver

from tests.delivery.permission_matrix import MATRIX, PUBLIC

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("viewer", "trader", "risk", "admin")
PREFIX = "api/v1/"


def routes():
    """All of the API's patterns: route as written, and its view class."""

    def walk(patterns, prefix):
        for each in patterns:
            route = prefix + str(each.pattern)
            if isinstance(each, URLPattern):
                yield route, each.callback
            else:
                yield from walk(each.url_patterns, route)

    return {
        route.removeprefix(PREFIX): callback.cls
        for route, callback in walk(get_resolver("tradinghq.urls").url_patterns, "")
        if route.startswith(PREFIX)
    }


def served():
    """Route and method of everything that the URLconf serves, with the slash."""
    return {
        (route, method)
        for route, view in routes().items()
        if route.endswith("/")
        for method in METHODS
        if hasattr(view, method.lower())
    }


def address(route):
    values = {"uuid": str(uuid4()), "instrument": "BTC-USDT", "str": "nobody", "slug": "nobody", "int": "7"}
    while "<" in route:
        start, end = route.index("<"), route.index(">")
        kind = route[start + 1 : end].partition(":")[0]
        route = route[:start] + values[kind] + route[end + 1 :]
    return f"/{PREFIX}{route}"


def test_every_route_stands_in_the_matrix_and_the_matrix_names_no_other():
    assert served() == set(MATRIX)


def test_every_route_exists_without_its_slash_under_the_same_view():
    found = routes()
    for route, view in found.items():
        other = route.rstrip("/") if route.endswith("/") else f"{route}/"
        assert found.get(other) is view, route


def test_every_view_declares_a_role_for_each_method_it_serves():
    found = routes()
    for (route, method), role in MATRIX.items():
        assert found[route].roles[method] == role, (route, method)


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_stranger_gets_in_nowhere_but_at_the_door(stranger, clean_redis, slash):
    for (route, method), role in MATRIX.items():
        answer = stranger.call(method.lower(), address(route).rstrip("/") + slash, {} if method != "GET" else None)
        # The door itself answers 401 to a missing password's token, never as "role".
        if role != PUBLIC:
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), (route, method)
        else:
            assert answer.json()["code"] in {"validation_failed", "not_authenticated"}, (route, method)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_matrix_says_and_no_more(person, role):
    someone = person(role)
    for (route, method), needed in MATRIX.items():
        if needed == PUBLIC:  # open to all, and signing out would end the session asking here
            continue
        answer = someone.call(method.lower(), address(route), {} if method != "GET" else None)
        refused = answer.status_code == 403 and answer.json()["code"] == "role_too_low"
        allowed = ROLES.index(role) >= ROLES.index(needed)
        assert refused is not allowed, (role, route, method, answer.content)
        assert answer.status_code not in {401, 500}, (role, route, method, answer.content)
