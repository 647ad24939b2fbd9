"""Load a model to judge in this process, as backtests do."""

from apps.agents import ports
from apps.agents.domain.neural.model_facts import ModelRefusedError, model_digest
from apps.agents.domain.strategies.contract import ForwardPass
from apps.foundation.errors import Refused

CPU = "cpu0"


def shipped_model() -> ForwardPass:
    """The model that comes with the package, held to the digest on its card. Raises ``NotReady`` without torch."""
    engine = ports.engine()
    content, card = engine.shipped()
    return _loaded(content, digest=str(card["digest"]))


def model_of_file(content: bytes) -> ForwardPass:
    """The model in a file's bytes. Raises ``Refused`` for a file that is none, ``NotReady`` without torch."""
    return _loaded(content, digest=model_digest(content))


def _loaded(content: bytes, *, digest: str) -> ForwardPass:
    engine = ports.engine()
    try:
        return engine.load(engine.read(content, digest=digest), device=CPU)
    except ModelRefusedError as error:
        raise Refused(error.message, code=f"model_{error.code}", field="model") from error
