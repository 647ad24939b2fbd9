"""What the agents' room does."""

from apps.agents.domain.backtest.run_backtest import BACKTEST_MODES, BacktestWish, WantedStrategy
from apps.agents.operations.bench_agent import bench_agent
from apps.agents.operations.change_desired_state import destroy_agent, start_agent, stop_agent
from apps.agents.operations.change_policy import change_policy
from apps.agents.operations.close_rounds import close_ready_rounds
from apps.agents.operations.configure_agent import configure_agent
from apps.agents.operations.create_agent import create_agent
from apps.agents.operations.device_queue import send_batch, waiting_batches
from apps.agents.operations.finish_draining import finish_draining
from apps.agents.operations.forget_beats import forget_beats
from apps.agents.operations.judge_windows import JudgedBatch, judge_windows, warm_model_in_force
from apps.agents.operations.load_model import model_of_file, shipped_model
from apps.agents.operations.models_in_force import retire_model
from apps.agents.operations.open_rounds import open_rounds
from apps.agents.operations.promotion.advance_promotion import advance_promotion
from apps.agents.operations.promotion.end_promotion import end_promotion
from apps.agents.operations.promotion.follow_promotions import follow_promotions
from apps.agents.operations.promotion.open_promotion import open_promotion
from apps.agents.operations.record_vote import StreamEntry, count_unread, record_vote, record_votes
from apps.agents.operations.register_model import register_model, register_shipped_model
from apps.agents.operations.research.backtest_wishes import StoredCandles, stored_candles
from apps.agents.operations.research.cancel_backtest import cancel_backtest
from apps.agents.operations.research.cancel_search import cancel_search
from apps.agents.operations.research.do_work import compute_work, keep_work
from apps.agents.operations.research.request_backtest import request_backtest
from apps.agents.operations.research.request_search import request_search
from apps.agents.operations.research.work_claims import (
    Claim,
    beat_work,
    call_for_waiting,
    claim_next_work,
    fail_work,
    tend_research,
)
from apps.agents.operations.scale_agents import ScaledAgents, scale_agents
from apps.agents.operations.score_agents import score_agents
from apps.agents.operations.search_parameters import (
    SearchedCandles,
    SearchWish,
    plan_of,
    report_of,
    run_search,
    search_fold,
    search_mode,
)
from apps.agents.operations.seed_agents import seed_agents
from apps.agents.operations.send_windows import A_BATCH
from apps.agents.operations.tell_device import DeviceRecord, tell_device
from apps.agents.operations.train_model import TrainedModel, TrainingWish, train_model
from apps.agents.operations.verify_scores import ScoresReport, check_scores, verify_scores
from apps.agents.ports import FitSettings

__all__ = [
    "A_BATCH",
    "BACKTEST_MODES",
    "BacktestWish",
    "Claim",
    "DeviceRecord",
    "FitSettings",
    "JudgedBatch",
    "ScaledAgents",
    "ScoresReport",
    "SearchWish",
    "SearchedCandles",
    "StoredCandles",
    "StreamEntry",
    "TrainedModel",
    "TrainingWish",
    "WantedStrategy",
    "advance_promotion",
    "beat_work",
    "bench_agent",
    "call_for_waiting",
    "cancel_backtest",
    "cancel_search",
    "change_policy",
    "check_scores",
    "claim_next_work",
    "close_ready_rounds",
    "compute_work",
    "configure_agent",
    "count_unread",
    "create_agent",
    "destroy_agent",
    "end_promotion",
    "fail_work",
    "finish_draining",
    "follow_promotions",
    "forget_beats",
    "judge_windows",
    "keep_work",
    "model_of_file",
    "open_promotion",
    "open_rounds",
    "plan_of",
    "record_vote",
    "record_votes",
    "register_model",
    "register_shipped_model",
    "report_of",
    "request_backtest",
    "request_search",
    "retire_model",
    "run_search",
    "scale_agents",
    "score_agents",
    "search_fold",
    "search_mode",
    "seed_agents",
    "send_batch",
    "shipped_model",
    "start_agent",
    "stop_agent",
    "stored_candles",
    "tell_device",
    "tend_research",
    "train_model",
    "verify_scores",
    "waiting_batches",
    "warm_model_in_force",
]
