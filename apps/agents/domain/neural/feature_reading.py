"""Windows of features as the house reads them: one that an agent wrote, and many on their way to a device. Pure.

Apart from the writing, since an agent's process has no use for the decoder.
"""

import numpy as np
import pybase64

from apps.agents.domain.neural.feature_message import BYTES, LETTERS, SHAPE
from apps.agents.domain.neural.features import Rows
from apps.agents.domain.vote_checks import RefusedVoteError


def checked_window(text: object) -> bytes:
    """The content of one window that can be judged, as ``read_windows`` takes it. Raises ``RefusedVoteError`` (code
    ``bad_features``): an agent is foreign code.
    """
    if not isinstance(text, str) or len(text) > 2 * BYTES:
        raise RefusedVoteError("bad_features", f"features must be a text of at most {2 * BYTES} characters.")
    try:
        content = pybase64.b64decode(text, validate=True)
    except ValueError:
        raise RefusedVoteError("bad_features", "features were no base64.") from None
    if len(content) != BYTES or len(text) != LETTERS:
        raise RefusedVoteError("bad_features", f"features held {len(content)} bytes; a window has {BYTES}.")
    if not np.isfinite(np.frombuffer(content, dtype="<f4")).all():
        raise RefusedVoteError("bad_features", "features held numbers that are not finite.")
    return content


def read_windows(content: bytes) -> Rows:
    """The windows ``[windows, WINDOW, features]`` whose checked numbers stand behind one another, to be written to, as
    torch asks. Raises ``ValueError`` where they are none.
    """
    return np.frombuffer(content, dtype="<f4").reshape(-1, *SHAPE).astype(np.float32)
