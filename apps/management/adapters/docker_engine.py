"""The Docker engine: one client a thread of work, its failures as ours, and the private network of this house."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from apps.foundation.errors import NotReady, Refused

HOUSE_LABEL = "org.tradinghq.house"
NAME_LABEL = "org.tradinghq.name"
DIGEST_LABEL = "org.tradinghq.digest"
ANSWER_SECONDS = 20
CONNECTIONS = 16
NO_CONTACT_BETWEEN_CONTAINERS = {"com.docker.network.bridge.enable_icc": "false"}


class DockerEngine:
    """The engine that ``DOCKER_HOST`` names, by default the one of this machine, as one house sees it.

    ``house`` marks what is ours: another house on the same engine has another one.
    """

    def __init__(self, house: str) -> None:
        self.house = house

    @cached_property
    def api(self) -> Any:
        """The engine's API, a ``docker.APIClient``. Raises ``NotReady`` when it does not answer."""
        with engine_errors():
            return docker.from_env(timeout=ANSWER_SECONDS, max_pool_size=CONNECTIONS).api

    @property
    def mine(self) -> str:
        """The label that all that is ours has."""
        return f"{HOUSE_LABEL}={self.house}"

    @property
    def network(self) -> str:
        """The name of the private network."""
        return f"tradinghq-{self.house}"

    def open_network(self) -> str:
        """Make the private network unless it is there; the address of this machine in it.

        It leads nowhere else, and its containers can't reach each other.
        """
        with engine_errors():
            try:
                found = self.api.inspect_network(self.network)
            except NotFound:
                self.api.create_network(
                    self.network,
                    driver="bridge",
                    internal=True,
                    check_duplicate=True,
                    options=NO_CONTACT_BETWEEN_CONTAINERS,
                    labels={HOUSE_LABEL: self.house},
                )
                found = self.api.inspect_network(self.network)
        if (found.get("Labels") or {}).get(HOUSE_LABEL) != self.house:
            raise Refused(f"The engine has a network {self.network} that is not ours.", code="network_taken")
        gateway = next((part.get("Gateway") for part in found["IPAM"]["Config"] if part.get("Gateway")), None)
        if not gateway:
            raise NotReady(f"The network {self.network} has no gateway to reach Redis by.", code="network_unusable")
        return str(gateway)

    def close_network(self) -> None:
        """Remove the private network; nothing happens when there is none or a container is left in it."""
        with engine_errors():
            try:
                self.api.remove_network(self.network)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != 403:  # noqa: PLR2004 - in use
                    raise

    def containers(self, name_label: str | None = None) -> list[dict[str, Any]]:
        """All containers of ours, also ended ones; with ``name_label`` those that have that label as well."""
        labels = [self.mine, *([name_label] if name_label else [])]
        with engine_errors():
            return list(self.api.containers(all=True, filters={"label": labels}))


@contextmanager
def engine_errors() -> Iterator[None]:
    """What the engine says or doesn't say, as ``Refused`` or ``NotReady``."""
    try:
        yield
    except APIError as error:
        words = str(error.explanation or error)
        if error.is_client_error():
            raise Refused(f"The Docker engine refused: {words}.", code="engine_refused") from error
        raise NotReady(f"The Docker engine failed: {words}.", code="engine_failed") from error
    except (DockerException, RequestException, OSError) as error:
        raise NotReady(f"The Docker engine does not answer: {error}.", code="engine_away") from error
