"""All drills, by their codes."""

from workers.drills import (
    cut_bridge,
    lost_answers,
    lost_events,
    lost_keys,
    lost_leader,
    lost_processes,
    lost_servers,
    reached_limits,
    restored_record,
    three_instances,
    two_schedulers,
)
from workers.drills.scenario import Scenario

_ALL = (
    *cut_bridge.SCENARIOS,
    *lost_answers.SCENARIOS,
    *lost_events.SCENARIOS,
    *lost_keys.SCENARIOS,
    *lost_leader.SCENARIOS,
    *lost_processes.SCENARIOS,
    *lost_servers.SCENARIOS,
    *reached_limits.SCENARIOS,
    *restored_record.SCENARIOS,
    *three_instances.SCENARIOS,
    *two_schedulers.SCENARIOS,
)
SCENARIOS: dict[str, Scenario] = {scenario.code: scenario for scenario in sorted(_ALL, key=lambda each: each.code)}
BOUNDED = tuple(code for code, scenario in SCENARIOS.items() if scenario.bounded)
SAFE = tuple(code for code, scenario in SCENARIOS.items() if scenario.safe)
