import hypothesis.strategies as st
from hypothesis import given

from apps.management.domain.fleet_plan import Act, Present, Step, Wanted, plan_fleet


def acts(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    return [(step.act.value, step.name) for step in steps]


def test_a_missing_container_is_started():
    assert acts(plan_fleet([Wanted("a", "1")], [])) == [("start", "a")]


def test_one_that_nobody_wants_is_stopped():
    assert acts(plan_fleet([], [Present("a", "1", True)])) == [("stop", "a")]


def test_what_runs_as_wanted_is_left_alone():
    assert plan_fleet([Wanted("a", "1")], [Present("a", "1", True)]) == ()


def test_changed_settings_replace_the_container():
    steps = plan_fleet([Wanted("a", "2")], [Present("a", "1", True)])
    assert acts(steps) == [("replace", "a")]
    assert "settings" in steps[0].reason


def test_one_that_ended_is_started_again_once_it_has_rested():
    ended = [Present("a", "1", False)]
    assert acts(plan_fleet([Wanted("a", "1")], ended)) == [("start", "a")]
    assert plan_fleet([Wanted("a", "1")], ended, resting={"a"}) == ()


def test_one_that_makes_no_progress_is_replaced():
    assert acts(plan_fleet([Wanted("a", "1")], [Present("a", "1", True)], unhealthy={"a"})) == [("replace", "a")]


def test_quarantine_stops_it_and_keeps_it_down():
    assert acts(plan_fleet([Wanted("a", "1")], [Present("a", "1", True)], quarantined={"a"})) == [("stop", "a")]
    assert plan_fleet([Wanted("a", "1")], [], quarantined={"a"}) == ()


def test_stops_come_before_replacements_before_starts():
    wanted = [Wanted("d", "1"), Wanted("b", "2"), Wanted("c", "1")]
    present = [Present("z", "1", True), Present("b", "1", True), Present("a", "1", True)]
    assert acts(plan_fleet(wanted, present)) == [
        ("stop", "a"),
        ("stop", "z"),
        ("replace", "b"),
        ("start", "c"),
        ("start", "d"),
    ]


names = st.sampled_from("abcdef")
wishes = st.dictionaries(names, st.sampled_from("12"))
finds = st.dictionaries(names, st.tuples(st.sampled_from("12"), st.booleans()))


@given(wishes, finds, st.sets(names), st.sets(names))
def test_carrying_out_the_plan_leaves_nothing_to_do(wished, found, quarantined, unhealthy):
    wanted = [Wanted(name, digest) for name, digest in wished.items()]
    present = [Present(name, digest, running) for name, (digest, running) in found.items()]
    after = {one.name: one for one in present}
    for step in plan_fleet(wanted, present, quarantined=quarantined, unhealthy=unhealthy):
        if step.act in {Act.STOP, Act.REPLACE}:
            after.pop(step.name)
        if step.act in {Act.START, Act.REPLACE}:
            after[step.name] = Present(step.name, wished[step.name], True)
    assert plan_fleet(wanted, after.values(), quarantined=quarantined) == ()
    assert {name: one.digest for name, one in after.items()} == {
        name: digest for name, digest in wished.items() if name not in quarantined
    }


@given(st.permutations([Wanted("a", "1"), Wanted("b", "1"), Wanted("c", "2")]), st.permutations("abc"))
def test_the_order_of_the_input_does_not_matter(wanted, present_names):
    present = [Present(name, "1", True) for name in present_names]
    assert acts(plan_fleet(wanted, present)) == [("replace", "c")]
