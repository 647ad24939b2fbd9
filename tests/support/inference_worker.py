"""The inference worker of a house of its own, as ``up`` starts it, on the database and the Redis of the test."""

import os
import signal
import subprocess
from pathlib import Path

from tests.support.cloned_database import database_url
from tests.support.house_settings import house_settings
from tests.support.leading import HOUSE
from tests.support.running_supervisor import ROOT
from tradinghq.supervision.house_programs import inference_programs


class InferenceWorker:
    """Judges on ``cpu0`` from the start on; ``end`` is SIGTERM and the exit status."""

    def __init__(self, home: Path) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
            "MARKET": "recorded",
            "HQ_HOME": str(home),
            "HQ_HOUSE": HOUSE.key,  # which leads: a house that does not leaves its windows alone
        }
        house = house_settings(home=home, directory=ROOT, devices=("cpu0",), **environment)
        (program,) = inference_programs(house)
        home.mkdir(parents=True)
        self.log = home / "worker.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                program.argv, env=program.environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
