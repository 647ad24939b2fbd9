import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.foundation.permissions import ensure_roles
from tradinghq import environment as env
from tradinghq.supervision.first_steps import ADMIN, FIRST_LOGIN, keep_first_login, set_admin_password


class Command(BaseCommand):
    help = "Give the administrator a new random password (or HQ_ADMIN_PASSWORD) and end all its sessions."

    def handle(self, *args: Any, **options: Any) -> None:
        given = env.text("HQ_ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(15)
        ensure_roles()
        set_admin_password(password)
        if given:
            self.stdout.write(f"{ADMIN} now has the password from HQ_ADMIN_PASSWORD.")
            return
        keep_first_login(settings.HQ_HOME, password)
        self.stdout.write(f"user: {ADMIN}\npassword: {password}\nKept in {settings.HQ_HOME / FIRST_LOGIN}.")
