"""Post what a venue itself lists as come in or gone out, where that is what the books lack."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused, RetryableFailure
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState, Choice
from apps.trading.domain.venues.reconciliation import Gap
from apps.trading.domain.venues.venue_transfer import VenueTransfer, explaining
from apps.trading.models import Account, LedgerTransfer, Portfolio, ReconciliationBreak
from apps.trading.operations.books.post_transfer import transfer_id
from apps.trading.operations.execution.note_bad_answer import note_bad_answer
from apps.trading.operations.reconciliation.accept_transfer import CAUSE, Transfer, accept_transfer
from apps.trading.operations.reconciliation.record_break import RECONCILER
from apps.trading.ports import TransferringVenue, Venue

LISTED_LATE = timedelta(days=3)  # a transfer is dated when it was asked for, and arrives later
log = structlog.get_logger(__name__)


def post_transfers_there(
    *, venue: Venue, gaps: Mapping[str, Gap], symbols: Sequence[str], since: datetime, moment: Moment
) -> int:
    """Post the transfers that explain gaps, each once; how many. Where the venue can't tell, the gaps stay."""
    if not isinstance(venue, TransferringVenue):
        return 0
    posted = 0
    for gap in gaps.values():
        try:
            told = venue.transfers_since(asset=gap.asset, since=since - LISTED_LATE)
        except RetryableFailure as failure:
            log.info("transfers_not_listed", account=venue.account, asset=gap.asset, reason=failure.message)
            note_bad_answer(account=venue.account, symbol="", failure=failure, moment=moment)
            continue
        posted += _post(venue.account, gap, told, symbols, moment)
    return posted


def _post(account: str, gap: Gap, told: Sequence[VenueTransfer], symbols: Sequence[str], moment: Moment) -> int:
    portfolio_id = Account.objects.values_list("portfolio_id", flat=True).get(pk=account)
    try:
        with transaction.atomic():
            portfolio = Portfolio.objects.select_for_update().get(pk=portfolio_id)
            fresh = [transfer for transfer in told if not _is_known(account, transfer)]
            taken = explaining(fresh, gap=gap.unexplained)
            for transfer in taken:
                _post_one(account, portfolio, transfer, symbols, moment)
    except (Refused, IntegrityError) as refusal:  # no price, or more than there is: a person decides on the gap
        log.warning("transfer_not_posted", account=account, asset=gap.asset, reason=str(refusal))
        return 0
    return len(taken)


def _is_known(account: str, transfer: VenueTransfer) -> bool:
    """Posted already, by itself or on a person's word that came after it."""
    ours = transfer_id(cause_kind=CAUSE, cause_id=_cause(account, transfer))
    accepted = ReconciliationBreak.objects.filter(
        account_id=account,
        kind__in=(BreakKind.BALANCE_GAP, BreakKind.POSITION_GAP),
        state=BreakState.RESOLVED,
        choice=Choice.ACCEPT_TRANSFER,
        asset=transfer.asset,
        amount=transfer.amount,
        choice_wall__gte=transfer.at,
    )
    return LedgerTransfer.objects.filter(pk=ours).exists() or accepted.exists()


def _post_one(
    account: str, portfolio: Portfolio, transfer: VenueTransfer, symbols: Sequence[str], moment: Moment
) -> None:
    money = transfer.asset == portfolio.base_currency
    symbol = "" if money else next((each for each in symbols if split_symbol(each)[0] == transfer.asset), "")
    done = accept_transfer(
        Transfer(account, transfer.asset, symbol, transfer.amount, _cause(account, transfer)), moment=moment
    )
    audit.append(
        chain=audit.account_chain(portfolio.pk),
        action="transfer.posted",
        actor=RECONCILER,
        subject=f"{account} {transfer.asset}",
        payload={
            "amount": plain(transfer.amount),
            "asset": transfer.asset,
            "venue_transfer_id": transfer.transfer_id,
            "at": utc_text(transfer.at),
            "done": done,
        },
        moment=moment,
    )


def _cause(account: str, transfer: VenueTransfer) -> str:
    way = "in" if transfer.incoming else "out"
    return f"{account}:{transfer.asset}:{way}:{transfer.transfer_id}"
