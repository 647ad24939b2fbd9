"""The bridge over REST: this instance's key, its peers, what was said either way, and agents that peers propose."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.foundation.password_confirmation import require_confirmed
from apps.foundation.permissions import Role
from apps.foundation.rest.views import HouseView, ListView
from apps.management import operations, queries
from apps.management.api import bridge_shapes as shapes
from apps.management.models import AgentProposal, BridgePeer, OutgoingEnvelope, TakenEnvelope


class BridgeView(HouseView):
    roles = {"GET": Role.VIEWER}
    query_parameters = ()

    @extend_schema(responses=shapes.BridgeShape)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """How peers know this instance: name, public key, and with whom it speaks."""
        return Response(queries.bridge_view())


class BridgePeersView(ListView):
    """The instances that this one knows, and what was heard of them."""

    roles = {"GET": Role.VIEWER, "POST": Role.ADMIN}
    serializer_class = shapes.BridgePeerShape
    filterset_fields = ("name", "may_halt", "may_propose")
    ordering = ("name",)
    ordering_fields = ("name", "added_at")

    def get_queryset(self) -> QuerySet[BridgePeer]:
        return BridgePeer.objects.all()

    def render(self, rows: Sequence[BridgePeer]) -> list[dict[str, Any]]:
        return [queries.peer_view(row, self.moment.wall) for row in rows]

    @extend_schema(request=shapes.AddPeerRequest, responses={201: shapes.BridgePeerShape})
    def post(self, request: Request) -> Response:
        """Know a peer by its public key, whose fingerprint was compared. Needs the password again (auth/confirm/)."""
        given = shapes.AddPeerRequest.checked(request.data)
        require_confirmed(session_id=self.bearer.session_id, moment=self.moment)
        view = operations.add_peer(**given, actor=self.actor, moment=self.moment)
        return Response(view, status=status.HTTP_201_CREATED)


class PeerKeysView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=shapes.PeerKeyRequest, responses={201: shapes.BridgePeerShape})
    def post(self, request: Request, name: str) -> Response:
        """Know the peer by a further key; the one it had holds on for the overlap. Needs the password again."""
        given = shapes.PeerKeyRequest.checked(request.data)
        require_confirmed(session_id=self.bearer.session_id, moment=self.moment)
        view = operations.add_peer_key(name=name, **given, actor=self.actor, moment=self.moment)
        return Response(view, status=status.HTTP_201_CREATED)


class EndPeerKeyView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=shapes.DecideProposalRequest, responses=shapes.BridgePeerShape)
    def post(self, request: Request, name: str, fingerprint: str) -> Response:
        """Believe this key no more, at once. A peer without a key is refused until it has one."""
        given = shapes.DecideProposalRequest.checked(request.data)
        view = operations.end_peer_key(
            name=name, fingerprint=fingerprint, **given, actor=self.actor, moment=self.moment
        )
        return Response(view)


class PeerRightsView(HouseView):
    roles = {"POST": Role.ADMIN}

    @extend_schema(request=shapes.PeerRightsRequest, responses=shapes.BridgePeerShape)
    def post(self, request: Request, name: str) -> Response:
        """What the peer may do here: halt this firm, propose agents. Needs the password again."""
        given = shapes.PeerRightsRequest.checked(request.data)
        require_confirmed(session_id=self.bearer.session_id, moment=self.moment)
        return Response(operations.change_peer_rights(name=name, **given, actor=self.actor, moment=self.moment))


class ProposeAgentView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=shapes.ProposeAgentRequest, responses={202: shapes.OutgoingShape})
    def post(self, request: Request, name: str) -> Response:
        """Propose an agent of ours to this peer, sealed; people there decide."""
        given = shapes.ProposeAgentRequest.checked(request.data)
        view = operations.propose_agent(
            own=settings.HQ_INSTANCE, peers=settings.HQ_PEERS, peer=name, **given, actor=self.actor, moment=self.moment
        )
        return Response(view, status=status.HTTP_202_ACCEPTED)


class SentEnvelopesView(ListView):
    """What was written to peers, newest first; without a receipt with ``?taken_at__isnull=true``."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.OutgoingShape
    filterset_fields = {"kind": ["exact"], "link__peer": ["exact"], "taken_at": ["isnull"]}
    ordering = ("-id",)
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[OutgoingEnvelope]:
        return OutgoingEnvelope.objects.select_related("link")

    def render(self, rows: Sequence[OutgoingEnvelope]) -> list[dict[str, Any]]:
        return [queries.outgoing_view(row) for row in rows]


class TakenEnvelopesView(ListView):
    """What was taken from peers, and what was refused for good, newest first."""

    roles = {"GET": Role.VIEWER}
    serializer_class = shapes.TakenShape
    filterset_fields = ("kind", "sender", "outcome")
    ordering = ("-id",)
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[TakenEnvelope]:
        return TakenEnvelope.objects.all()

    def render(self, rows: Sequence[TakenEnvelope]) -> list[dict[str, Any]]:
        return [queries.taken_view(row) for row in rows]


class ProposalsView(ListView):
    """The agents that peers proposed, newest first."""

    roles = {"GET": Role.TRADER}
    serializer_class = shapes.ProposalShape
    filterset_fields = ("state", "sender", "strategy")
    ordering = ("-received_at",)
    ordering_fields = ("received_at",)

    def get_queryset(self) -> QuerySet[AgentProposal]:
        return AgentProposal.objects.all()

    def render(self, rows: Sequence[AgentProposal]) -> list[dict[str, Any]]:
        return [queries.proposal_view(row) for row in rows]


class AdoptProposalView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=shapes.DecideProposalRequest, responses=shapes.ProposalShape)
    def post(self, request: Request, proposal_id: UUID) -> Response:
        """Create the agent as it was proposed; needs a reason."""
        given = shapes.DecideProposalRequest.checked(request.data)
        view = operations.adopt_proposal(proposal_id=proposal_id, **given, actor=self.actor, moment=self.moment)
        return Response(view)


class DeclineProposalView(HouseView):
    roles = {"POST": Role.RISK}

    @extend_schema(request=shapes.DecideProposalRequest, responses=shapes.ProposalShape)
    def post(self, request: Request, proposal_id: UUID) -> Response:
        """Put the proposal aside; needs a reason."""
        given = shapes.DecideProposalRequest.checked(request.data)
        view = operations.decline_proposal(proposal_id=proposal_id, **given, actor=self.actor, moment=self.moment)
        return Response(view)
