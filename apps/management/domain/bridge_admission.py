"""Whether an envelope whose signature is good is taken, and if not, why. Pure: one table of rules, asked in order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.management.domain.bridge_envelope import KINDS, Envelope
from apps.management.domain.instance_roles import Role

SKEW = timedelta(seconds=60)  # by which the sender's clock may be ahead of ours


class Verdict(StrEnum):
    """What becomes of an envelope."""

    TAKE = "take"
    KNOWN = "known"  # the sender repeats what was taken already: acknowledged again, nothing done
    LEAVE = "leave"  # nothing is wrong and nothing to do: the sender sends it again, or something newer
    REFUSE = "refuse"  # and its place in the sequence stays open
    REFUSE_FOR_GOOD = "refuse_for_good"  # proven and in its turn, but not allowed: its place is used up


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict; of a refusal also its stable code and a sentence that says what to do."""

    verdict: Verdict
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known here of a peer. ``series``, ``sequence``: its last envelope that was taken in this lane.

    ``attempt``: of the envelope taken under the number that is judged; None where there is none. ``epoch``: the highest
    that it ever stated. ``own_epoch``: where the peer shares our database, the highest epoch in that, and ``held``:
    whether that term is or was the peer's; None for an instance of another database.
    """

    series: int
    sequence: int
    epoch: int
    rights: frozenset[str]
    attempt: int | None = None
    own_epoch: int | None = None
    held: bool = False


TAKEN = Answer(Verdict.TAKE)
KNOWN = Answer(Verdict.KNOWN)


def judge(envelope: Envelope, standing: Standing, wall: datetime) -> Answer:
    """The first rule that objects, else ``TAKE``. ``wall``: the time here."""
    for rule in (_in_turn, _in_time, _allowed, _true_epoch):
        answer = rule(envelope, standing, wall)
        if answer is not None:
            return answer
    return TAKEN


def judge_claim(envelope: Envelope, role: str, leads: bool, standing: Standing) -> Answer:
    """Whether what a heartbeat or a change of role says of its sender can be true."""
    if role not in set(Role):
        return _lie("role_unknown", f"It says that its role is {role[:20]!r}, which there is not.")
    if leads and role == Role.RESEARCH:
        return _lie("research_leads", "A research instance says that it leads, and none ever may.")
    if leads and envelope.epoch == 0:
        return _lie("epoch_disproved", "It says that it leads, in epoch 0, in which nobody ever led.")
    if leads and standing.own_epoch == envelope.epoch and not standing.held:
        return _lie(
            "epoch_disproved",
            f"It says that it leads in epoch {envelope.epoch}, and the lease of that epoch never was its own.",
        )
    return TAKEN


def _in_turn(envelope: Envelope, standing: Standing, wall: datetime) -> Answer | None:  # noqa: ARG001
    place, last = (envelope.series, envelope.sequence), (standing.series, standing.sequence)
    if place <= last:
        if standing.attempt is not None and envelope.attempt > standing.attempt:
            return KNOWN
        return Answer(
            Verdict.REFUSE,
            "replayed",
            f"Number {envelope.sequence} of series {envelope.series} was taken already; the last one is"
            f" {standing.sequence} of {standing.series}. Somebody who can write to the bridge's Redis repeats old"
            " envelopes: change its passwords.",
        )
    expected = standing.sequence + 1 if envelope.series == standing.series else 1
    if KINDS[envelope.kind].in_order and envelope.sequence != expected:
        return Answer(Verdict.LEAVE, "out_of_order", f"Number {expected} is missing; it is awaited first.")
    return None


def _in_time(envelope: Envelope, standing: Standing, wall: datetime) -> Answer | None:  # noqa: ARG001
    life = envelope.expires_at - envelope.issued_at
    if envelope.issued_at > wall + SKEW:
        ahead = (envelope.issued_at - wall).total_seconds()
        return Answer(
            Verdict.REFUSE, "from_the_future", f"It was signed {ahead:.0f} s from now. Set the clocks of both machines."
        )
    if not timedelta(0) < life <= KINDS[envelope.kind].life:
        return Answer(
            Verdict.REFUSE,
            "life_too_long",
            f"It is to live {life.total_seconds():.0f} s; a {envelope.kind} lives at most"
            f" {KINDS[envelope.kind].life.total_seconds():.0f} s.",
        )
    if envelope.expires_at <= wall and not KINDS[envelope.kind].in_order:
        return Answer(Verdict.LEAVE, "stale", "It lay there while one of us did not run; a newer one follows.")
    if envelope.expires_at <= wall:
        return Answer(
            Verdict.REFUSE,
            "expired",
            f"It ended at {envelope.expires_at:%Y-%m-%d %H:%M:%S} UTC. Its sender signs it anew; if that repeats,"
            " set the clocks of both machines.",
        )
    return None


def _allowed(envelope: Envelope, standing: Standing, wall: datetime) -> Answer | None:  # noqa: ARG001
    right = KINDS[envelope.kind].right
    if right and right not in standing.rights:
        return Answer(
            Verdict.REFUSE_FOR_GOOD,
            "kind_not_allowed",
            f"{envelope.sender} has not the right {right} here. An admin may give it, if that is wished.",
        )
    return None


def _true_epoch(envelope: Envelope, standing: Standing, wall: datetime) -> Answer | None:  # noqa: ARG001
    if envelope.epoch < standing.epoch:
        return _lie(
            "epoch_fell",
            f"It states epoch {envelope.epoch} after {standing.epoch}, and an epoch never falls: an old copy of that"
            " instance may be running, or its key is in other hands.",
        )
    if standing.own_epoch is not None and envelope.epoch > standing.own_epoch:
        return _lie(
            "epoch_disproved",
            f"It states epoch {envelope.epoch}, and the lease in our shared database is in {standing.own_epoch}.",
        )
    return None


def _lie(code: str, reason: str) -> Answer:
    return Answer(Verdict.REFUSE_FOR_GOOD, code, reason)
