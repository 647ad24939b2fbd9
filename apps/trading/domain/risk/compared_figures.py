"""Numbers in sentences: two that are compared get as many digits as it takes for the sentence to be true.

"25.0 % of equity; at most 25 % is allowed" would refuse an order for no visible reason where the share is 25.003 %.
"""

from decimal import Decimal

from apps.foundation.money import plain

Number = Decimal | float


def beside(found: Decimal, limit: Decimal, *, places: int) -> str:
    """``found`` rounded to ``places`` decimals, to more where rounding would hide how it compares with ``limit``."""
    while True:
        text = f"{found:.{places}f}"
        shown = Decimal(text)
        if (shown > limit) == (found > limit) and (shown < limit) == (found < limit):
            return text
        places += 1


def apart(one: Number, other: Number, *, places: int, sign: str = "-") -> tuple[str, str]:
    """Both rounded to ``places`` decimals, to more where different numbers would read the same.

    ``sign``: "+" shows the sign of positive numbers too.
    """
    while True:
        texts = (f"{one:{sign}.{places}f}", f"{other:{sign}.{places}f}")
        if texts[0] != texts[1] or not (one < other or one > other):  # the latter also where one is no number
            return texts
        places += 1


def percent_beside(found: Decimal, limit: Decimal, *, places: int) -> str:
    """The share ``found`` in percent, told beside the share ``limit``."""
    return f"{beside(found * 100, limit * 100, places=places)} %"


def percent(share: Decimal) -> str:
    """A limit in percent, whole: 0.25 is 25 %."""
    return f"{plain(share * 100)} %"


def counted(count: int, one: str, many: str) -> str:
    """The count with the word that fits it: 1 order, 2 orders."""
    return f"{count} {one if count == 1 else many}"
