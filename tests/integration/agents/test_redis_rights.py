"""With its own credentials an agent can reach its own queue and its own votes, and nothing else of the house."""

from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from apps.agents.domain.redis_rights import redis_rights, redis_user
from apps.foundation import redis_users
from apps.foundation.redis_users import RedisUser, keep_users, url_for

DATABASE = 1000 + int(urlsplit(settings.REDIS_URL).path.strip("/") or 0)  # no house's: users are the server's
PREFIX = redis_user("", database=DATABASE)
DENIED = redis.exceptions.NoPermissionError


def name_of(agent) -> str:
    return redis_user(agent, database=DATABASE)


def user(agent) -> RedisUser:
    return RedisUser(f"password of {agent}", redis_rights(agent))


def address(agent) -> str:
    return url_for(settings.REDIS_URL, name=name_of(agent), password=user(agent).password)


@pytest.fixture
def agents(clean_redis):
    """Two agents with users of their own in the house's Redis."""
    mine, other = uuid4(), uuid4()
    keep_users(prefix=PREFIX, wanted={name_of(one): user(one) for one in (mine, other)})
    yield mine, other
    keep_users(prefix=PREFIX, wanted={})


@pytest.fixture
def link(agents):
    with redis.Redis.from_url(address(agents[0]), decode_responses=True) as link:
        yield link


def test_it_reads_its_own_queue_and_appends_to_its_own_stream(agents, link, clean_redis):
    mine, _ = agents
    clean_redis.lpush(f"agent.{mine}", "a question")
    assert link.blpop([f"agent.{mine}"], timeout=1) == (f"agent.{mine}", "a question")
    link.xadd(f"votes.{mine}", {"vote": "{}"})
    assert [fields for _, fields in clean_redis.xrange(f"votes.{mine}")] == [{"vote": "{}"}]
    link.set(f"agent.{mine}.beat", "{}", ex=5)


@pytest.mark.parametrize(
    "forbidden",
    [
        pytest.param(lambda link, mine, other: link.lpush("execution", "{}"), id="enqueue a task of the executor"),
        pytest.param(lambda link, mine, other: link.rpush(f"agent.{other}", "{}"), id="ask another agent"),
        pytest.param(lambda link, mine, other: link.rpush(f"agent.{mine}", "{}"), id="ask itself"),
        pytest.param(lambda link, mine, other: link.blpop([f"agent.{other}"], timeout=1), id="read another's queue"),
        pytest.param(lambda link, mine, other: link.xadd(f"votes.{other}", {"vote": "{}"}), id="forge another's vote"),
        pytest.param(lambda link, mine, other: link.set(f"agent.{other}.beat", "{}"), id="feign another's life"),
        pytest.param(lambda link, mine, other: link.xrange(f"votes.{mine}"), id="read votes, its own too"),
        pytest.param(lambda link, mine, other: link.get("quotes"), id="read what the house keeps"),
        pytest.param(lambda link, mine, other: link.sadd("_kombu.binding.execution", "x"), id="bend a route"),
        pytest.param(lambda link, mine, other: link.publish("hq", "x"), id="talk to the screens"),
        pytest.param(lambda link, mine, other: link.keys("*"), id="look around"),
        pytest.param(lambda link, mine, other: link.eval("return 1", 0), id="run a script"),
        pytest.param(lambda link, mine, other: link.config_get("*"), id="read the configuration"),
        pytest.param(lambda link, mine, other: link.acl_list(), id="read the users"),
        pytest.param(lambda link, mine, other: link.acl_setuser("default", reset=True), id="change a user"),
        pytest.param(lambda link, mine, other: link.flushdb(), id="empty the database"),
    ],
)
def test_it_can_do_nothing_else(agents, link, clean_redis, forbidden):
    with pytest.raises(DENIED):
        forbidden(link, *agents)
    assert clean_redis.keys("*") == []


def test_a_task_it_sends_to_the_executor_does_not_arrive(agents, clean_redis):
    sender = Celery(broker=address(agents[0]), set_as_current=False)
    with pytest.raises(OperationalError, match="no permissions"):
        sender.send_task("workers.execution.submit_order", kwargs={"order_id": "1"}, queue="execution", retry=False)
    assert clean_redis.keys("*") == []


def test_another_password_is_refused(agents):
    url = url_for(settings.REDIS_URL, name=name_of(agents[0]), password="guessed")
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis.from_url(url).ping()


def test_a_user_that_nobody_wants_any_more_is_gone_and_the_others_keep_their_connections(agents, clean_redis):
    mine, other = agents
    kept, lost = redis.Redis.from_url(address(mine)), redis.Redis.from_url(address(other))
    kept.ping(), lost.ping()
    before = clean_redis.client_list()
    keep_users(prefix=PREFIX, wanted={name_of(mine): user(mine)})
    with pytest.raises(redis.exceptions.ConnectionError):
        lost.ping()
    kept.ping()
    names = [one["id"] for one in clean_redis.client_list() if one.get("user") == name_of(mine)]
    assert names == [one["id"] for one in before if one.get("user") == name_of(mine)]
    assert name_of(other) not in clean_redis.acl_users()
    assert "default" in clean_redis.acl_users()


def test_a_server_that_forgot_its_users_gets_them_again(agents, clean_redis):
    mine, other = agents
    clean_redis.acl_deluser(name_of(mine))
    keep_users(prefix=PREFIX, wanted={name_of(one): user(one) for one in (mine, other)})
    assert redis.Redis.from_url(address(mine)).ping()


def test_changed_rules_reach_the_server(agents, clean_redis):
    mine, _ = agents
    looser = RedisUser(user(mine).password, (*redis_rights(mine), "+xlen"))
    keep_users(prefix=PREFIX, wanted={name_of(mine): looser})
    assert redis.Redis.from_url(address(mine)).xlen(f"votes.{mine}") == 0
    assert redis_users._told[name_of(mine)] == looser
