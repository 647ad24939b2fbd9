"""Tokens, sessions and tickets against a real database and Redis."""

from datetime import timedelta

import jwt
import pytest
from django.conf import settings as house
from django.contrib.auth.models import Group, User

from apps.foundation import auth_sessions, login_limits, redis_pool
from apps.foundation.clock import Moment, wall_now
from apps.foundation.models import AuditEntry, AuthSession
from apps.foundation.stream_tickets import redeem_ticket
from tests.delivery.conftest import PASSWORD, make_user, sign_in

pytestmark = pytest.mark.django_db
commits = pytest.mark.django_db(transaction=True)  # what follows a commit is part of the test
ME = "/api/v1/auth/me/"
REFRESH = "/api/v1/auth/token/refresh/"


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def code(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return answer.json()["code"]


def test_a_signed_in_user_is_told_who_they_are(person):
    trader = person("trader")
    answer = trader.get(ME)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["username"], body["role"], body["can"]) == ("trader-1", "trader", ["viewer", "trader"])
    assert body["session_id"] == trader.session_id


def test_an_access_token_lives_five_minutes_and_names_session_and_role(person):
    found = claims(person("risk").access)
    assert found["exp"] - found["iat"] == 300
    assert found["role"] == "risk"
    assert AuthSession.objects.get(pk=found["sid"]).user_id == int(found["user_id"])


@pytest.mark.parametrize(
    ("username", "password"), [("nobody", PASSWORD), ("viewer-1", "wrong"), ("viewer-1", ""), ("viewer-1\0", "x")]
)
def test_wrong_credentials_are_refused(person, stranger, username, password):
    person("viewer")
    answer = stranger.post("/api/v1/auth/token/", {"username": username, "password": password})
    assert answer.status_code in {400, 401}
    assert code(answer) in {"wrong_credentials", "validation_failed", "malformed_body"}


def test_a_user_without_a_role_is_told_so(clean_redis, stranger):
    make_user("newcomer", None)
    answer = stranger.post("/api/v1/auth/token/", {"username": "newcomer", "password": PASSWORD})
    assert code(answer) == "no_role"


def test_no_token_no_entry(stranger):
    answer = stranger.get(ME)
    assert answer.status_code == 401
    assert code(answer) == "not_authenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def forged(person, **changes):
    content = claims(person.access) | changes
    return jwt.encode(content, house.SECRET_KEY, algorithm="HS256")


@pytest.mark.parametrize(
    "make",
    [
        lambda p: forged(p, exp=1),
        lambda p: jwt.encode(claims(p.access), "another key of thirty-two characters", algorithm="HS256"),
        lambda p: jwt.encode(claims(p.access), house.SECRET_KEY, algorithm="HS512"),
        lambda p: jwt.encode(claims(p.access), "", algorithm="none"),
        lambda p: p.access[:-2] + ("AA" if p.access[-2:] != "AA" else "BB"),
        lambda p: "not.a.token",
        lambda p: "",
        lambda p: p.refresh,
        lambda p: forged(p, role="god"),
        lambda p: forged(p, role="public"),
        lambda p: forged(p, sid="not-a-uuid"),
        lambda p: forged(p, user_id="abc"),
        lambda p: jwt.encode(
            {k: v for k, v in claims(p.access).items() if k != "sid"}, house.SECRET_KEY, algorithm="HS256"
        ),
    ],
    ids=[
        *("expired", "other-key", "other-algorithm", "no-algorithm", "broken-signature", "nonsense", "empty"),
        *("refresh-as-access", "unknown-role", "public-role", "bad-session", "bad-user", "no-session"),
    ],
)
def test_expired_forged_and_foreign_tokens_are_refused(person, make):
    viewer = person("viewer")
    viewer.access = make(viewer) or "x"
    answer = viewer.get(ME)
    assert answer.status_code == 401
    assert code(answer) in {"token_not_valid", "session_ended"}


def test_who_sends_an_old_access_token_is_told_how_long_it_lives_and_where_a_new_one_is(person):
    viewer = person("viewer")
    fresh, viewer.access = viewer.access, "no.token.of.ours"
    assert viewer.get(ME).json()["detail"] == (
        "This access token is unknown or has expired: it lives 5 minutes, and POST /api/v1/auth/token/refresh/ with"
        " your refresh token gives a new one."
    )
    assert claims(fresh)["exp"] - claims(fresh)["iat"] == 5 * 60
    viewer.access = viewer.post(REFRESH, {"refresh": viewer.refresh}).json()["access"]
    assert viewer.get(ME).status_code == 200


