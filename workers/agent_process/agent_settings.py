"""What the fleet tells an agent's process through its environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Identity, strategy and the one address an agent may know."""

    agent_id: UUID
    strategy: str
    parameters: dict[str, Any]
    redis_url: str
    beat_file: Path | None = None

    @property
    def queue(self) -> str:
        return f"agent.{self.agent_id}"

    @property
    def vote_stream(self) -> str:
        return f"votes.{self.agent_id}"

    @property
    def beat_key(self) -> str:
        return f"agent.{self.agent_id}.beat"


def read_settings(environment: Mapping[str, str] = os.environ) -> AgentSettings:
    """The settings; ends the process with a sentence for what is missing or can't be understood."""
    try:
        agent_id = UUID(_text(environment, "AGENT_ID"))
        parameters = json.loads(_text(environment, "AGENT_PARAMETERS", "{}"))
    except ValueError as error:
        raise SystemExit(f"AGENT_ID must be a UUID and AGENT_PARAMETERS JSON: {error}.") from None
    if not isinstance(parameters, dict):
        raise SystemExit(f"AGENT_PARAMETERS must be a JSON object, was {type(parameters).__name__}.")
    beat_file = environment.get("AGENT_BEAT_FILE")
    return AgentSettings(
        agent_id,
        _text(environment, "AGENT_STRATEGY"),
        parameters,
        _text(environment, "AGENT_REDIS_URL"),
        Path(beat_file) if beat_file else None,
    )


def _text(environment: Mapping[str, str], name: str, default: str | None = None) -> str:
    file_name = environment.get(f"{name}_FILE")
    value = Path(file_name).read_text().strip() if file_name else environment.get(name, default)
    if not value:
        raise SystemExit(f"{name} is missing: the fleet sets it when it starts an agent.")
    return value
