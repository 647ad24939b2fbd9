"""The postings of each kind of transfer. Every list balances to zero per asset; a zero amount is left out.

``position`` holds the free units of a base asset and, in the quote asset, what all positions cost before fees.
``realised`` is an income account: a profit is a negative amount. ``external`` is the outside world.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

AVAILABLE, RESERVED, POSITION, FEES, REALISED, EXTERNAL = (
    "available",
    "reserved",
    "position",
    "fees",
    "realised",
    "external",
)

FIRM = "firm"  # the budget that everything belongs to that no agent has been given


def budget_of(agent_id: UUID) -> str:
    """The name of an agent's sub-account."""
    return f"agent:{agent_id.hex}"


@dataclass(frozen=True, slots=True)
class Posting:
    asset: str
    kind: str
    amount: Decimal
    budget: str = FIRM


def deposit(*, asset: str, amount: Decimal) -> list[Posting]:
    """Money that comes in from outside."""
    return _moved(asset, EXTERNAL, AVAILABLE, amount)


def reservation(*, side: str, asset: str, amount: Decimal, budget: str = FIRM) -> list[Posting]:
    """Funds an approved order may need: quote currency of its budget for a buy, the firm's base units for a sell."""
    if side == "buy":
        return _moved(asset, AVAILABLE, RESERVED, amount, budget)
    return _moved(asset, POSITION, RESERVED, amount)


def release(*, side: str, asset: str, amount: Decimal, budget: str = FIRM) -> list[Posting]:
    """What is left of a reservation once the order is proven dead."""
    return reservation(side=side, asset=asset, amount=-amount, budget=budget)


def funding(*, asset: str, amount: Decimal, budget: str) -> list[Posting]:
    """The firm's free money into a budget; a negative amount takes it back."""
    return _clean([Posting(asset, AVAILABLE, -amount), Posting(asset, AVAILABLE, amount, budget)])


def bought(
    *, base: str, quote: str, quantity: Decimal, cost: Decimal, fee: Decimal, from_reserved: Decimal
) -> list[Posting]:
    """A buy fill: the reservation pays ``from_reserved`` of cost and fee, free cash pays the rest."""
    return _clean(
        [
            Posting(quote, RESERVED, -from_reserved),
            Posting(quote, AVAILABLE, from_reserved - cost - fee),
            Posting(quote, POSITION, cost),
            Posting(quote, FEES, fee),
            Posting(base, EXTERNAL, -quantity),
            Posting(base, POSITION, quantity),
        ]
    )


def sold(
    *,
    base: str,
    quote: str,
    quantity: Decimal,
    proceeds: Decimal,
    cost_removed: Decimal,
    fee: Decimal,
    from_reserved: Decimal,
) -> list[Posting]:
    """A sell fill: units leave, first the reserved ones; proceeds less fee come in, the result is booked."""
    return _clean(
        [
            Posting(base, RESERVED, -from_reserved),
            Posting(base, POSITION, from_reserved - quantity),
            Posting(base, EXTERNAL, quantity),
            Posting(quote, POSITION, -cost_removed),
            Posting(quote, AVAILABLE, proceeds - fee),
            Posting(quote, FEES, fee),
            Posting(quote, REALISED, cost_removed - proceeds),
        ]
    )


def fee_in_units(*, base: str, amount: Decimal) -> list[Posting]:
    """Units of the base that a fee took: they came from outside as a fee, not as a position."""
    return _clean([Posting(base, EXTERNAL, -amount), Posting(base, FEES, amount)])


def fee_in_other_asset(*, asset: str, amount: Decimal) -> list[Posting]:
    """A fee in an asset that is neither bought nor sold, such as the exchange's own."""
    return _moved(asset, AVAILABLE, FEES, amount)


def fee_in_held_units(*, asset: str, quote: str, units: Decimal, cost: Decimal) -> list[Posting]:
    """Units of a position that pay a fee of another instrument's trade; what they cost is what the fee cost."""
    return _clean(
        [*_moved(asset, POSITION, AVAILABLE, units), Posting(quote, POSITION, -cost), Posting(quote, FEES, cost)]
    )


def fee_was_in_held_units(*, asset: str, quote: str, units: Decimal, cost: Decimal) -> list[Posting]:
    """The same, found out later: what was taken for units from outside goes back there."""
    return _clean(
        [*_moved(asset, POSITION, EXTERNAL, units), Posting(quote, POSITION, -cost), Posting(quote, FEES, cost)]
    )


def within_budget(postings: Iterable[Posting], *, asset: str, budget: str) -> list[Posting]:
    """The postings of a fill with what was reserved, and what comes back, in the order's budget.

    What a fill costs beyond its reservation is the firm's to pay: a budget must never keep a trade out of the books.
    """
    theirs = {AVAILABLE, RESERVED}
    return [
        replace(leg, budget=budget)
        if leg.asset == asset and leg.kind in theirs and (leg.kind == RESERVED or leg.amount > 0)
        else leg
        for leg in postings
    ]


def imbalances(postings: Iterable[Posting]) -> dict[str, Decimal]:
    """Assets whose postings don't sum to zero, with what is left over."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for posting in postings:
        sums[posting.asset] += posting.amount
    return {asset: left for asset, left in sums.items() if left}


def _moved(asset: str, source: str, target: str, amount: Decimal, budget: str = FIRM) -> list[Posting]:
    return _clean([Posting(asset, source, -amount, budget), Posting(asset, target, amount, budget)])


def _clean(postings: list[Posting]) -> list[Posting]:
    return [posting for posting in postings if posting.amount]
