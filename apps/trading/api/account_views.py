"""The accounts over REST: which there are, the key to seal to, opening, enabling."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.firm_key import firm_key
from apps.foundation.password_confirmation import require_confirmed
from apps.foundation.permissions import Role
from apps.foundation.rest.pages import whole_page
from apps.foundation.rest.views import HouseView
from apps.trading import operations, queries
from apps.trading.api import answer_shapes as shapes
from apps.trading.api import request_bodies as bodies


class AccountsView(HouseView):
    roles = {"GET": Role.VIEWER, "POST": Role.ADMIN}
    query_parameters = ()

    @extend_schema(responses=shapes.AccountShape(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The accounts the firm trades on, with their balances and what each still needs for live trading."""
        return Response(whole_page(queries.account_views()))

    @extend_schema(request=bodies.OpenAccountRequest, responses={201: shapes.AccountShape})
    def post(self, request: Request) -> Response:
        """Open an account. Keys are taken only as an armored PGP message to the firm's key; plain ones are refused."""
        given = bodies.OpenAccountRequest.checked(bodies.without_plain_keys(request.data))
        answer = operations.open_account(
            **given,
            actor=self.actor,
            moment=self.moment,
        )
        return Response(answer, status=status.HTTP_201_CREATED)


class AccountView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.AccountShape)
    def get(self, request: Request, name: str) -> Response:  # noqa: ARG002
        """One account."""
        return Response(queries.account_view(name))


class PublicKeyView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.PublicKeyShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """The firm's public key: what venue keys are sealed to."""
        key = firm_key().public()
        return Response({"fingerprint": key.fingerprint, "armored": key.armored})


class AccountKeysView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=bodies.SealedKeysRequest, responses=shapes.AccountShape)
    def post(self, request: Request, name: str) -> Response:
        """Give the account other sealed keys. Needs the password again; a live account is disabled by it."""
        given = bodies.SealedKeysRequest.checked(bodies.without_plain_keys(request.data))
        require_confirmed(session_id=self.bearer.session_id, moment=self.moment)
        answer = operations.replace_keys(
            name=name, sealed_keys=given["sealed_keys"], actor=self.actor, moment=self.moment
        )
        return Response(answer)


class EnableAccountView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=bodies.StepReasonRequest, responses=shapes.AccountShape)
    def post(self, request: Request, name: str) -> Response:
        """Let the house trade on the account. Needs the password again (auth/confirm/), and every live need met."""
        given = bodies.StepReasonRequest.checked(request.data)
        require_confirmed(session_id=self.bearer.session_id, moment=self.moment)
        return Response(
            operations.enable_account(name=name, actor=self.actor, reason=given["reason"], moment=self.moment)
        )


class DisableAccountView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=bodies.StepReasonRequest, responses=shapes.AccountShape)
    def post(self, request: Request, name: str) -> Response:
        """Stop using the account; refused while it holds positions or open orders."""
        given = bodies.StepReasonRequest.checked(request.data)
        return Response(
            operations.disable_account(name=name, actor=self.actor, reason=given["reason"], moment=self.moment)
        )
