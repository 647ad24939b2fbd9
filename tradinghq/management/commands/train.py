"""``manage.py train``: a model for the neural strategy, learned walk-forward on candle files or stored candles."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from apps.agents import operations as agents
from apps.foundation.errors import HQError
from apps.market.queries import current_moment
from tradinghq import backtest_arguments as arguments
from tradinghq.output_files import refuse_unwritable
from tradinghq.sentence_command import SentenceCommand

LEARNING, DEFAULTS = agents.FitSettings(), agents.TrainingWish()


class Command(SentenceCommand):
    help = "Train a model walk-forward; it becomes a candidate in the registry, or, with --out, a file and its card."

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_candles(parser)
        parser.add_argument("--horizon", type=int, default=DEFAULTS.horizon_bars, help="bars looked ahead")
        parser.add_argument("--cost-bps", type=float, help="round trip that a move must beat; default: the venue's")
        parser.add_argument("--folds", type=int, default=DEFAULTS.folds, help="tests behind one another")
        parser.add_argument("--stride", type=int, default=DEFAULTS.stride, help="every so many bars is a sample")
        parser.add_argument("--hidden", type=int, default=LEARNING.hidden, help="width of the recurrent layer")
        parser.add_argument("--epochs", type=int, default=LEARNING.epochs, help="at most, for each fold")
        parser.add_argument("--seed", type=int, default=LEARNING.seed)
        parser.add_argument("--out", type=Path, metavar="NAME", help="write NAME.safetensors and NAME.json instead")

    def handle(self, *_: Any, **options: Any) -> None:
        arguments.keep_compiled_code()
        if options["out"]:
            refuse_unwritable({"--out": options["out"].with_suffix(".safetensors")}, makes_folders=True)
        else:
            arguments.ask_database("A candidate goes into the registry; --out NAME writes a file instead.")
        try:
            given = arguments.read_candles(options)
            start = arguments.first_ms(options)
            series = [columns.between(start, int(columns.times[-1]) + 1) for columns in given.series]
            trained = agents.train_model(wish=_wish(options), series=series, told=self.stdout.write)
            if options["out"]:
                _write(options["out"], trained)
            else:
                agents.register_model(trained=trained, actor="manage.py train", moment=current_moment())
        except HQError as error:
            raise arguments.refusal(error, options) from error
        self.stdout.write("\n".join(_told(trained, options["out"])))


def _wish(options: dict[str, Any]) -> agents.TrainingWish:
    settings = agents.FitSettings(hidden=options["hidden"], epochs=options["epochs"], seed=options["seed"])
    return agents.TrainingWish(
        horizon_bars=options["horizon"],
        cost_bps=options["cost_bps"],
        folds=options["folds"],
        stride=options["stride"],
        settings=settings,
    )


def _write(stem: Path, trained: agents.TrainedModel) -> None:
    stem.with_suffix(".safetensors").write_bytes(trained.content)
    stem.with_suffix(".json").write_text(json.dumps(trained.card, indent=1, sort_keys=True) + "\n")


def _told(trained: agents.TrainedModel, out: Path | None) -> list[str]:
    gates = trained.card["gates"]
    where = f"in {out}.safetensors" if out else "a candidate in the registry"
    verdict = "passes all gates" if trained.card["passed"] else "does not pass all gates, so it can't be promoted"
    return [
        *(f"{'passed' if gate['passed'] else 'failed'}  {gate['name']}: {gate['detail']}" for gate in gates),
        f"Model {trained.digest[:16]} is {where}; it {verdict}.",
    ]
