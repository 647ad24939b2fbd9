"""Access tokens: checked by signature, then against the ended sessions; no user row is loaded."""

from functools import cached_property, lru_cache
from uuid import UUID

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.models import TokenUser
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, Token

from apps.foundation.permissions import Role
from apps.foundation.session_revocations import is_revoked

TOKEN_REFUSED = (
    f"This access token is unknown or has expired: it lives {api_settings.ACCESS_TOKEN_LIFETIME.seconds // 60} minutes,"
    " and POST /api/v1/auth/token/refresh/ with your refresh token gives a new one."
)


class TokenBearer(TokenUser):
    """The user as the token tells; ``role`` and ``session_id`` come from its claims."""

    @cached_property
    def role(self) -> Role:
        return Role(self.token["role"])

    @cached_property
    def session_id(self) -> UUID:
        return UUID(self.token["sid"])


class SessionTokenAuthentication(JWTStatelessUserAuthentication):
    """``Authorization: Bearer <access>``. Any fault is a 401 with a code of its own."""

    def get_validated_token(self, raw_token: bytes) -> Token:
        """The token, if its signature is ours and it has not expired. Raises ``InvalidToken``."""
        try:
            token = _signed_token(raw_token)
            token.check_exp()
        except TokenError:
            raise InvalidToken(TOKEN_REFUSED) from None
        return token

    def authenticate(self, request: Request) -> tuple[TokenBearer, object] | None:  # type: ignore[override]
        found = super().authenticate(request)
        if found is None:
            return None
        user, token = found
        if not isinstance(user, TokenBearer):
            raise TypeError("SIMPLE_JWT must name TokenBearer as TOKEN_USER_CLASS.")
        try:
            ended = is_revoked(user.session_id) or user.role is Role.PUBLIC or int(user.pk) <= 0
        except (KeyError, ValueError):
            raise InvalidToken("This token lacks a session or a role.") from None
        if ended:
            raise InvalidToken({"detail": "This session has ended. Sign in again.", "code": "session_ended"})
        return user, token


@lru_cache(maxsize=1024)
def _signed_token(raw: bytes) -> Token:
    """A token whose signature was checked, kept since a client sends the same one for minutes. It may have expired."""
    return AccessToken(raw)  # type: ignore[arg-type]  # annotated as a Token, reads the text
