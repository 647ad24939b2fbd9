"""Sets the settings module and hands over to what was typed."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
    from tradinghq.command_line import run

    run(sys.argv)
