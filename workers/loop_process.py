"""A process of loops alone, ``python -m workers.loop_process``: it waits for no broker and ends when it is told to."""

import gc
import os
import signal
import threading

import django


def main() -> None:
    """Run the loops that ``HQ_LOOPS`` names until SIGTERM or SIGINT; their running steps end first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
    django.setup()
    from apps.foundation.logs import configure_logging
    from workers.loop_threads import LoopThreads

    configure_logging(os.environ["HQ_PROCESS"])
    told_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_end.set())
    loops = LoopThreads()
    loops.start()
    gc.freeze()  # what was loaded stays: it is not looked through again and again
    told_to_end.wait()
    loops.stop()


if __name__ == "__main__":
    main()
