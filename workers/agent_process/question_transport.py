"""Celery's Redis transport for an agent: it takes questions and never gives one back.

A question is worth nothing after its round, so what a killed agent had taken is not restored. And restoring is the one
thing for which the transport needs scripts, which an agent's user in Redis may not run: a script that never ends would
hold up everybody's Redis.
"""

from kombu.transport.redis import Channel, QoS, Transport


class QuestionQoS(QoS):
    """Acknowledges questions; leaves those that nobody acknowledged where they are."""

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Nothing: see above."""


class QuestionChannel(Channel):
    """Binds its queue to no exchange: the house sends a question to the queue by name."""

    QoS = QuestionQoS

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Nothing: see above."""


class QuestionTransport(Transport):
    """Named by its path in the agent's broker settings."""

    Channel = QuestionChannel
