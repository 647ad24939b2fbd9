"""Tasks are enqueued by name across rooms: every name that is written must be a task that some worker has."""

import ast
import re
from importlib import import_module

from django.conf import settings

from apps.management.adapters.on_demand_programs import INFERENCE, RESEARCH
from tests.architecture.source_tree import ROOT, parsed, python_files, shown
from tradinghq.celery import app
from tradinghq.periodic_schedule import SCHEDULE
from tradinghq.supervision.house_programs import CORE_TEAMS

TEAMS = (*CORE_TEAMS, "execution", INFERENCE, RESEARCH)
NAME = re.compile(r"workers\.(\w+)\.(\w+)")


def _registered() -> set[str]:
    for team in TEAMS:
        import_module(f"workers.{team}")
    app.finalize()
    return {name for name in app.tasks if name.startswith("workers.")}


def _written() -> dict[str, str]:
    """Every string in the code that reads like a task's name, and where it stands."""
    found = {}
    for path in python_files():
        modules = {child.stem for child in (ROOT / "workers").iterdir()}
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                if (ROOT / "workers" / NAME.fullmatch(node.value)[1]).is_dir() or NAME.fullmatch(node.value)[
                    1
                ] not in modules:
                    continue
                found[node.value] = shown(path, node.lineno)
    return found


def test_every_name_that_is_enqueued_is_a_task():
    written = _written()
    assert written, "no name was found: the check looks at the wrong strings"
    assert {name: place for name, place in written.items() if name not in _registered()} == {}


def test_every_scheduled_task_exists_and_expires_before_twice_its_interval():
    assert [work.task for work in SCHEDULE if work.task not in _registered()] == []
    assert [work.title for work in SCHEDULE if not work.expires < 2 * work.seconds] == []


def test_a_task_carries_the_name_of_its_module_and_goes_to_a_queue_that_is_served():
    assert [name for name in _registered() if not NAME.fullmatch(name)] == []
    assert {work.queue for work in SCHEDULE} <= set(TEAMS)
    assert settings.CELERY_TASK_DEFAULT_QUEUE in TEAMS
