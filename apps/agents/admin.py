"""The agents' tables in the admin: votes and decisions can be read, agents are steered through the operations."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.agents import operations
from apps.agents.models import (
    Agent,
    AgentScore,
    BacktestRun,
    BacktestTrade,
    ConsensusPolicy,
    Decision,
    DecisionRound,
    NeuralModel,
    Promotion,
    PromotionGate,
    PromotionJudgement,
    SearchFold,
    SearchRun,
    SearchTrial,
    Vote,
    VoteCursor,
    VoteRefusal,
)
from apps.foundation.admin import ReadOnlyAdmin
from apps.foundation.errors import HQError
from apps.market.queries import current_moment


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    list_display = ["name", "strategy", "timeframe", "desired_state", "weight", "benched_reason", "created_at"]
    list_filter = ["strategy", "desired_state", "timeframe"]
    search_fields = ["name"]
    actions = ["start_agents", "stop_agents", "destroy_agents"]

    @admin.action(description="Start the chosen agents")
    def start_agents(self, request: HttpRequest, chosen: QuerySet[Agent]) -> None:
        self._each(request, chosen, operations.start_agent, "started")

    @admin.action(description="Stop the chosen agents")
    def stop_agents(self, request: HttpRequest, chosen: QuerySet[Agent]) -> None:
        self._each(request, chosen, operations.stop_agent, "stopped")

    @admin.action(description="Destroy the chosen agents for good")
    def destroy_agents(self, request: HttpRequest, chosen: QuerySet[Agent]) -> None:
        self._each(request, chosen, operations.destroy_agent, "destroyed")

    def _each(self, request: HttpRequest, chosen: QuerySet[Agent], change: Any, done: str) -> None:
        moment = current_moment()
        for agent in chosen:
            try:
                change(agent_id=agent.pk, actor=request.user.get_username(), moment=moment)
            except HQError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, f"{agent.name} is {done}.", messages.SUCCESS)


@admin.register(DecisionRound)
class DecisionRoundAdmin(ReadOnlyAdmin):
    list_display = ["symbol", "timeframe", "closed_at", "state", "opened_wall", "deadline_wall", "closed_wall"]
    list_filter = ["symbol", "timeframe", "state"]
    show_full_result_count = False


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ["agent", "round", "direction", "confidence", "abstain", "reason", "received_wall"]
    list_filter = ["agent", "abstain"]
    list_select_related = ["agent", "round"]
    show_full_result_count = False


@admin.register(VoteRefusal)
class VoteRefusalAdmin(ReadOnlyAdmin):
    list_display = ["agent", "code", "count", "detail", "first_at", "last_at"]
    list_filter = ["agent", "code"]
    list_select_related = ["agent"]


@admin.register(VoteCursor)
class VoteCursorAdmin(ReadOnlyAdmin):
    list_display = ["agent", "entry_id"]
    list_select_related = ["agent"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["closed_at", "symbol", "timeframe", "outcome", "code", "headline", "score"]
    list_filter = ["symbol", "outcome", "code"]
    search_fields = ["headline", "id", "order_id"]
    show_full_result_count = False


@admin.register(AgentScore)
class AgentScoreAdmin(ReadOnlyAdmin):
    list_display = ["agent", "at", "votes", "opinions", "hit_rate", "brier", "pnl_bps", "weight", "benched_reason"]
    list_filter = ["agent"]
    list_select_related = ["agent"]


@admin.register(BacktestRun)
class BacktestRunAdmin(ReadOnlyAdmin):
    list_display = ["requested_at", "requested_by", "state", "progress", "mode", "trade_count", "digest", "problem"]
    list_filter = ["state", "mode"]
    actions = ["cancel_backtests"]

    @admin.action(description="Cancel the chosen backtests")
    def cancel_backtests(self, request: HttpRequest, chosen: QuerySet[BacktestRun]) -> None:
        moment = current_moment()
        for row in chosen:
            try:
                operations.cancel_backtest(run_id=row.pk, actor=request.user.get_username(), moment=moment)
            except HQError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, f"{row.pk} is canceled.", messages.SUCCESS)


@admin.register(BacktestTrade)
class BacktestTradeAdmin(ReadOnlyAdmin):
    list_display = ["run", "number", "symbol", "opened_at", "closed_at"]
    list_filter = ["symbol"]
    show_full_result_count = False


@admin.register(SearchRun)
class SearchRunAdmin(ReadOnlyAdmin):
    list_display = ["requested_at", "requested_by", "state", "progress", "step", "problem"]
    list_filter = ["state"]


@admin.register(SearchFold)
class SearchFoldAdmin(ReadOnlyAdmin):
    list_display = ["search", "number", "state", "tries", "beat_at", "problem"]
    list_filter = ["state"]


@admin.register(SearchTrial)
class SearchTrialAdmin(ReadOnlyAdmin):
    list_display = ["fold", "number", "value", "parameters", "refused"]
    exclude = ["returns"]
    show_full_result_count = False


@admin.register(ConsensusPolicy)
class ConsensusPolicyAdmin(ReadOnlyAdmin):
    list_display = ["version", "method", "quorum", "enter", "leave", "full", "author", "reason", "at"]


@admin.register(NeuralModel)
class NeuralModelAdmin(ReadOnlyAdmin):
    """Promoted and retired through the operations, which ask for a reason; the weights are no text to read."""

    list_display = ["digest", "state", "origin", "timeframe", "passed", "created_at", "promoted_at", "retired_at"]
    list_filter = ["state", "origin", "timeframe"]
    search_fields = ["digest"]
    exclude = ["weights"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NeuralModel]:
        return super().get_queryset(request).defer("weights")


@admin.register(Promotion)
class PromotionAdmin(ReadOnlyAdmin):
    """Signed off over REST or on the desk, where the gates stand beside the button."""

    list_display = ["agent", "stage", "practice", "since_firm", "paper_days", "canary_days", "opened_by", "opened_at"]
    list_filter = ["stage", "practice"]
    list_select_related = ["agent"]


@admin.register(PromotionJudgement)
class PromotionJudgementAdmin(ReadOnlyAdmin):
    list_display = ["promotion", "outcome", "before", "after", "actor", "reason", "at_wall"]
    list_filter = ["outcome", "after"]
    list_select_related = ["promotion__agent"]


@admin.register(PromotionGate)
class PromotionGateAdmin(ReadOnlyAdmin):
    list_display = ["judgement", "name", "required", "seen", "outcome"]
    list_filter = ["name", "passed", "pending", "waived"]
    list_select_related = ["judgement"]
