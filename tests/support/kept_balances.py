"""The paper exchange with balances: what its own tables say was traded, on top of what was moved in and out."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from apps.trading.models import PaperFill
from apps.trading.ports import VenueBalance
from tests.support.trading_desk import WatchedVenue


class BalancedVenue(WatchedVenue):
    """``moved``: units and money that came in from outside, by asset."""

    capabilities = replace(WatchedVenue.capabilities, balances=True)

    def __init__(self, **moved):
        super().__init__()
        self.moved = {asset: Decimal(amount) for asset, amount in moved.items()}

    def balances(self):
        totals = defaultdict(Decimal, self.moved)
        for fill in PaperFill.objects.filter(order__exchange=self.account):
            base, quote = fill.symbol.split("/")
            sign = 1 if fill.side == "buy" else -1
            totals[base] += sign * fill.quantity
            totals[quote] -= sign * fill.quantity * fill.price
            totals[fill.fee_asset] -= fill.fee
        return {asset: VenueBalance(total, Decimal(0)) for asset, total in totals.items()}
