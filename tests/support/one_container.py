"""One container of a test on a real engine: how it is asked for, seen and started."""

from apps.management.ports import ContainerSpec, ObservedContainer, Runtime
from tests.support.running_supervisor import until

NAME = "agent-00000000-0000-4000-8000-00000000000d"
SLEEP = "import time; print('up', flush=True); time.sleep(600)"


def spec(code: str = SLEEP, **changes) -> ContainerSpec:
    given = {"limits": {"memory": "64M", "cpu": 0.5}, "environment": {"AGENT_ID": "7"}, "secrets": {}, "digest": "d1"}
    return ContainerSpec(name=NAME, subject_id="7", arguments=("-c", code), **(given | changes))


def seen(runtime: Runtime) -> ObservedContainer | None:
    return next((one for one in runtime.observe() if one.name == NAME), None)


def started(runtime: Runtime, wish: ContainerSpec) -> ObservedContainer:
    runtime.start(wish)
    return until(lambda: (one := seen(runtime)) and one.running and one, "the container to run", seconds=120)
