"""Secrets that need no place to be kept: each is derived from the instance's own key and a name."""

from django.conf import settings
from django.utils.crypto import salted_hmac


def derived_secret(purpose: str, name: str) -> str:
    """64 hexadecimal characters, the same for the same purpose and name as long as the instance keeps its key."""
    return salted_hmac(f"tradinghq.{purpose}", name, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
