"""The admin's sign-in counts failures together with the API's: one limit for both doors."""

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from apps.foundation import login_limits


class LimitedSignInForm(AuthenticationForm):
    """Refuses before the password is looked at when this name or address has failed too often."""

    def clean(self) -> dict[str, Any]:
        who = {
            "username": self.cleaned_data.get("username") or "",
            "address": self.request.META.get("REMOTE_ADDR", ""),
        }
        try:
            login_limits.refuse_too_many(**who)
        except login_limits.TooManyAttempts as error:
            raise ValidationError(error.message, code=error.code) from None
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            login_limits.count_failure(**who)
            raise
        return cleaned
