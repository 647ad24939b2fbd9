"""A staged market with a desk and agents that a test votes for."""

from datetime import timedelta
from uuid import UUID

from apps.agents import operations
from apps.agents.models import Agent, Decision, DecisionRound, Vote
from tests.support.staged_market import StagedMarket
from tests.support.trading_desk import Desk, open_desk


class AgentsRoom:
    """Agents on one-minute bars. ``ask`` opens the rounds of a new bar, ``answer`` votes, ``close`` decides."""

    def __init__(self, desk: Desk):
        self.desk = desk
        operations.seed_agents(moment=self.moment())
        Agent.objects.update(timeframe="1m")

    @property
    def market(self) -> StagedMarket:
        return self.desk.market

    def moment(self, *, later: float = 0):
        return self.desk.moment(later=later)

    def agent(self, strategy: str) -> Agent:
        return Agent.objects.get(strategy=strategy)

    def ask(self, **bars) -> list[UUID]:
        """The next bar, matched and guarded, and its rounds."""
        self.desk.bar(**bars)
        return operations.open_rounds(bar_at=self.market.bar_at, moment=self.moment())

    def round(self, symbol="BTC/USDT") -> DecisionRound:
        """The newest round of this instrument."""
        return DecisionRound.objects.filter(symbol=symbol).latest("closed_at")

    def message(self, row: DecisionRound, direction=1.0, confidence=0.8, **changes) -> dict:
        return {
            "round_id": str(row.pk),
            "symbol": row.symbol,
            "direction": direction,
            "confidence": confidence,
            "abstain": False,
            "horizon_bars": 24,
            "expires_at": (row.closed_at + timedelta(minutes=1)).isoformat(),
            "data_as_of": row.closed_at.isoformat(),
            "reason": "A test says so.",
            "digest": "test",
            "correlation_id": row.correlation_id,
        } | changes

    def answer(self, symbol="BTC/USDT", direction=1.0, confidence=0.8, *, silent=(), **changes) -> DecisionRound:
        """All asked agents but ``silent`` ones vote the same."""
        row = self.round(symbol)
        for entry in row.asked:
            if entry["name"].rsplit("-", 1)[0] not in silent:
                message = self.message(row, direction, confidence, **changes)
                assert operations.record_vote(
                    agent_id=UUID(entry["agent_id"]), message=message, moment=self.moment()
                ), f"{entry['name']} was refused"
        return row

    def close(self, *, later: float = 0) -> int:
        return operations.close_ready_rounds(moment=self.moment(later=later))

    def decide(self, direction=1.0, confidence=0.8, **bars) -> dict[str, Decision]:
        """One bar from question to decision, the same votes on every instrument."""
        self.ask(**bars)
        for symbol in self.market.last:
            self.answer(symbol, direction, confidence)
        self.close()
        return {d.symbol: d for d in Decision.objects.filter(closed_at=self.market.bar_at)}

    def votes(self, row: DecisionRound) -> list[Vote]:
        return list(Vote.objects.filter(round=row).order_by("agent__name"))


def open_agents_room() -> AgentsRoom:
    """Forty-one quiet bars, then a hundred that swing by half a percent, so that there is an edge to expect."""
    room = AgentsRoom(open_desk())
    for number in range(100):
        factor = 1.005 if number % 2 else 1.0
        room.market.bar(BTC=_flat(50_000 * factor), ETH=_flat(2_500 * factor), SOL=_flat(100 * factor))
    room.desk.guard()
    return room


def _flat(price: float) -> tuple:
    return price, price, price, price
