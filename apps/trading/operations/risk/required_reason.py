"""Steps that people answer for need a reason in words."""

from apps.foundation.errors import Refused

LONGEST = 500


def required_reason(reason: str) -> str:
    """The reason without surrounding blanks. Raises ``Refused`` when there is none or it is too long."""
    text = reason.strip()
    if not text:
        raise Refused("Say why: the reason is kept with the change.", code="required", field="reason")
    if len(text) > LONGEST:
        sentence = f"The reason must have at most {LONGEST} characters, had {len(text)}."
        raise Refused(sentence, code="too_long", field="reason")
    return text
