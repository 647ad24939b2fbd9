"""The firm's PGP key pair with the real GnuPG: sealing, opening, and everything that is refused."""

import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest

from apps.foundation.errors import HQError
from apps.foundation.firm_key import FirmKey

PASSPHRASE = "a passphrase of the test"


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    pair = FirmKey(tmp_path_factory.mktemp("home") / "gnupg", PASSPHRASE)
    pair.public()
    return pair


def refusal(step):
    with pytest.raises(HQError) as refused:
        step()
    return refused.value.code


def test_what_is_sealed_is_opened_again_with_the_passphrase_only(key):
    sealed = key.seal("a secret")
    assert sealed.startswith("-----BEGIN PGP MESSAGE-----")
    assert "a secret" not in sealed
    key.check_sealed(sealed)
    assert key.open(sealed) == "a secret"
    assert refusal(lambda: FirmKey(key.home, "another passphrase").open(sealed)) == "wrong_passphrase"
    assert refusal(lambda: FirmKey(key.home).open(sealed)) == "passphrase_missing"


def test_the_pair_is_made_once_and_only_its_owner_may_look(key):
    assert FirmKey(key.home).public() == key.public()
    assert stat.S_IMODE(key.home.stat().st_mode) == 0o700
    assert PASSPHRASE not in repr(key)
    assert not any(PASSPHRASE.encode() in path.read_bytes() for path in key.home.rglob("*") if path.is_file())


def test_a_pair_is_made_on_a_machine_as_slow_as_one_likes(tmp_path):
    """GnuPG is held up for a second again and again; its agent, which counts seconds, must not forget."""
    with ThreadPoolExecutor() as pool:
        made = pool.submit(FirmKey(tmp_path / "gnupg", PASSPHRASE).public)
        while not made.done():
            for maker in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):
                    if "--gen-key" in maker.cmdline():
                        hold_up(maker, 1.1)
            time.sleep(0.003)
    assert made.result().fingerprint


def hold_up(process, seconds):
    process.suspend()
    time.sleep(seconds)
    process.resume()


def test_no_agent_stays_behind_that_remembers_the_passphrase(key):
    key.open(key.seal("x"))
    agents = [p.info["cmdline"] for p in psutil.process_iter(["name", "cmdline"]) if p.info["name"] == "gpg-agent"]
    assert not any(str(key.home) in " ".join(line or ()) for line in agents)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"api_key": "k", "secret": "s"}', "not_sealed"),
        ("", "not_sealed"),
        ("-----BEGIN PGP MESSAGE-----\n\nnonsense\n-----END PGP MESSAGE-----", "not_sealed"),
        ("-----BEGIN PGP MESSAGE-----" + "A" * 30_000, "too_long"),
    ],
)
def test_what_is_no_sealed_message_is_refused(key, message, code):
    assert refusal(lambda: key.check_sealed(message)) == code


def test_a_cut_message_is_named_damaged(key):
    lines = key.seal("a secret").splitlines()
    cut = "\n".join([*lines[:-4], lines[-1]])
    assert refusal(lambda: key.open(cut)) == "message_damaged"


def test_a_message_to_another_key_is_refused(key, tmp_path):
    other = FirmKey(tmp_path / "gnupg", PASSPHRASE)
    foreign = other.seal("a secret")
    assert refusal(lambda: key.check_sealed(foreign)) == "foreign_key"
    assert refusal(lambda: key.open(foreign)) == "foreign_key"


def revocation(home: str, fingerprint: str) -> str:
    """A revocation certificate, as a person makes one (yes, no reason given, no description, yes)."""
    words = ["gpg", "--homedir", home, "--pinentry-mode", "loopback", "--passphrase", PASSPHRASE, "--no-tty"]
    words += ["--command-fd", "0", "--gen-revoke", fingerprint]
    done = subprocess.run(words, input="y\n0\n\ny\n", capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_revoked_pair_seals_and_opens_nothing(tmp_path):
    pair = FirmKey(tmp_path / "gnupg", PASSPHRASE)
    sealed = pair.seal("a secret")
    fingerprint = pair.public().fingerprint
    with pair._gpg() as gpg:
        gpg.import_keys(revocation(gpg.gnupghome, fingerprint))
    for step in (lambda: pair.seal("x"), lambda: pair.open(sealed), pair.public):
        assert refusal(step) == "firm_key_revoked"


def test_a_short_passphrase_and_none_make_no_pair(tmp_path):
    assert refusal(FirmKey(tmp_path / "a", "short").public) == "passphrase_too_short"
    assert refusal(FirmKey(tmp_path / "b").public) == "passphrase_missing"


def test_without_gpg_sealing_is_refused_with_a_sentence(key, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal(lambda: key.seal("x")) == "gpg_missing"


def test_a_deep_home_works_too(tmp_path):
    pair = FirmKey(tmp_path / ("d" * 90) / "gnupg", PASSPHRASE)
    assert pair.open(pair.seal("deep")) == "deep"


def test_why_gpg_makes_no_pair_is_told_in_its_own_words(tmp_path):
    (tmp_path / "private-keys-v1.d").write_text("no folder")
    with pytest.raises(HQError) as refused:
        FirmKey(tmp_path, PASSPHRASE).public()
    assert refused.value.code == "sealing_failed"
    assert "agent_genkey failed: Not a directory" in refused.value.message
    assert "[GNUPG:]" not in refused.value.message
