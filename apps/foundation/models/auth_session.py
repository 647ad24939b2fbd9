import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AuthSession(models.Model):
    """One sign-in. Its id stands in every token and ticket; revoking it ends them and closes its sockets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="auth_sessions")
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(db_default=Now())
    last_refresh_jti = models.CharField(max_length=64, blank=True, default="")
    revoked_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When the password was last given again.")
    user_agent = models.CharField(max_length=256, blank=True, default="")
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        db_table = "foundation_auth_session"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"], name="auth_session_user")]

    def __str__(self) -> str:
        return f"{self.pk}"
