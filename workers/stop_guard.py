"""The stop guard: it knows nothing of agents and screens, waits for no broker, and ends when it is told to."""

import os
import signal
import threading

import django

IDLE_SECONDS = 1.0


def main() -> None:
    """Watch over the positions until SIGTERM or SIGINT; the running cycle ends first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
    django.setup()
    from django.conf import settings

    from apps.foundation.after_commit import send_from_a_thread
    from apps.foundation.lease_memory import standing_by
    from apps.foundation.logs import configure_logging
    from apps.foundation.loops import run_loop
    from apps.market import queries as market
    from apps.trading import operations as trading

    configure_logging("guard")
    send_from_a_thread()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_loop(
        "stop_guard",
        lambda: trading.guard_cycle(moment=market.current_moment()),
        idle_seconds=IDLE_SECONDS,
        wake="hq_quotes" if settings.MARKET == "live" else "hq_cursor",
        stop=stop,
        stand_by=standing_by,
    )


if __name__ == "__main__":
    main()