def test_refreshing_gives_a_new_pair_and_uses_up_the_old_one(person):
    viewer = person("viewer")
    first = viewer.post(REFRESH, {"refresh": viewer.refresh}).json()
    assert claims(first["refresh"])["jti"] != claims(viewer.refresh)["jti"]
    assert first["session_id"] == viewer.session_id
    second = viewer.post(REFRESH, {"refresh": first["refresh"]})
    assert second.status_code == 200


def test_a_repeated_refresh_at_once_gets_the_same_successor(person):
    viewer = person("viewer")
    first = viewer.post(REFRESH, {"refresh": viewer.refresh}).json()
    again = viewer.post(REFRESH, {"refresh": viewer.refresh}).json()
    assert claims(first["refresh"])["jti"] == claims(again["refresh"])["jti"]


@commits
def test_a_refresh_token_used_again_later_ends_the_session(person):
    viewer = person("viewer")
    newer = viewer.post(REFRESH, {"refresh": viewer.refresh}).json()
    AuthSession.objects.update(last_used_at=wall_now() - timedelta(seconds=11))
    answer = viewer.post(REFRESH, {"refresh": viewer.refresh})
    assert (answer.status_code, code(answer)) == (401, "refresh_reused")
    assert viewer.get(ME).status_code == 401
    assert code(viewer.post(REFRESH, {"refresh": newer["refresh"]})) == "session_ended"


@commits
def test_a_token_two_steps_back_ends_the_session_even_at_once(person):
    viewer = person("viewer")
    newer = viewer.post(REFRESH, {"refresh": viewer.refresh}).json()
    viewer.post(REFRESH, {"refresh": newer["refresh"]})
    assert code(viewer.post(REFRESH, {"refresh": viewer.refresh})) == "refresh_reused"


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_nonsense_for_a_refresh_token(stranger, clean_redis, token):
    answer = stranger.post(REFRESH, {"refresh": token})
    assert code(answer) in {"token_not_valid", "validation_failed"}


def test_an_access_token_is_no_refresh_token(person):
    viewer = person("viewer")
    assert code(viewer.post(REFRESH, {"refresh": viewer.access})) == "token_not_valid"


def test_refresh_tokens_are_not_stored(person):
    viewer = person("viewer")
    session = AuthSession.objects.get()
    assert viewer.refresh not in str(vars(session))
    assert session.last_refresh_jti == claims(viewer.refresh)["jti"]


@commits
def test_signing_out_ends_the_access_token_at_once(person):
    viewer = person("viewer")
    assert viewer.post("/api/v1/auth/token/revoke/", {"refresh": viewer.refresh}).status_code == 204
    answer = viewer.get(ME)
    assert (answer.status_code, code(answer)) == (401, "session_ended")


@commits
def test_signing_out_by_access_token_alone_and_twice(person):
    viewer = person("viewer")
    assert viewer.post("/api/v1/auth/token/revoke/").status_code == 204
    assert viewer.post("/api/v1/auth/token/revoke", {"refresh": viewer.refresh}).status_code == 204
    assert AuditEntry.objects.filter(action="session.ended").count() == 1


@commits
def test_one_session_ends_and_the_other_goes_on(person):
    viewer = person("viewer")
    other = sign_in(viewer.username)
    rows = viewer.get("/api/v1/auth/sessions/").json()
    assert {row["id"] for row in rows} == {viewer.session_id, other.session_id}
    assert [row["id"] for row in rows if row["current"]] == [viewer.session_id]
    assert viewer.call("delete", f"/api/v1/auth/sessions/{other.session_id}/").status_code == 204
    assert other.get(ME).status_code == 401
    assert viewer.get(ME).status_code == 200


@commits
def test_a_foreign_session_can_not_be_ended(person):
    viewer, trader = person("viewer"), person("trader")
    answer = viewer.call("delete", f"/api/v1/auth/sessions/{trader.session_id}/")
    assert (answer.status_code, code(answer)) == (404, "unknown_session")
    assert trader.get(ME).status_code == 200


@commits
def test_a_change_of_role_ends_the_sessions(person):
    trader = person("trader")
    user = User.objects.get(username=trader.username)
    user.groups.set([Group.objects.get(name="viewer")])
    assert code(trader.get(ME)) == "session_ended"
    assert sign_in(trader.username).get(ME).json()["role"] == "viewer"


