"""The bridge over REST: peers with their keys, what was said, proposals, and what is refused."""

import pytest

from apps.foundation.models import AuditEntry
from apps.foundation.signing_key import SigningKey
from apps.management.models import AgentProposal, BridgePeer
from apps.management.operations.bridge.decide_proposal import keep_proposal
from tests.delivery.conftest import PASSWORD
from tests.support.agents_room import AgentsRoom
from tests.support.bridge_sides import HERE, PASSPHRASE, THERE, know, make_key, now
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
BRIDGE = "/api/v1/management/bridge/"
PEERS = f"{BRIDGE}peers/"
PROPOSAL = "0192f0c1-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return [make_key(tmp_path_factory.mktemp("key")) for _ in range(2)]


@pytest.fixture(autouse=True)
def instance(settings, keys):
    settings.HQ_INSTANCE, settings.HQ_PEERS, settings.HQ_BRIDGE_URL = HERE, [THERE], "redis://127.0.0.1:1/0"
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = keys[0].home.parent, PASSPHRASE


@pytest.fixture
def admin(person):
    who = person("admin")
    assert who.post("/api/v1/auth/confirm/", {"password": PASSWORD}).status_code in {200, 204}
    return who


def facts(key: SigningKey, **changes):
    public = key.public()
    spaced = " ".join(public.fingerprint[at : at + 4] for at in range(0, 40, 4)).lower()
    return {"public_key": public.armored, "fingerprint": spaced, "reason": "a test", **changes}


def test_an_instance_shows_the_key_by_which_it_is_known(person, keys):
    shown = person("viewer").get(BRIDGE).json()
    public = keys[0].public()
    assert (shown["instance"], shown["fingerprint"], shown["public_key"]) == (HERE, public.fingerprint, public.armored)
    assert (shown["connected"], shown["peers"], shown["not_added"]) == (True, [THERE], [THERE])
    assert "passphrase" not in str(shown)


def test_a_peer_is_added_once_by_an_admin_who_gave_the_password_again(person, admin, keys):
    body = facts(keys[1], name=THERE, may_halt=True)
    assert person("risk").post(PEERS, body).status_code == 403
    unconfirmed = person("admin").post(PEERS, body)
    assert (unconfirmed.status_code, unconfirmed.json()["code"]) == (403, "password_needed")
    assert not BridgePeer.objects.exists()
    added = admin.post(PEERS, body)
    assert added.status_code == 201, added.content
    view = added.json()
    assert (view["name"], view["named"], view["may_halt"], view["may_propose"]) == (THERE, True, True, False)
    assert [(key["fingerprint"], key["holds"]) for key in view["keys"]] == [(keys[1].public().fingerprint, True)]
    assert (view["heard"], view["heard_at"], view["role"]) == (False, None, None)
    again = admin.post(PEERS, body)
    assert (again.status_code, again.json()["code"]) == (409, "peer_known")
    (row,) = person("viewer").get(PEERS).json()["results"]
    assert row == view
    assert AuditEntry.objects.filter(action="bridge.peer_added").count() == 1


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"fingerprint": "ABCD"}, "fingerprint_differs", "fingerprint"),
        ({"public_key": "hello"}, "no_public_key", "public_key"),
        ({"name": "Not A Name"}, "bad_name", "name"),
        ({"reason": "  "}, None, "reason"),
        ({"may_trade": True}, None, "may_trade"),
    ],
)
def test_bad_facts_name_their_field(admin, keys, change, code, field):
    answer = admin.post(PEERS, facts(keys[1], name=THERE) | change)
    assert answer.status_code == 400
    assert code is None or answer.json()["code"] == code
    assert field in answer.content.decode()
    assert not BridgePeer.objects.exists()


def test_a_key_is_followed_by_another_and_ended(admin, keys):
    admin.post(PEERS, facts(keys[1], name=THERE))
    further = admin.post(f"{PEERS}{THERE}/keys/", facts(keys[0], overlap_hours=2))
    assert further.status_code == 201, further.content
    newest, old = further.json()["keys"]
    assert (newest["ends_at"], old["holds"], old["ends_at"] is not None) == (None, True, True)
    ended = admin.post(f"{PEERS}{THERE}/keys/{old['fingerprint']}/end/", {"reason": "it was lost"})
    assert [key["holds"] for key in ended.json()["keys"]] == [True, False]
    again = admin.post(f"{PEERS}{THERE}/keys/{old['fingerprint']}/end/", {"reason": "it was lost"})
    assert (again.status_code, again.json()["code"]) == (404, "unknown_key")
    assert admin.post(f"{PEERS}nobody/keys/", facts(keys[0])).json()["code"] == "unknown_peer"
    rights = admin.post(f"{PEERS}{THERE}/rights/", {"may_halt": True, "may_propose": True, "reason": "a test"})
    assert (rights.json()["may_halt"], rights.json()["may_propose"]) == (True, True)


def test_an_agent_is_proposed_and_the_lists_tell_of_it(person, keys, clean_redis):
    agent = AgentsRoom(open_desk()).agent("momentum")
    know(THERE, keys[1].public())
    risk, path = person("risk"), f"{PEERS}{THERE}/propose/"
    assert person("trader").post(path, {"agent_id": str(agent.pk), "reason": "good"}).status_code == 403
    told = risk.post(path, {"agent_id": str(agent.pk), "reason": "good"})
    assert told.status_code == 202, told.content
    (row,) = person("viewer").get(f"{BRIDGE}sent/", {"taken_at__isnull": "true"}).json()["results"]
    assert (row["peer"], row["kind"], row["sequence"], row["sent_at"]) == (THERE, "proposal", 1, None)
    assert "momentum" not in str(row)
    assert person("viewer").get(f"{BRIDGE}taken/").json()["results"] == []
    nobody = risk.post(f"{PEERS}nobody/propose/", {"agent_id": str(agent.pk), "reason": "good"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_peer")


def test_a_proposal_is_declined_or_adopted_once_by_role_risk(person, clean_redis):
    open_desk()
    body = {"strategy": "momentum", "timeframe": "1m", "instruments": ["BTC/USDT"], "parameters": {}}
    keep_proposal(PROPOSAL, sender=THERE, body=body | {"author": "ada", "reason": "good"}, moment=now())
    path, risk = f"{BRIDGE}proposals/", person("risk")
    (row,) = person("trader").get(path, {"state": "waiting"}).json()["results"]
    assert (row["sender"], row["strategy"], row["agent_id"]) == (THERE, "momentum", None)
    assert person("trader").post(f"{path}{PROPOSAL}/adopt/", {"reason": "fine"}).status_code == 403
    declined = risk.post(f"{path}{PROPOSAL}/decline/", {"reason": "not now"})
    assert (declined.status_code, declined.json()["state"]) == (200, "declined")
    late = risk.post(f"{path}{PROPOSAL}/adopt/", {"reason": "fine"})
    assert (late.status_code, late.json()["code"]) == (409, "proposal_decided")
    assert AgentProposal.objects.get().agent_id is None
