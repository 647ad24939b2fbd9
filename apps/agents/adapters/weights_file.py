"""Weights as a safetensors file: numbers and a header, nothing that could run. Read and written without torch.

The header carries the model's facts, so that the digest of the file covers them too.
"""

import json
import struct

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from apps.agents.domain.neural.model_facts import (
    ModelFacts,
    ModelRefusedError,
    check_tensors,
    model_digest,
    model_facts,
)
from apps.agents.ports import StoredModel, Tensors

FACTS = "tradinghq.model"
LARGEST_FILE = 8 * 2**20
PICKLES = (b"PK\x03\x04", b"\x80")  # archives, as torch.save makes; a bare pickle, or a length
HEADER_LENGTH = struct.Struct("<Q")


def write_weights(tensors: Tensors, facts: ModelFacts) -> bytes:
    """The file. Raises ``ModelRefusedError`` for tensors that are not the model's."""
    check_tensors(facts, {name: tensor.shape for name, tensor in tensors.items()})
    ready = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in sorted(tensors.items())}
    return save(ready, metadata={FACTS: json.dumps(facts.plain(), sort_keys=True)})


def read_weights(content: bytes, *, digest: str) -> StoredModel:
    """The model. Raises ``ModelRefusedError``: too large, another digest, a pickle, no safetensors, other features,
    wrong shapes, numbers that are none.
    """
    if len(content) > LARGEST_FILE:
        raise ModelRefusedError("too_large", f"The model's file has {len(content):,} bytes; at most {LARGEST_FILE:,}.")
    if content.startswith(PICKLES) and content[HEADER_LENGTH.size : HEADER_LENGTH.size + 1] != b"{":
        raise ModelRefusedError(
            "pickle",
            "The model's file is a pickle or an archive of them (torch.save). Such a file can run code when it is "
            "opened, so it is refused. Save the weights as safetensors.",
        )
    found = model_digest(content)
    if found != digest:
        raise ModelRefusedError(
            "wrong_digest", f"The model's file has the digest {found[:16]}..., {digest[:16]}... was expected."
        )
    facts = model_facts(_facts(content))
    try:
        tensors = load(content)
    except (SafetensorError, ValueError) as error:
        raise ModelRefusedError("not_safetensors", f"The model's file can't be read: {error}.") from error
    check_tensors(facts, {name: tensor.shape for name, tensor in tensors.items()})
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32 or not np.isfinite(tensor).all():
            raise ModelRefusedError("not_finite", f"The tensor {name} holds what are no finite 32-bit numbers.")
    if not (tensors["scale"] > 0.0).all() or not (tensors["temperature"] > 0.0).all():
        raise ModelRefusedError("not_finite", "The tensors scale and temperature must be above zero.")
    return StoredModel(found, facts, tensors)


def _facts(content: bytes) -> dict[str, object]:
    """What the header says of the model; the library reads tensors from bytes, but not the rest of the header."""
    try:
        (length,) = HEADER_LENGTH.unpack_from(content)
        header = json.loads(content[HEADER_LENGTH.size : HEADER_LENGTH.size + length])
        facts = json.loads(header["__metadata__"][FACTS])
    except (struct.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelRefusedError(
            "not_safetensors", "The file is no safetensors file with a model's facts in its header."
        ) from error
    if not isinstance(facts, dict):
        raise ModelRefusedError("not_safetensors", "The model's facts in the file's header are no object.")
    return facts
