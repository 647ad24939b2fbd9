"""One agent: a Celery worker of its own that knows a strategy, its queue and its vote stream, and nothing else.

Run as ``python -m workers.agent_process`` with AGENT_ID, AGENT_STRATEGY, AGENT_PARAMETERS (JSON) and AGENT_REDIS_URL.
"""
