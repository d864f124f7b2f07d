"""Fuzzing of scenario files: ``python -m tests.fuzz.scenarios [COUNT] [SEED]``, or ``make fuzz``.

Every text is read and may raise nothing but a ScenarioError. Some of the accepted ones are made small and run to a
report, which must be valid JSON.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from itertools import islice
from typing import final

from core.errors import ScenarioError
from core.reporting.report import build_report
from core.runs.experiment import Experiment
from core.scenario.builtin import builtin_scenarios
from core.scenario.scenario import Scenario
from tests.fuzz.mutation import texts

SEED = 20261126
_LONGEST_SENTENCE = 2500
_DIMENSION, _COMPONENTS = 8, 12
"""Larger accepted scenarios are read only: running them takes too long."""


@final
@dataclass
class Tally:
    """Counts of rejected, accepted and run texts."""

    refused: int = 0
    accepted: int = 0
    run: int = 0


def small(scenario: Scenario, rounds: int) -> Scenario | None:
    """Return an accepted scenario reduced to a quick run; None where it stays too large."""
    if scenario.dimension > _DIMENSION or len(scenario.prior.weights) > _COMPONENTS:
        return None
    data = scenario.to_dict()
    run = data["run"]
    for name, most in (("particles", 16), ("paths", 16), ("kl_rounds", rounds)):
        run[name] = min(run[name], most)
    run |= {"samplers": run["samplers"][:3], "device": "cpu"}
    data["schedule"]["steps"] = min(data["schedule"]["steps"], 6)
    try:
        return Scenario.from_dict(data)
    except ScenarioError:  # fewer steps may be too large for the schedule
        return None


def check(text: str, tally: Tally, *, runs: bool, rounds: int = 1) -> None:
    """Read a text, and run its scenario.

    Args:
        text: of a scenario's file.
        tally: counts the outcome.
        runs: whether it is run to a report, if it is accepted.
        rounds: of refining the KL, which take most of the time.

    Raises:
        Exception: any error but a rejection of the text.
    """
    try:
        scenario = Scenario.from_toml(text, "fuzz.toml")
    except ScenarioError as error:
        tally.refused += 1
        sentence = str(error)
        if "\n" in sentence or len(sentence) > _LONGEST_SENTENCE:
            raise AssertionError(f"not one sentence: {sentence[:200]!r}") from None
        return
    tally.accepted += 1
    again = Scenario.from_toml(scenario.to_toml())
    if again != scenario:
        raise AssertionError("what is written is not what was read")
    cut = small(scenario, rounds) if runs else None
    if cut is None:
        return
    try:
        experiment = Experiment(cut, keep_frames=False)
    except ScenarioError:
        return
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    json.dumps(build_report(experiment.results), allow_nan=False)
    tally.run += 1


def fuzz(count: int, seed: int = SEED, *, run_every: int = 5) -> Tally:
    """Try some texts; print the first that fails, and its index.

    Raises:
        AssertionError: a text failed.
    """
    tally = Tally()
    originals = [file.read_text(encoding="utf-8") for file in builtin_scenarios().values()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for index, text in enumerate(islice(texts(originals, seed), count)):
            try:
                check(text, tally, runs=index % run_every == 0, rounds=int(index % (10 * run_every) == 0))
            except Exception as error:
                print(text, file=sys.stderr)
                traceback.print_exc()
                raise AssertionError(f"text {index} of seed {seed} failed: {type(error).__name__}: {error}") from error
    return tally


def main() -> None:
    """Try as many texts as the command line says."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    start = time.perf_counter()
    tally = fuzz(count, seed)
    print(f"{count} texts, seed {seed}: {tally} in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
