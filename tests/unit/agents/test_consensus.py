"""The consensus: same votes, same answer, whatever their order; bounds; quorum; veto; expiry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.domain.consensus import METHODS, ConsensusRules, Opinion, pool_votes
from apps.agents.domain.target_stance import StanceRules, wanted_stance

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER, PAST = NOW + timedelta(minutes=5), NOW - timedelta(seconds=1)
RULES = {method: ConsensusRules(method=method, quorum=0.5) for method in METHODS}


def opinion(name, direction, confidence=1.0, **more) -> Opinion:
    fields = {"weight": 1.0, "abstain": False, "horizon_bars": 12, "expires_at": LATER} | more
    return Opinion(agent_id=name, name=name, direction=direction, confidence=confidence, **fields)


def pool(*votes, asked=None, method="weighted", **rules):
    return pool_votes(
        votes=votes,
        asked=len(votes) if asked is None else asked,
        rules=ConsensusRules(method=method, **rules),
        now=NOW,
    )


opinions = st.lists(
    st.builds(
        opinion,
        name=st.uuids().map(str),
        direction=st.floats(-1, 1),
        confidence=st.floats(0, 1),
        weight=st.floats(0.25, 4.0),
        abstain=st.booleans(),
        horizon_bars=st.integers(1, 500),
        expires_at=st.sampled_from([LATER, PAST]),
        may_veto=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda vote: vote.agent_id,
)


@pytest.mark.parametrize("method", METHODS)
@given(votes=opinions, data=st.data())
def test_the_order_of_votes_does_not_matter(method, votes, data):
    shuffled = data.draw(st.permutations(votes))
    one = pool_votes(votes=votes, asked=8, rules=RULES[method], now=NOW)
    assert one == pool_votes(votes=shuffled, asked=8, rules=RULES[method], now=NOW)


@pytest.mark.parametrize("method", METHODS)
@given(votes=opinions)
def test_the_score_is_bounded_and_made_of_its_shares(method, votes):
    pooled = pool_votes(votes=votes, asked=len(votes), rules=RULES[method], now=NOW)
    assert -1.0 <= pooled.score <= 1.0
    assert sum(part.share for part in pooled.contributions) == pytest.approx(pooled.score, abs=1e-9)
    assert pooled.in_favour <= pooled.opinions <= len(votes)


@pytest.mark.parametrize("method", METHODS)
@given(votes=opinions, direction=st.floats(-1, 1), confidence=st.floats(0, 1))
def test_expired_and_abstaining_votes_never_count(method, votes, direction, confidence):
    live = [replace(vote, expires_at=LATER, abstain=False) for vote in votes]
    ghosts = [
        opinion("expired", direction, confidence, expires_at=NOW, weight=4.0),
        opinion("abstains", direction, confidence, abstain=True, weight=4.0, may_veto=True),
        opinion("benched", direction, confidence, weight=0.0, may_veto=True),
    ]
    without = pool_votes(votes=live, asked=8, rules=RULES[method], now=NOW)
    with_ghosts = pool_votes(votes=live + ghosts, asked=8, rules=RULES[method], now=NOW)
    assert with_ghosts.score == without.score
    assert with_ghosts.code == without.code
    assert {part.note for part in with_ghosts.contributions if part.name in {"expired", "abstains", "benched"}} == {
        "expired",
        "abstained",
        "without weight",
    }


def test_weighted_counts_weight_confidence_and_direction():
    pooled = pool(opinion("a", 1.0, 0.8, weight=3.0), opinion("b", -0.5, 0.4, weight=1.0))
    assert pooled.score == pytest.approx((3 * 0.8 - 1 * 0.2) / 4)
    assert pooled.leader.name == "a"
    assert (pooled.in_favour, pooled.opinions, pooled.asked) == (1, 2, 2)


def test_majority_counts_heads():
    assert pool(opinion("a", 0.1), opinion("b", 0.2), opinion("c", -1.0), method="majority").score == pytest.approx(
        1 / 3
    )
    assert pool(opinion("a", 0.1), opinion("b", -1.0), method="majority").score == 0.0


def test_unanimous_needs_one_direction():
    assert pool(opinion("a", 0.4), opinion("b", 0.6), method="unanimous").score == pytest.approx(0.5)
    assert pool(opinion("a", 0.4), opinion("b", -0.1), method="unanimous").score == 0.0
    assert pool(opinion("a", 0.4), opinion("b", 0.0), method="unanimous").score == 0.0


def test_log_odds_pools_probabilities():
    """Two voices of p = 0.8 pool to 0.8; a certain voice is held to 98 %."""
    assert pool(opinion("a", 0.6), opinion("b", 0.6), method="log_odds").score == pytest.approx(0.588)
    assert pool(opinion("a", 1.0), method="log_odds").score == pytest.approx(0.98)


def test_quorum_counts_those_asked():
    two = (opinion("a", 1.0), opinion("b", 1.0))
    assert pool(*two, asked=4).reached
    short = pool(*two, asked=5)
    assert (short.reached, short.code, short.score) == (False, "no_quorum", 0.0)
    assert short.reason == "2 of 5 agents have an opinion; 3 are needed."


def test_a_canary_speaks_beside_the_quorum():
    """A candidate that seldom speaks silences nobody, and one that always speaks makes no quorum."""
    firm, canary = opinion("a", 1.0), opinion("canary", 1.0, weight=0.1, in_quorum=False)
    assert pool(firm, replace(canary, abstain=True), asked=2).reached
    both = pool(firm, canary, asked=2)
    assert (both.opinions, both.in_favour, len(both.contributions)) == (1, 1, 2)
    assert both.reason.startswith("1 of 2 agents have an opinion; the score is")
    alone = pool(canary, asked=2)
    assert (alone.code, alone.opinions) == ("no_quorum", 0)


def test_nobody_is_no_consensus():
    assert pool(asked=0).code == "no_quorum"


def test_a_veto_stops_a_purchase_and_never_a_sale():
    guard = opinion("guard", -1.0, 0.95, weight=0.25, may_veto=True)
    stopped = pool(opinion("a", 1.0), guard)
    assert (stopped.code, stopped.score) == ("veto", 0.0)
    assert pool(opinion("a", 1.0), replace(guard, confidence=0.5)).code == "consensus"
    sale = pool(opinion("a", -1.0), replace(guard, direction=-1.0))
    assert sale.score < -0.9


@pytest.mark.parametrize("quorum", [0.0, -1.0, 1.01])
def test_a_quorum_outside_its_range_is_refused(quorum):
    with pytest.raises(ValueError, match="quorum"):
        ConsensusRules(quorum=quorum)


STANCE = StanceRules(enter=0.2, leave=-0.05, full=0.4, band=0.2)


@pytest.mark.parametrize(
    ("score", "held", "code", "fraction", "acts"),
    [
        (0.19, 0.0, "score_too_weak", 0.0, False),
        (0.20, 0.0, "enter", 0.5, True),
        (0.40, 0.0, "enter", 1.0, True),
        (0.40, 0.5, "enter", 1.0, True),
        (0.40, 0.85, "already_there", 0.85, False),
        (0.25, 0.95, "already_there", 0.95, False),
        (0.05, 0.5, "hold", 0.5, False),
        (-0.05, 0.5, "leave", 0.0, True),
        (-0.9, 0.0, "nothing_to_sell", 0.0, False),
    ],
)
def test_the_stance_has_two_thresholds(score, held, code, fraction, acts):
    stance = wanted_stance(score=score, held=held, rules=STANCE)
    assert (stance.code, stance.fraction, stance.acts) == (code, fraction, acts)
    assert stance.reason


def test_a_score_just_below_the_entry_is_told_with_the_digits_that_show_it():
    weak = wanted_stance(score=0.1996, held=0.0, rules=STANCE)
    assert weak.reason == "The score +0.1996 is below the +0.2000 that an entry takes."


@given(score=st.floats(-1, 1), held=st.floats(0, 1.2))
def test_a_stance_never_asks_for_a_short_or_more_than_all(score, held):
    stance = wanted_stance(score=score, held=held, rules=STANCE)
    assert stance.fraction >= 0.0
    if stance.acts:
        assert stance.fraction in {0.0, 0.5, 1.0}


def test_thresholds_must_rise():
    with pytest.raises(ValueError, match="must rise"):
        StanceRules(enter=0.1, leave=0.2, full=0.4)
