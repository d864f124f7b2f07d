"""Results of simulations by setting: of the present one, and of those that differ from it in one number."""

from __future__ import annotations

from typing import Any, final

from app.spectrum.curve_plot import Dot
from core.spectrum.optimum import value_of
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated

_MOST = 60
"""Number of settings that are remembered."""
_ASIDE = {"repeats", "seed"}
"""Fields that change no expected value."""


@final
class Measured:
    """Results of simulations, the latest last."""

    def __init__(self) -> None:
        self._found: list[tuple[SpectrumSetting, Simulated]] = []

    def add(self, setting: SpectrumSetting, simulated: Simulated) -> None:
        """Keep a result in place of an earlier one of the same setting."""
        others = [each for each in self._found if not is_alike(each[0], setting)]
        self._found = [*others[-_MOST + 1 :], (setting, simulated)]

    def of(self, setting: SpectrumSetting) -> Simulated | None:
        """Return what was simulated of a setting."""
        return next((found for known, found in self._found if is_alike(known, setting)), None)

    def dots(self, setting: SpectrumSetting, key: str) -> list[Dot]:
        """Return what was simulated of settings that differ from this one in a number at most."""
        dots = []
        for known, found in self._found:
            if _without(known, key) == _without(setting, key) and (value := value_of(known, key)) is not None:
                dots.append(Dot(value, found.w2.mean, found.w2.error))
        return dots


def is_alike(one: SpectrumSetting, other: SpectrumSetting, *keys: str) -> bool:
    """Return whether two settings have the same results: they may differ in name, notes, repeats and seed.

    Args:
        one: a setting.
        other: another.
        keys: of numbers in which they may differ, too; an empty one is ignored.
    """
    return _without(one, *keys) == _without(other, *keys)


def _without(setting: SpectrumSetting, *keys: str) -> dict[str, Any]:
    """Return the numbers of a setting that matter, but some."""
    data = setting.to_dict()
    found = {table: dict(data.get(table, {})) for table in ("spectrum", "method", "learning")}
    for name in _ASIDE:
        found["learning"].pop(name, None)
    for key in filter(None, keys):
        *tables, name = key.split(".")
        table: Any = found
        for each in tables:
            table = table.get(each, {})
        table.pop(name, None)
    return found
