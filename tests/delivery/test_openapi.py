"""The API describes itself without a warning, completely, and the page that shows it needs no other site."""

import re

import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS

from tests.delivery.permission_matrix import MATRIX

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    file = tmp_path_factory.mktemp("openapi") / "schema.yml"
    GENERATOR_STATS.reset()
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    return yaml.safe_load(file.read_text())


def test_every_endpoint_is_described_once(document):
    described = {
        (path.removeprefix("/api/v1/"), method.upper())
        for path, methods in document["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"}
    }
    plain = {(re.sub(r"<\w+:(\w+)>", r"{\1}", route), method) for route, method in MATRIX}
    assert described == plain


def test_every_operation_names_its_role_and_its_problems(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert re.search(r"Needs role \*\*|Open to everybody", operation["description"]), (path, method)
            assert "application/problem+json" in operation["responses"]["default"]["content"], (path, method)
            if method != "get":
                names = [parameter["name"] for parameter in operation.get("parameters", [])]
                assert "Idempotency-Key" in names, (path, method)


def test_the_fold_without_a_test_is_told(document):
    folds = document["components"]["schemas"]["AgentsSearchShape"]["properties"]["folds"]["description"]
    assert folds.startswith("One more than `folds` of the wish: the last one has no test.")


def test_money_is_text_everywhere(document):
    """No field of the API is a JSON number with decimals unless it is a score, a share or a measurement."""
    fields = document["components"]["schemas"]
    money = re.compile(r"price|quantity|notional|equity|cash|fee|pnl|capital|amount|balance")
    for name, schema in fields.items():
        for field, shape in schema.get("properties", {}).items():
            if money.search(field) and not field.endswith(("_bps", "_count", "_at")):
                assert shape.get("type") != "number", (name, field)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/schema", "/api/docs/", "/api/docs"])
def test_the_pages_are_served(client, path):
    assert client.get(path).status_code == 200


def test_the_docs_page_loads_nothing_from_elsewhere(client):
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
