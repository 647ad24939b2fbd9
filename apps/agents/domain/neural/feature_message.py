"""A window of features as an agent writes it: base64 of little-endian 32-bit numbers. Pure."""

import base64

import numpy as np

from apps.agents.domain.neural.features import FEATURES, WINDOW, Rows

SHAPE = (WINDOW, len(FEATURES))
BYTES = WINDOW * len(FEATURES) * 4
LETTERS = BYTES // 3 * 4  # a whole window needs no padding, so that windows behind one another are one text


def packed(rows: Rows) -> str:
    """The text of one window ``[WINDOW, features]``."""
    return base64.b64encode(np.ascontiguousarray(rows, dtype="<f4").tobytes()).decode("ascii")
