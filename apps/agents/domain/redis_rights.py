"""What an agent may do in Redis: read its own queue, append to its own vote stream, say that it lives. Pure.

The rules are those of Redis' access lists (6.2 and later). No scripts, no key of anybody else, no channel, no command
that lists, configures or watches the server: with its own credentials an agent can harm nothing but its own votes.
"""

COMMANDS = (
    "ping",
    "select",
    "client|setname",  # not setinfo, which servers before 7.2 refuse to hear of; its refusal harms no client
    "blpop",
    "set",
    "xadd",
)


def redis_user(agent_id: object, *, database: int) -> str:
    """The name of the agent's user. Houses that share a server have a database each, but the users are the server's."""
    return f"hq{database}.agent.{agent_id}"


def redis_rights(agent_id: object) -> tuple[str, ...]:
    """The rules of its user, without the password. Keys: the queue, the sign of life, and the vote stream."""
    keys = (f"~agent.{agent_id}", f"~agent.{agent_id}.beat", f"~votes.{agent_id}")
    return ("resetkeys", "resetchannels", *keys, "nocommands", *(f"+{command}" for command in COMMANDS))
