"""Keys exchanged and changed on the terminal: what is printed, what a peer believes afterwards, what is refused."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.management.queries import peer_views
from tests.support.bridge_sides import HERE, PASSPHRASE, THERE, now
from tests.support.quick_keys import use_quick_keys
from tests.support.staged_market import stage_market

pytestmark = pytest.mark.django_db
REASON = ("--reason", "a test")


@pytest.fixture(autouse=True)
def instance(clean_redis, settings, short_path):
    use_quick_keys()
    stage_market()
    settings.HQ_INSTANCE, settings.HQ_PEERS = HERE, [THERE]
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = short_path, PASSPHRASE


def typed(*words):
    """What the command prints for a file, and beside it."""
    out, beside = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=beside)
    return out.getvalue(), beside.getvalue()


def printed_key(short_path, *words):
    """The file that a person makes of it, and the fingerprint that a person tells."""
    armored, beside = typed("bridge_key", *words)
    assert armored.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    file = short_path / "key.asc"
    file.write_text(armored)
    return str(file), beside.split("fingerprint ")[1].split(".")[0]


def keys_of(name):
    (peer,) = [peer for peer in peer_views(now().wall) if peer["name"] == name]
    return [(key["fingerprint"], key["ends_at"] is None, key["holds"]) for key in peer["keys"]]


def test_a_key_is_exchanged_and_changed_without_a_moment_in_which_none_holds(short_path):
    file, first = printed_key(short_path)
    said, _ = typed("bridge_peer", "add", THERE, "--key", file, "--fingerprint", first.lower(), "--may-halt", *REASON)
    assert said.splitlines() == [f"{THERE}: never heard", f"  {first} holds"]
    file, following = printed_key(short_path, "--prepare-next")
    assert printed_key(short_path, "--prepare-next") == (file, following)  # asked again, it is printed again
    assert printed_key(short_path)[1] == first != following
    file, _ = printed_key(short_path, "--prepare-next")
    typed("bridge_peer", "add-key", THERE, "--key", file, "--fingerprint", following, *REASON)
    assert keys_of(THERE) == [(following, True, True), (first, False, True)]
    _, beside = typed("bridge_key", "--switch")
    assert following in beside
    assert printed_key(short_path)[1] == following
    typed("bridge_peer", "end-key", THERE, "--fingerprint", first, *REASON)
    assert keys_of(THERE) == [(following, True, True), (first, False, False)]
    said, _ = typed("bridge_peer", "list")
    assert f"{first} ended" in said
    typed("bridge_peer", "rights", THERE, "--may-propose", *REASON)
    (peer,) = peer_views(now().wall)
    assert (peer["may_halt"], peer["may_propose"]) == (False, True)


def test_what_is_refused_is_said_with_its_code(short_path, settings):
    file, fingerprint = printed_key(short_path)
    for words, code in (
        (("add", THERE, "--key", file, "--fingerprint", "00", *REASON), "fingerprint_differs"),
        (("add", "A B", "--key", file, "--fingerprint", fingerprint, *REASON), "bad_name"),
        (("add-key", THERE, "--key", file, "--fingerprint", fingerprint, *REASON), "unknown_peer"),
        (("end-key", THERE, "--fingerprint", fingerprint, *REASON), "unknown_peer"),
        (("add", THERE, "--key", "/nowhere", "--fingerprint", fingerprint, *REASON), "which is no file"),
    ):
        with pytest.raises(CommandError, match=code):
            typed("bridge_peer", *words)
    with pytest.raises(CommandError, match="no_next"):
        typed("bridge_key", "--switch")
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = short_path / "other", ""
    with pytest.raises(CommandError, match="passphrase_missing"):
        typed("bridge_key")
    assert peer_views(now().wall) == []
