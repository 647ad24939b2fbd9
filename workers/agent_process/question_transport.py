"""Celery's Redis transport for an agent: it takes questions and never gives one back.

A question is worth nothing after its round, so what a killed agent had taken is not restored, and nothing is kept in
Redis to restore it from. Restoring is also what the transport needs scripts for, which an agent's user in Redis may not
run: a script that never ends would hold up everybody's Redis.
"""

from kombu.transport.redis import Channel, Transport


class QuestionChannel(Channel):
    """Keeps no record of what was taken, and binds its queue to no exchange: the house sends a question to the queue by
    name.
    """

    ack_emulation = False

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Nothing: see above."""


class QuestionTransport(Transport):
    """Named by its path in the agent's broker settings."""

    Channel = QuestionChannel
