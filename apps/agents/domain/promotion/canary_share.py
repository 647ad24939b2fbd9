"""How much all canaries together may say in one round. Pure and independent of the order."""

import math
from collections.abc import Collection, Mapping
from typing import Final

# Of the weights of all opinions in a round; chosen, not measured. A tenth of the weights moves a weighted score by at
# most a tenth of its range, so that a canary tips only rounds that were close, and is heard often enough to be
# judged. For the balance see "Canarying Releases" in Google's "The Site Reliability Workbook" (2018): a population
# small enough to limit the harm, large enough to be representative.
CANARY_SHARE: Final = 0.1


def limited_weights(weights: Mapping[str, float], canaries: Collection[str]) -> dict[str, float]:
    """The weights by agent, those of ``canaries`` scaled down together so that they are at most ``CANARY_SHARE`` of the
    sum. Where nobody else has a weight, a canary has none: it never decides alone.
    """
    others = math.fsum(weight for agent, weight in sorted(weights.items()) if agent not in canaries)
    theirs = math.fsum(weight for agent, weight in sorted(weights.items()) if agent in canaries)
    most = others * CANARY_SHARE / (1.0 - CANARY_SHARE)
    scale = 1.0 if theirs <= most else most / theirs
    return {agent: weight * scale if agent in canaries else weight for agent, weight in weights.items()}
