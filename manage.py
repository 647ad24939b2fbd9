"""Sets the settings module and hands over to Django, or to research on candle files, which starts without the house."""

import os
import sys

from django.core.management import execute_from_command_line

from tradinghq import file_commands

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
    if len(sys.argv) > 1 and sys.argv[1] in file_commands.NAMES:
        file_commands.run(sys.argv)
    else:
        execute_from_command_line(sys.argv)
