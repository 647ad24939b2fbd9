"""Proposals by optuna's tree-structured Parzen estimator; optuna is loaded on first use, by research only."""

from collections.abc import Sequence

from apps.agents.domain.search.parameter_space import Dimension
from apps.agents.domain.search.trials import Trial

LARGEST_SEED = 2**32 - 1


class OptunaSampler:
    """A ``ParameterSampler``: a study is made anew of the trials each time, its seed derives from their number."""

    def propose(self, space: Sequence[Dimension], trials: Sequence[Trial], *, seed: int) -> dict[str, float]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        kinds: dict[str, optuna.distributions.BaseDistribution] = {
            one.name: optuna.distributions.IntDistribution(int(one.lowest), int(one.highest))
            if one.whole
            else optuna.distributions.FloatDistribution(one.lowest, one.highest)
            for one in space
        }
        sampler = optuna.samplers.TPESampler(seed=(seed * 1_000_003 + len(trials)) % LARGEST_SEED, multivariate=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        complete, pruned = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
        study.add_trials(
            optuna.trial.create_trial(
                state=pruned if trial.value is None else complete,
                value=trial.value,
                params={one.name: _number(one, trial.parameters[one.name]) for one in space},
                distributions=kinds,
            )
            for trial in trials
        )
        asked = study.ask(kinds)
        return {name: float(value) for name, value in asked.params.items()}


def _number(one: Dimension, value: float) -> int | float:
    return int(value) if one.whole else value
