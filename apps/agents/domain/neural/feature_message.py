"""A window of features on its way from an agent to the network: base64 of little-endian 32-bit numbers. Pure."""

import base64
import binascii
from collections.abc import Sequence

import numpy as np

from apps.agents.domain.neural.features import FEATURES, WINDOW, Rows
from apps.agents.domain.vote_checks import RefusedVoteError

SHAPE = (WINDOW, len(FEATURES))
BYTES = WINDOW * len(FEATURES) * 4
LETTERS = BYTES // 3 * 4


def packed(rows: Rows) -> str:
    """The text of one window ``[WINDOW, features]``."""
    return base64.b64encode(np.ascontiguousarray(rows, dtype="<f4").tobytes()).decode("ascii")


def unpacked_together(texts: Sequence[object]) -> Rows:
    """The windows ``[texts, WINDOW, features]``, decoded in one go. Raises as ``unpacked`` does for the first bad one.

    A whole window fills its text without padding, so texts behind one another are one text.
    """
    whole = [text for text in texts if isinstance(text, str) and len(text) == LETTERS]
    if len(whole) == len(texts):
        try:
            content = binascii.a2b_base64("".join(whole), strict_mode=True)
        except (binascii.Error, ValueError):
            content = b""
        if len(content) == BYTES * len(texts):
            rows = np.frombuffer(content, dtype="<f4").reshape(len(texts), *SHAPE)
            if np.isfinite(rows).all():
                return rows.astype(np.float32)
    return np.stack([unpacked(text) for text in texts])  # one is bad: it says which way


def unpacked(text: object) -> Rows:
    """The window in ``text``. Raises ``RefusedVoteError`` (code ``bad_features``): an agent is foreign code."""
    if not isinstance(text, str) or len(text) > 2 * BYTES:
        raise RefusedVoteError("bad_features", f"features must be a text of at most {2 * BYTES} characters.")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedVoteError("bad_features", "features were no base64.") from None
    if len(content) != BYTES:
        raise RefusedVoteError("bad_features", f"features held {len(content)} bytes; a window has {BYTES}.")
    rows = np.frombuffer(content, dtype="<f4").reshape(SHAPE)
    if not np.isfinite(rows).all():
        raise RefusedVoteError("bad_features", "features held numbers that are not finite.")
    return rows.astype(np.float32)
