"""Compare what an account holds with what the books say, only while nothing moves on either side."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, plain
from apps.market import queries as market
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.ledger_postings import AVAILABLE, EXTERNAL, Posting
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState, Choice
from apps.trading.domain.venues.reconciliation import Gap, HeldBackTrade, compare_balances, effect_of
from apps.trading.models import Account, LedgerAccount, Portfolio, ReconciliationBreak
from apps.trading.operations.books.collect_fills import collect_fills
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.reconciliation.reconcile_trades import HELD_BACK
from apps.trading.operations.reconciliation.record_break import Finding, keep_break
from apps.trading.operations.reconciliation.settle_funded_fees import funded_fees, settle_funded_fees
from apps.trading.ports import ChargingVenue, Venue

LOOKS = 3
CENT = Decimal("0.01")
CHARGES_OVERLAP = timedelta(days=3)
_GAPS = (BreakKind.BALANCE_GAP, BreakKind.POSITION_GAP)


@dataclass(slots=True)
class BalancesCompared:
    """``stable``: both sides stood still while they were read. ``gaps`` by asset."""

    kept_there: bool = True
    stable: bool = False
    assets: int = 0
    gaps: dict[str, Gap] = field(default_factory=dict)


def reconcile_balances(*, venue: Venue, symbols: Sequence[str], moment: Moment) -> BalancesCompared:
    """The gaps between two snapshots of our books that are equal, with the venue's answer and its trades in between.

    Raises ``RetryableFailure``. Keeps nothing: a gap counts once a later look sees it too (``keep_gap``).
    """
    if not venue.capabilities.balances:
        return BalancesCompared(kept_there=False, stable=True)
    account = Account.objects.select_related("portfolio").get(pk=venue.account)
    for _ in range(LOOKS):
        before = book_totals(account)
        there = venue.balances()
        collect_fills(venue=venue, moment=moment)
        if book_totals(account) == before:
            theirs = {asset: balance.free + balance.used for asset, balance in there.items()}
            explained = _explained(account.pk)
            dust = _dust(account.portfolio, symbols)
            gaps = compare_balances(ours=before, theirs=theirs, dust=dust, explained=explained)
            fees = _fees_to_settle(account.portfolio, before, theirs, explained)
            return BalancesCompared(stable=True, assets=len(theirs), gaps={gap.asset: gap for gap in [*fees, *gaps]})
    return BalancesCompared()


def book_totals(account: Account) -> dict[str, Decimal]:
    """What our books say the account holds, by asset, over all budgets; the cost of positions is no holding."""
    currency = account.portfolio.base_currency
    rows = LedgerAccount.objects.filter(portfolio=account.portfolio, kind__in=("available", "reserved", "position"))
    held = rows.exclude(asset=currency, kind="position").values("asset").annotate(total=Sum("balance"))
    return {row["asset"]: row["total"] for row in held if row["total"]}


def keep_gap(gap: Gap, *, account: str, symbols: Sequence[str], moment: Moment) -> None:
    """Keep a gap that stands, unless fees account for it. Missing money holds up the whole account, missing or surplus
    units their instrument.
    """
    if settle_funded_fees(gap=gap, account=account, moment=moment):
        return
    currency = Portfolio.objects.values_list("base_currency", flat=True).get(account__name=account)
    money = gap.asset == currency
    symbol = "" if money else next((s for s in symbols if split_symbol(s)[0] == gap.asset), "")
    more = "more" if gap.unexplained > 0 else "less"
    keep_break(
        Finding(
            account=account,
            kind=BreakKind.BALANCE_GAP if money else BreakKind.POSITION_GAP,
            cause=f"gap:{gap.asset}",
            detail=f"The venue has {plain(abs(gap.unexplained))} {gap.asset} {more} than our books: "
            f"{plain(gap.theirs)} there, {plain(gap.ours)} here.",
            symbol=symbol,
            asset=gap.asset,
            amount=gap.unexplained,
            facts={"ours": plain(gap.ours), "theirs": plain(gap.theirs), "explained": plain(_known_part(gap))},
            quarantines=not money or gap.unexplained < 0,
            healing="Nothing was posted: no trade, fee or transfer that the venue tells of explains it.",
        ),
        moment=moment,
    )


def post_charges(*, venue: Venue, since: datetime, moment: Moment) -> int:
    """Post what the venue took apart from trades, where it lists that; how many. Raises ``RetryableFailure``."""
    if not isinstance(venue, ChargingVenue):
        return 0
    account = Account.objects.select_related("portfolio").get(pk=venue.account)
    posted = 0
    for charge in venue.charges_since(since=since - CHARGES_OVERLAP):
        if charge.asset != account.portfolio.base_currency or not charge.amount:
            continue
        with transaction.atomic():
            Portfolio.objects.select_for_update().get(pk=account.portfolio_id)
            posted += post_transfer(
                portfolio_id=account.portfolio_id,
                cause_kind="charge",
                cause_id=f"{account.pk}:{charge.charge_id}",
                postings=[
                    Posting(charge.asset, AVAILABLE, -charge.amount),
                    Posting(charge.asset, EXTERNAL, charge.amount),
                ],
                moment=moment,
            )
    return posted


def _fees_to_settle(
    portfolio: Portfolio, ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal], explained: Mapping[str, Decimal]
) -> list[Gap]:
    """What the venue has less of what is held, however little, where fees that were paid from outside are as much."""
    found = []
    for asset, fees in funded_fees(portfolio).items():
        mine, their = ours.get(asset, ZERO), theirs.get(asset, ZERO)
        gap = Gap(asset, mine, their, their - mine - explained.get(asset, ZERO))
        if mine and 0 < -gap.unexplained <= fees:
            found.append(gap)
    return found


def _known_part(gap: Gap) -> Decimal:
    return gap.amount - gap.unexplained


def _dust(portfolio: Portfolio, symbols: Sequence[str]) -> Mapping[str, Decimal]:
    """A cent of money, a lot of units: below that two roundings differ, not two histories."""
    dust = {portfolio.base_currency: CENT}
    for symbol in symbols:
        dust[split_symbol(symbol)[0]] = market.instrument_rules(symbol).step_size
    return dust


def _explained(account: str) -> dict[str, Decimal]:
    """What trades that wait as breaks would move, and what a person said to ignore."""
    waiting = Q(kind__in=HELD_BACK) & (Q(state=BreakState.OPEN) | Q(choice=Choice.IGNORE, state=BreakState.RESOLVED))
    trades = [
        row.facts["trade"]
        for row in ReconciliationBreak.objects.filter(waiting, account_id=account, facts__has_key="trade")
    ]
    explained: dict[str, Decimal] = defaultdict(Decimal)
    explained |= effect_of([_held_back(trade) for trade in trades])
    ignored = ReconciliationBreak.objects.filter(
        account_id=account, kind__in=_GAPS, state=BreakState.RESOLVED, choice=Choice.IGNORE
    )
    for asset, amount in ignored.values_list("asset", "amount"):
        explained[asset] += amount or ZERO
    return explained


def _held_back(trade: dict[str, str]) -> HeldBackTrade:
    quantity = Decimal(trade["quantity"])
    return HeldBackTrade(
        symbol=trade["symbol"],
        side=trade["side"],
        quantity=quantity,
        cost=times(quantity, Decimal(trade["price"])),
        fee=Decimal(trade["fee"]),
        fee_asset=trade["fee_asset"],
    )
