"""Predictions of the Gaussian error analysis against simulation, over random settings of every method.

Run as ``python -m tests.spectrum_soak [SETTINGS [REPEATS]]`` from the repository's root. A prediction agrees where it
is within three standard errors of the simulated mean; in its broken twin what is learned counts twice.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Any, NamedTuple

import numpy as np

from core.spectrum.prediction import predict
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting

SETTINGS, REPEATS = 20, 400


class Agreement(NamedTuple):
    """How many standard errors a prediction is off, and its broken twin."""

    setting: SpectrumSetting
    deviation: float
    broken: float


def _spectrum(chance: np.random.Generator) -> dict[str, Any]:
    dimension = int(chance.integers(2, 9))
    if chance.random() < 0.5:
        return {"kind": "power law", "dimension": dimension, "exponent": float(chance.uniform(0.0, 1.5))}
    return {"kind": "values", "values": np.exp(chance.normal(-0.7, 0.8, dimension)).tolist()}


def _diffusion(scheme: str, chance: np.random.Generator) -> dict[str, Any]:
    return {
        "kind": "diffusion",
        "scheme": scheme,
        "points": int(chance.integers(40, 120)),
        "eps": float(np.exp(chance.uniform(math.log(1e-3), math.log(0.05)))),
        "start": str(chance.choice(["normal", "p_T"])),
    }


def _langevin(chance: np.random.Generator, **more: Any) -> dict[str, Any]:
    sigma = float(chance.uniform(0.2, 0.7))
    return {"kind": "langevin", "sigma": sigma, "gamma": float(chance.uniform(0.02, 0.6)) * sigma**2, **more}


def _discrete(sampler: str, chance: np.random.Generator) -> dict[str, Any]:
    variance = str(chance.choice(["theory", "beta", "posterior"]))
    schedule = {"kind": "linear", "steps": int(chance.integers(60, 120)), "beta_start": 2e-4, "beta_end": 0.12}
    return {"kind": "discrete", "sampler": sampler, "variance": variance, "last": 1, "schedule": schedule}


def _samples(chance: np.random.Generator) -> dict[str, Any]:
    return {"samples": int(np.exp(chance.uniform(math.log(1.5e3), math.log(1.5e4))))}


METHODS: dict[str, Any] = {
    "Langevin, stationary": (_langevin, _samples),
    "Langevin, k steps": (lambda chance: _langevin(chance, steps=int(chance.integers(5, 200))), _samples),
    **{
        scheme: (lambda chance, scheme=scheme: _diffusion(scheme, chance), _samples)
        for scheme in ("EM", "EI", "DDPM", "Euler", "Heun", "RK4")
    },
    **{
        f"continuous {form}": (
            lambda chance, form=form: {"kind": "continuous", "form": form, "eps": float(chance.uniform(1e-4, 0.05))},
            _samples,
        )
        for form in ("SDE", "ODE")
    },
    **{
        f"discrete {sampler}": (lambda chance, sampler=sampler: _discrete(sampler, chance), _samples)
        for sampler in ("ancestral", "DDIM", "Heun")
    },
    **{
        f"{scheme}, SGD at every level": (
            lambda chance, scheme=scheme: _diffusion(scheme, chance) | {"eps": float(chance.uniform(0.02, 0.1))},
            lambda chance: {"tau": float(np.exp(chance.uniform(math.log(2e-5), math.log(1e-4))))},
        )
        for scheme in ("EM", "EI", "DDPM", "Euler")
    },
    "Langevin, SGD": (
        lambda chance: _langevin(chance, sigma=float(chance.uniform(0.4, 0.7)), gamma=1e-3),
        lambda chance: {"tau": float(chance.uniform(1e-3, 3e-3))},
    ),
    "Langevin, samples and SGD": (
        lambda chance: _langevin(chance, sigma=float(chance.uniform(0.4, 0.7)), gamma=1e-3),
        lambda chance: {**_samples(chance), "tau": float(chance.uniform(1e-3, 3e-3))},
    ),
}
"""By name: the method and what is learned, from a generator of random numbers."""


def random_setting(name: str, number: int) -> SpectrumSetting:
    """Return one of the random settings of a method."""
    chance = np.random.default_rng([number, *name.encode()])
    method, learning = METHODS[name]
    return SpectrumSetting.from_dict(
        {
            "name": f"{name}, {number}",
            "spectrum": _spectrum(chance),
            "method": method(chance),
            "learning": {**learning(chance), "seed": number},
        }
    )


def agreement(setting: SpectrumSetting, repeats: int) -> Agreement:
    """Return how far the prediction is from the simulation, in standard errors."""
    data = setting.spectrum.build()
    *_, found = simulate_setting(setting, data, repeats=repeats)
    predicted = predict(setting, data)
    learned = predicted.w2_squared.value - predicted.exact_squared
    mean, error = found.w2_squared.mean, found.w2_squared.error
    off = (predicted.w2_squared.value - mean) / error
    return Agreement(setting, off, off + learned / error)


def main(settings: int, repeats: int) -> None:
    """Compare all methods, and say the counts."""
    total = agreed = broken = 0
    for name in METHODS:
        start = time.monotonic()
        found = [agreement(random_setting(name, number), repeats) for number in range(settings)]
        fine = sum(abs(each.deviation) < 3 for each in found)
        twin = sum(abs(each.broken) < 3 for each in found)
        total, agreed, broken = total + settings, agreed + fine, broken + twin
        worst = max(found, key=lambda each: abs(each.deviation))
        mean = sum(each.deviation for each in found) / settings
        print(
            f"{name}: {fine} of {settings} within 3 s.e. (broken twin {twin}); mean {mean:+.2f}, "
            f"worst {worst.deviation:+.2f}; {time.monotonic() - start:.0f} s",
            flush=True,
        )
    print(f"{agreed} of {total} agree; of the broken twins {broken}")


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:]]
    main(*[*arguments, *[SETTINGS, REPEATS][len(arguments) :]])
