"""Request weights by address and order counts by account, and the ban for who goes on after being told."""

from collections import deque
from dataclasses import dataclass, field

MINUTE_MS, TEN_SECONDS_MS, DAY_MS = 60_000, 10_000, 86_400_000
_PATIENCE = 50  # refused requests before the address is banned


@dataclass(slots=True)
class Window:
    """What was spent in the current fixed window, as exchanges count it."""

    length_ms: int
    limit: int
    start_ms: int = 0
    used: int = 0

    def spend(self, amount: int, now_ms: int) -> bool:
        """Count it; False when it goes over the limit."""
        if now_ms - self.start_ms >= self.length_ms:
            self.start_ms, self.used = now_ms - now_ms % self.length_ms, 0
        self.used += amount
        return self.used <= self.limit

    def seconds_left(self, now_ms: int) -> int:
        return max(1, (self.start_ms + self.length_ms - now_ms + 999) // 1_000)


@dataclass(slots=True)
class Quotas:
    """Limits as the exchange states them; times on the wall clock."""

    weight_limit: int
    order_limit: int
    daily_orders: int = 200_000
    weights: dict[str, Window] = field(default_factory=dict)
    orders: dict[str, Window] = field(default_factory=dict)
    days: dict[str, Window] = field(default_factory=dict)
    refused: dict[str, deque[int]] = field(default_factory=dict)
    banned_until: dict[str, int] = field(default_factory=dict)

    def spend_weight(self, address: str, weight: int, now_ms: int) -> tuple[int, int, int]:
        """``(status, used, seconds to wait)``: status 200, 429, or 418 for an address that did not listen."""
        ban = self.banned_until.get(address, 0)
        if now_ms < ban:
            return 418, self.weights[address].used if address in self.weights else 0, max(1, (ban - now_ms) // 1_000)
        window = self.weights.setdefault(address, Window(MINUTE_MS, self.weight_limit))
        if window.spend(weight, now_ms):
            return 200, window.used, 0
        told = self.refused.setdefault(address, deque(maxlen=_PATIENCE))
        told.append(now_ms)
        if len(told) == _PATIENCE and now_ms - told[0] < MINUTE_MS:
            self.banned_until[address] = now_ms + 2 * MINUTE_MS
            told.clear()
        return 429, window.used, window.seconds_left(now_ms)

    def spend_orders(self, account: str, count: int, now_ms: int) -> tuple[bool, int, int]:
        """``(allowed, used in ten seconds, seconds to wait)``."""
        window = self.orders.setdefault(account, Window(TEN_SECONDS_MS, self.order_limit))
        day = self.days.setdefault(account, Window(DAY_MS, self.daily_orders))
        allowed = window.spend(count, now_ms) and day.spend(count, now_ms)
        return allowed, window.used, window.seconds_left(now_ms)
