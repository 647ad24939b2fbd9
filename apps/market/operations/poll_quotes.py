"""Live markets: ask every provider for its quotes, show them to all, and learn the instruments' rules."""

import structlog
from django.db import transaction

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.market import ports
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.quotes import Quote
from apps.market.models import Instrument, MarketClock
from apps.market.operations.ask_providers import ask_all, note_answers
from apps.market.operations.keep_sessions import keep_sessions
from apps.market.operations.publish_prices import notify, show_quotes
from apps.market.operations.record_notices import record_notices
from apps.market.queries.instruments import watched_symbols

log = structlog.get_logger(__name__)


def poll_quotes(*, moment: Moment) -> int:
    """Put every provider's quotes on the board; how many there were. Does nothing on a lock-step market.

    A provider that fails costs only itself. ``NotReady`` when the board is away: then nobody sees a price, and all are
    stale.
    """
    clock = MarketClock.objects.first()
    if clock is None or clock.lock_step:
        return 0
    symbols = watched_symbols()
    answers = ask_all(ports.adapters().live(), lambda provider: provider.quotes(symbols, received_at=moment.wall))
    note_answers(answers, moment.wall)
    record_notices(wall=moment.wall)
    quotes: list[Quote] = [quote for answer in answers for quote in answer.found or ()]
    if not quotes:
        return 0
    ports.adapters().board.put(quotes)
    notify("hq_quotes")
    if not Instrument.objects.filter(watched=True).exclude(sources=[]).exists():
        learn_rules(moment=moment)
    show_quotes(sorted({quote.symbol for quote in quotes}), moment)
    return len(quotes)


def learn_rules(*, moment: Moment) -> None:
    """Take each watched instrument's rules from the first provider that states them, and note who trades it."""
    symbols = watched_symbols()
    answers = ask_all(ports.adapters().live(), lambda provider: provider.instruments(symbols))
    rules: dict[str, InstrumentRules] = {}
    sources: dict[str, list[str]] = {}
    for answer in answers:
        for rule in answer.found or ():
            sources.setdefault(rule.symbol, []).append(answer.name)
            if rule.symbol not in rules or len(rule.assumed) < len(rules[rule.symbol].assumed):
                rules[rule.symbol] = rule
    with transaction.atomic():
        for symbol in sorted(rules):
            rule = rules[symbol]
            Instrument.objects.filter(symbol=symbol).update(
                tick_size=rule.tick_size,
                step_size=rule.step_size,
                min_quantity=rule.min_quantity,
                min_notional=rule.min_notional,
                assumed=list(rule.assumed),
                calendar=rule.calendar,
                sources=sources[symbol],
            )
    keep_sessions(first=moment.wall, last=moment.wall)
    if rules:
        after_commit.enqueue("workers.market.plan_backfills", queue="market", expires=60)
    unlisted = [symbol for symbol in symbols if symbol not in rules]
    if unlisted:
        log.warning("instruments_not_listed", instruments=unlisted, asked=[answer.name for answer in answers])
