"""Expected edge, scoring, weighting, the checks of a vote, and the sentences people read."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.agents.domain.agent_resources import ResourcesError, checked_resources
from apps.agents.domain.agent_scoring import PastVote, Scores, score_votes
from apps.agents.domain.agent_weighting import HIGHEST, LOWEST, bench_reason, weight_from
from apps.agents.domain.expected_edge import expected_edge_bps
from apps.agents.domain.explanation import OrderFacts, VoteFacts, headline
from apps.agents.domain.vote_checks import AskedRound, RefusedVoteError, checked_vote

CLOSED = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ASKED = AskedRound("BTC/USDT", "5m", CLOSED)


def test_the_edge_grows_with_the_square_root_of_time():
    assert expected_edge_bps(score=-0.5, bar_volatility=0.001, horizon_bars=16) == pytest.approx(20.0)


@pytest.mark.parametrize("wrong", [{"score": 1.1}, {"bar_volatility": math.nan}, {"horizon_bars": 0}])
def test_an_edge_of_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        expected_edge_bps(**({"score": 0.5, "bar_volatility": 0.001, "horizon_bars": 1} | wrong))


def past(bar, direction, *, next_bar, horizon, confidence=1.0, abstain=False):
    at = CLOSED + bar * timedelta(minutes=5)
    return PastVote("BTC/USDT", at, direction, confidence, abstain, next_bar, horizon)


def test_scores_hit_rate_brier_and_profit_after_fees():
    votes = [
        past(0, 1.0, confidence=0.5, next_bar=20.0, horizon=30.0),
        past(1, 1.0, confidence=0.5, next_bar=-10.0, horizon=-5.0),
        past(2, 0.0, abstain=True, next_bar=50.0, horizon=50.0),
    ]
    scores = score_votes(votes, fee_bps=10.0)
    assert (scores.votes, scores.opinions, scores.hits) == (3, 2, 1)
    assert scores.brier == pytest.approx((0.25**2 * 0.5**0.01 + 0.75**2) / (1 + 0.5**0.01))
    # Half a position: +10 - 5 of fee, then -5, then out of it for another 5 of fee.
    assert scores.pnl_bps == pytest.approx(10.0 - 5.0 - 5.0 - 5.0)
    assert score_votes(reversed(votes), fee_bps=10.0) == scores


def test_no_record_has_no_rates_and_the_neutral_weight():
    scores = score_votes([], fee_bps=10.0)
    assert (scores.hit_rate, scores.brier, scores.pnl_bps) == (None, None, 0.0)
    assert weight_from(scores) == 1.0


def record(brier, opinions=200, pnl_bps=-500.0):
    return Scores(opinions, opinions, opinions // 2, 0.5, brier, pnl_bps)


def test_the_weight_rises_with_skill_within_bounds():
    coin, good, bad = (weight_from(record(brier)) for brier in (0.25, 0.22, 0.28))
    assert coin == 1.0
    assert LOWEST < bad < coin < good < HIGHEST
    assert weight_from(record(0.0)) == HIGHEST
    assert weight_from(record(1.0)) == LOWEST
    assert weight_from(record(0.22, opinions=5)) < good


def test_a_bad_agent_is_benched_and_comes_back_when_it_has_learnt():
    assert bench_reason(record(0.31), benched=False) is not None
    assert bench_reason(record(0.31, opinions=99), benched=False) is None
    assert bench_reason(record(0.31, pnl_bps=10.0), benched=False) is None
    assert bench_reason(record(0.28), benched=False) is None
    assert bench_reason(record(0.28), benched=True) is not None
    assert bench_reason(record(0.26), benched=True) is None


def message(**changes):
    return {
        "round_id": "0190a000-0000-7000-8000-000000000000",
        "symbol": "BTC/USDT",
        "direction": 0.5,
        "confidence": 0.7,
        "abstain": False,
        "horizon_bars": 12,
        "expires_at": "2026-03-02T12:05:00+00:00",
        "data_as_of": "2026-03-02T12:00:00+00:00",
        "reason": "It rises.",
        "digest": "abc",
        "correlation_id": "c1",
    } | changes


def test_a_sound_vote_passes_as_it_is():
    vote = checked_vote(message(), asked=ASKED, now=CLOSED)
    assert (vote.direction, vote.confidence, vote.horizon_bars) == (0.5, 0.7, 12)
    assert vote.expires_at == CLOSED + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "ETH/USDT"}, "wrong_symbol"),
        ({"direction": math.nan}, "not_a_number"),
        ({"direction": math.inf}, "not_a_number"),
        ({"direction": "1"}, "not_a_number"),
        ({"direction": True}, "not_a_number"),
        ({"direction": None}, "not_a_number"),
        ({"direction": 1e308}, "out_of_range"),
        ({"direction": 10**400}, "out_of_range"),
        ({"confidence": -0.01}, "out_of_range"),
        ({"confidence": 1.01}, "out_of_range"),
        ({"horizon_bars": 0}, "out_of_range"),
        ({"horizon_bars": 2.0}, "out_of_range"),
        ({"horizon_bars": 10_000}, "out_of_range"),
        ({"abstain": "no"}, "bad_field"),
        ({"reason": "x" * 501}, "bad_field"),
        ({"reason": "a\x00b"}, "bad_field"),
        ({"digest": 7}, "bad_field"),
        ({"data_as_of": "2026-03-02T12:05:00+00:00"}, "future_data"),
        ({"data_as_of": "2026-03-02T11:55:00+00:00"}, "stale_data"),
        ({"data_as_of": "2026-03-02T12:00:00"}, "bad_time"),
        ({"data_as_of": "yesterday"}, "bad_time"),
        ({"expires_at": 5}, "bad_time"),
        ({"expires_at": "2026-03-02T12:00:00+00:00"}, "expired"),
        ({"expires_at": "2099-01-01T00:00:00+00:00"}, "bad_expiry"),
    ],
)
def test_nonsense_is_refused_with_a_code(changes, code):
    with pytest.raises(RefusedVoteError) as refused:
        checked_vote(message(**changes), asked=ASKED, now=CLOSED)
    assert refused.value.code == code
    assert next(iter(changes)) in refused.value.detail
    assert len(refused.value.detail) < 200


STOOD = VoteFacts(asked=4, in_favour=3, leader="momentum-1", strength=0.71)


def order(**changes):
    facts = {
        "side": "buy",
        "quantity": Decimal("0.0021"),
        "filled": Decimal("0.0021"),
        "price": Decimal("63120.5"),
        "state": "FILLED",
        "rules_passed": 9,
        "rules_judged": 9,
    }
    return OrderFacts(**(facts | changes))


@pytest.mark.parametrize(
    ("outcome", "reason", "votes", "facts", "words"),
    [
        (
            "ORDER",
            "",
            STOOD,
            order(),
            "bought 0.0021 at 63,120.5. 3 of 4 agents, momentum-1 led (0.71). Risk: 9 of 9 passed.",
        ),
        (
            "ORDER",
            "",
            STOOD,
            order(filled=Decimal(0), price=None, state="APPROVED"),
            "buying 0.0021. 3 of 4 agents, momentum-1 led (0.71). Risk: 9 of 9 passed.",
        ),
        (
            "ORDER",
            "",
            STOOD,
            order(side="sell", filled=Decimal("0.001")),
            "sold 0.001 of 0.0021 at 63,120.5. 3 of 4 agents, momentum-1 led (0.71). Risk: 9 of 9 passed.",
        ),
        (
            "ORDER",
            "",
            STOOD,
            order(filled=Decimal(0), price=None, state="CANCELED"),
            "bought nothing: the order was canceled. 3 of 4 agents, momentum-1 led (0.71). Risk: 9 of 9 passed.",
        ),
        (
            "DENIED",
            "Exposure would be 75 %.",
            STOOD,
            order(state="DENIED", filled=Decimal(0), price=None, rules_passed=8),
            "denied buying 0.0021. Exposure would be 75 %. 3 of 4 agents, momentum-1 led (0.71). Risk: 8 of 9 passed.",
        ),
        (
            "NO_TRADE",
            "The edge of 0.08 % does not pay 0.20 % of fees.",
            STOOD,
            None,
            "no trade. The edge of 0.08 % does not pay 0.20 % of fees.",
        ),
        ("SKIPPED", "BTC/USDT is paused: maintenance", None, None, "skipped. BTC/USDT is paused: maintenance."),
    ],
)
def test_headlines_say_what_happened_and_why(outcome, reason, votes, facts, words):
    assert headline(outcome=outcome, reason=reason, votes=votes, order=facts) == words


@pytest.mark.parametrize(
    ("given_value", "field"),
    [
        ({"memory": "1T"}, "memory"),
        ({"memory": 1024}, "memory"),
        ({"memory": "1M"}, "memory"),
        ({"memory": "999999G"}, "memory"),
        ({"cpu": "1"}, "cpu"),
        ({"cpu": 0}, "cpu"),
        ({"cpu": math.nan}, "cpu"),
        ({"gpu": -1}, "gpu"),
        ({"gpu": 1.5}, "gpu"),
        ({"gpu": True}, "gpu"),
        ({"disk": "1G"}, "disk"),
    ],
)
def test_impossible_resources_are_refused_by_name(given_value, field):
    with pytest.raises(ResourcesError) as refused:
        checked_resources(given_value)
    assert refused.value.field == field


def test_resources_have_defaults():
    assert checked_resources({"memory": "1G"}) == {"memory": "1G", "cpu": 0.5}
    assert checked_resources({"gpu": 2}) == {"memory": "256M", "cpu": 0.5, "gpu": 2}
    assert checked_resources({"gpu": 0}) == {"memory": "256M", "cpu": 0.5}
