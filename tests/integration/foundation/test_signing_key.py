"""The bridge's key pair with the real GnuPG: signing, changing it, and what others' public keys must be."""

import subprocess

import pytest

from apps.foundation.errors import HQError
from apps.foundation.firm_key import FirmKey
from apps.foundation.foreign_keys import read_public_key, seal_to, signer_of
from apps.foundation.signing_key import SigningKey
from tests.support.quick_keys import use_quick_keys

PASSPHRASE = "a passphrase of the test"


@pytest.fixture
def key(short_path):
    use_quick_keys()
    return SigningKey(short_path / "bridge", PASSPHRASE)


def refusal(step):
    with pytest.raises(HQError) as refused:
        step()
    return refused.value.code


def test_a_signature_proves_these_bytes_and_this_key_only(key, short_path):
    signature, public = key.sign("é text\n"), key.public()
    other = FirmKey(short_path / "other", PASSPHRASE).public()
    assert signer_of("é text\n", signature, [other.armored, public.armored]) == public.fingerprint
    assert signer_of("é text", signature, [public.armored]) is None
    assert signer_of("é text\n", signature, [other.armored]) is None
    assert signer_of("é text\n", "nonsense", [public.armored]) is None
    assert signer_of("é text\n", signature, []) is None


def test_the_next_key_signs_after_the_switch_and_the_old_one_still_opens(key):
    first = key.public()
    sealed = seal_to("a secret", first)
    assert key.following() is None
    following = key.prepare_next()
    assert (key.following(), key.public()) == (following, first)
    assert signer_of("x", key.sign("x"), [following.armored]) is None
    assert refusal(key.prepare_next) == "key_prepared"
    assert key.switch() == following
    assert (key.following(), key.public()) == (None, following)
    assert signer_of("x", key.sign("x"), [first.armored, following.armored]) == following.fingerprint
    assert key.open(sealed) == "a secret"
    assert key.open(seal_to("another", following)) == "another"
    assert refusal(key.switch) == "no_next"


def test_without_the_right_passphrase_nothing_is_signed(key):
    assert key.known() is None
    known = key.public()
    assert key.known() == known
    assert refusal(lambda: SigningKey(key.home).sign("x")) == "passphrase_missing"
    assert refusal(lambda: SigningKey(key.home, "another passphrase").sign("x")) == "signing_failed"
    assert PASSPHRASE not in repr(key)


def test_a_public_key_is_read_as_it_was_given_and_everything_else_is_refused(key, short_path):
    public = key.public()
    assert read_public_key(f"\n{public.armored}\n") == public
    opened = ["--batch", "--pinentry-mode", "loopback", "--passphrase", PASSPHRASE]
    private = subprocess.run(
        ["gpg", "--homedir", key.home, *opened, "--armor", "--export-secret-keys"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert private.startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----")
    two = public.armored + FirmKey(short_path / "other", PASSPHRASE).public().armored
    for text in ("", "hello", private, two, public.armored[:200], public.armored + "x" * 20_000):
        assert refusal(lambda text=text: read_public_key(text)) == "no_public_key"


def test_a_key_that_can_only_sign_is_refused(short_path):
    home = short_path / "plain"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "x", "ed25519", "sign", "never"], capture_output=True, check=True)
    armored = subprocess.run([*gpg, "--armor", "--export"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)
    assert refusal(lambda: read_public_key(armored)) == "key_unfit"
