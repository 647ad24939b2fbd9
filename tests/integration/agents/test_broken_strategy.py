"""A package that can't be imported: its strategy says so where strategies are chosen, and hides no other."""

from importlib.metadata import EntryPoint

import pytest

from apps.agents import operations, queries
from apps.agents.domain.strategies import registry
from apps.agents.domain.strategies.registry import GROUP, UnknownStrategyError, judges_by_model, strategy_class
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import Refused

pytestmark = pytest.mark.django_db
BROKEN = EntryPoint("dip_buyer", "no_such_package.dip_buyer:DipBuyer", GROUP)


@pytest.fixture
def broken(monkeypatch):
    """As after ``pip install -e`` beside a running firm, or a package with an import that fails."""
    real = registry.entry_points
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [*real(group=group), BROKEN])
    for known in (registry.strategy_names, registry.strategy_class):
        known.cache_clear()
    yield BROKEN.name
    monkeypatch.undo()
    for known in (registry.strategy_names, registry.strategy_class):
        known.cache_clear()


def test_it_is_listed_with_the_reason_and_the_others_as_ever(broken):
    views = {view["name"]: view for view in queries.strategy_views(wall_now())}
    assert {"momentum", "neural", broken} <= set(views)
    assert "ModuleNotFoundError: No module named 'no_such_package'" in views[broken]["unavailable"]
    assert "start the firm again" in views[broken]["unavailable"]
    assert views["momentum"]["unavailable"] == ""


def test_no_agent_is_made_of_it(broken):
    moment = Moment(wall=wall_now(), firm=wall_now())
    with pytest.raises(Refused, match="can't be loaded from no_such_package") as refused:
        operations.create_agent(strategy=broken, actor="ada", moment=moment)
    assert refused.value.field == "strategy"
    assert refused.value.message.count("again") == 1


def test_whoever_asks_for_its_class_gets_the_sentence(broken):
    with pytest.raises(UnknownStrategyError, match="mend or uninstall it"):
        strategy_class(broken)
    assert judges_by_model(broken) is False
