"""Sign-in, refresh, sign-out, tickets for the stream, and who am I."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.auth_sessions import (
    NotSignedIn,
    TokenPair,
    end_session,
    end_session_of,
    refresh_session,
    session_views,
    sign_in,
)
from apps.foundation.password_confirmation import confirm_password
from apps.foundation.permissions import ROLES, Role, suffices
from apps.foundation.rest import auth_serializers as bodies
from apps.foundation.rest.authentication import SessionTokenAuthentication
from apps.foundation.rest.views import HouseView
from apps.foundation.stream_tickets import LIFE_SECONDS, StreamPass, issue_ticket

ACCESS_SECONDS = 300


class PublicView(HouseView):
    """Open to everybody: a stale Authorization header must not keep a person from signing in."""

    authentication_classes = []


class TokenView(PublicView):
    roles = {"POST": Role.PUBLIC}

    @extend_schema(request=bodies.SignInRequest, responses=bodies.TokenPairAnswer, operation_id="auth_sign_in")
    def post(self, request: Request) -> Response:
        """Sign in. Failed attempts are limited by user name and address."""
        given = bodies.SignInRequest.checked(request.data)
        pair = sign_in(
            **given,
            address=request.META.get("REMOTE_ADDR", ""),
            user_agent=request.headers.get("User-Agent", ""),
            moment=self.moment,
        )
        return _answer(pair)


class RefreshView(PublicView):
    roles = {"POST": Role.PUBLIC}

    @extend_schema(request=bodies.RefreshRequest, responses=bodies.TokenPairAnswer, operation_id="auth_refresh")
    def post(self, request: Request) -> Response:
        """A new pair for a refresh token, which is good for one use. An old one used again ends its session."""
        given = bodies.RefreshRequest.checked(request.data)
        return _answer(refresh_session(refresh=given["refresh"], moment=self.moment))


class RevokeView(PublicView):
    roles = {"POST": Role.PUBLIC}

    @extend_schema(request=bodies.RevokeRequest, responses={204: None}, operation_id="auth_sign_out")
    def post(self, request: Request) -> Response:
        """Sign out: end the session of the refresh token in the body, else of the access token in the header."""
        refresh = bodies.RevokeRequest.checked(request.data or {}).get("refresh")
        if refresh:
            end_session_of(refresh=refresh, moment=self.moment)
            return Response(status=204)
        found = SessionTokenAuthentication().authenticate(request)
        if found is None:
            raise NotSignedIn("Send the refresh token, or the access token in the header.")
        bearer = found[0]
        end_session(session_id=bearer.session_id, actor=bearer.username, moment=self.moment)
        return Response(status=204)


class TicketView(HouseView):
    roles = {"POST": Role.VIEWER}

    @extend_schema(request=None, responses=bodies.TicketAnswer, operation_id="auth_stream_ticket")
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """A ticket for ``/ws/v1/stream/?ticket=``: single use, 30 seconds."""
        user = self.bearer
        ticket = issue_ticket(StreamPass(user.session_id, int(user.pk), user.username, user.role))
        return Response({"ticket": ticket, "expires_in": LIFE_SECONDS})


class ConfirmView(HouseView):
    roles = {"POST": Role.VIEWER}
    secret_body = True

    @extend_schema(request=bodies.ConfirmRequest, responses={204: None}, operation_id="auth_confirm")
    def post(self, request: Request) -> Response:
        """Give your password again: a step that needs it (enabling a live account) may follow within five minutes."""
        given = bodies.ConfirmRequest.checked(request.data)
        confirm_password(
            session_id=self.bearer.session_id,
            username=self.bearer.username,
            password=given["password"],
            address=request.META.get("REMOTE_ADDR", ""),
            moment=self.moment,
        )
        return Response(status=204)


class MeView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=bodies.MeAnswer, operation_id="auth_me")
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Who is signed in, with which role."""
        user = self.bearer
        can = [role.value for role in ROLES if suffices(user.role, role)]
        answer: dict[str, Any] = {"id": str(user.pk), "username": user.username, "role": user.role.value}
        return Response(answer | {"session_id": str(user.session_id), "can": can})


class SessionsView(HouseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=bodies.SessionAnswer(many=True), operation_id="auth_sessions")
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Your open sessions."""
        rows = session_views(user_id=int(self.bearer.pk), moment=self.moment)
        mine = str(self.bearer.session_id)
        return Response([row | {"current": row["id"] == mine} for row in rows])


class SessionView(HouseView):
    roles = {"DELETE": Role.VIEWER}

    @extend_schema(responses={204: None}, operation_id="auth_end_session")
    def delete(self, request: Request, session_id: UUID) -> Response:  # noqa: ARG002
        """End one of your sessions; its tokens and sockets end with it."""
        end_session(session_id=session_id, actor=self.actor, moment=self.moment, user_id=int(self.bearer.pk))
        return Response(status=204)


def _answer(pair: TokenPair) -> Response:
    answer = {
        "access": pair.access,
        "refresh": pair.refresh,
        "session_id": str(pair.session_id),
        "expires_in": ACCESS_SECONDS,
    }
    return Response(answer, headers={"Cache-Control": "no-store"})