@commits
@pytest.mark.parametrize(
    "change",
    [
        lambda u: (u.set_password("another long password"), u.save()),
        lambda u: (setattr(u, "is_active", False), u.save()),
        lambda u: u.groups.set([]),
        lambda u: Group.objects.get(name="trader").user_set.remove(u.pk),
        lambda u: u.delete(),
    ],
    ids=["password", "inactive", "groups-cleared", "group-loses-user", "deleted"],
)
def test_what_changes_an_account_ends_its_sessions(person, change):
    trader = person("trader")
    change(User.objects.get(username=trader.username))
    assert code(trader.get(ME)) == "session_ended"
    assert code(trader.post(REFRESH, {"refresh": trader.refresh})) in {"session_ended", "token_not_valid"}


def test_a_sign_in_does_not_end_the_others(person):
    viewer = person("viewer")
    User.objects.get(username=viewer.username).save(update_fields=["last_login"])
    User.objects.get(username=viewer.username).save()
    assert viewer.get(ME).status_code == 200


@commits
def test_a_revocation_holds_when_redis_forgets(person, clean_redis):
    viewer = person("viewer")
    viewer.post("/api/v1/auth/token/revoke/")
    clean_redis.flushdb()
    assert code(viewer.get(ME)) == "session_ended"


@pytest.fixture
def redis_away(settings):
    """A Redis address at which nothing listens."""
    there = settings.REDIS_URL
    redis_pool.client.cache_clear()
    login_limits._limiter.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    settings.REDIS_URL = there
    redis_pool.client.cache_clear()
    login_limits._limiter.cache_clear()


@commits
def test_without_redis_people_still_sign_in_and_revocation_still_holds(person, redis_away):
    before = login_limits.UNCOUNTED._value.get()
    viewer = person_without_redis()
    assert viewer.get(ME).status_code == 200
    assert login_limits.UNCOUNTED._value.get() > before
    viewer.post("/api/v1/auth/token/revoke/")
    assert code(viewer.get(ME)) == "session_ended"
    answer = sign_in(viewer.username).post("/api/v1/auth/ws-ticket/")
    assert (answer.status_code, code(answer)) == (503, "redis_away")


def person_without_redis():
    return sign_in(make_user("offline", "viewer").username)


def test_failed_sign_ins_are_limited_by_name_and_address(person, stranger):
    person("viewer")
    answers = [stranger.post("/api/v1/auth/token/", {"username": "viewer-1", "password": "wrong"}) for _ in range(9)]
    assert [answer.status_code for answer in answers] == [401] * 8 + [429]
    assert code(answers[-1]) == "too_many_attempts"
    assert 1 <= answers[-1].json()["facts"]["retry_after"] <= 300
    right = stranger.post("/api/v1/auth/token/", {"username": "viewer-1", "password": PASSWORD})
    assert right.status_code == 429
    sign_in(make_user("another", "viewer").username)


def test_successful_sign_ins_are_not_limited(person):
    viewer = person("viewer")
    for _ in range(12):
        sign_in(viewer.username)


def test_a_ticket_names_the_session_and_is_good_once(person, clean_redis):
    viewer = person("viewer")
    ticket = viewer.post("/api/v1/auth/ws-ticket/").json()
    assert ticket["expires_in"] == 30
    assert 0 < clean_redis.ttl(f"auth:ticket:{ticket['ticket']}") <= 30
    found = redeem_ticket(ticket["ticket"])
    assert (str(found.session_id), found.role) == (viewer.session_id, "viewer")
    assert redeem_ticket(ticket["ticket"]) is None


def test_sign_in_and_out_are_in_the_audit_record(person):
    viewer = person("viewer")
    viewer.post("/api/v1/auth/token/revoke/")
    found = list(AuditEntry.objects.order_by("seq").values_list("action", "actor", "subject"))
    subject = f"session:{viewer.session_id}"
    assert found[-2:] == [("session.opened", "viewer-1", subject), ("session.ended", "viewer-1", subject)]


def test_a_session_has_an_end_however_often_it_is_refreshed(person):
    viewer = person("viewer")
    later = wall_now() + auth_sessions.LONGEST_LIFE + timedelta(minutes=1)
    with pytest.raises(auth_sessions.NotSignedIn) as caught:
        auth_sessions.refresh_session(refresh=viewer.refresh, moment=Moment(later, later))
    assert caught.value.code == "session_ended"
