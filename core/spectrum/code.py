"""Code of a spectrum setting: a Python script against the public interface of ``core``, and a command line."""

from __future__ import annotations

import shlex

from core.spectrum.figure import What
from core.spectrum.setting import SpectrumSetting
from core.text.code_text import PROGRAM, docstring_line, python_literal


def spectrum_script(setting: SpectrumSetting, *, is_simulated: bool = False) -> str:
    """Return a script that predicts a setting, and prints W2 with its kind and what each source adds to W2^2.

    Args:
        setting: as a screen shows it; the path of numbers in a file must be absolute.
        is_simulated: whether it is simulated, too, with the setting's repeats and seed.
    """
    names = ["SpectrumSetting", "predict_spectrum", *(["simulate_spectrum"] if is_simulated else [])]
    lines = [
        f'"""{docstring_line(setting.name)}: W2 and its sources."""',
        "",
        f"from core import {', '.join(names)}",
        "",
        f"setting = SpectrumSetting.from_toml({python_literal(setting.to_toml())})",
        "prediction = predict_spectrum(setting)",
        'print(f"W2 {prediction.w2} ({prediction.w2_squared.kind})")',
        "for entry in prediction.budget.sources:",
        '    print(f"{entry.source}: adds {entry.added} to W2^2 ({entry.kind})")',
    ]
    if is_simulated:
        lines += [
            "simulated = simulate_spectrum(setting)",
            'print(f"W2 {simulated.w2.mean} ± {simulated.w2.error} (simulated, {simulated.w2.count} repeats)")',
        ]
    return "\n".join(lines) + "\n"


def spectrum_command(source: str, what: What = "page", vary: str | None = None, repeats: int | None = None) -> str:
    """Return the command that draws a setting without a window, quoted for a shell.

    Args:
        source: setting's file, key of a built-in one, or a snapshot's text.
        what: what is drawn.
        vary: key of the number against which W2 is drawn; None: the one that matters most.
        repeats: of a simulation that is drawn beside the prediction; None: there is none.
    """
    words = [PROGRAM, "export", "figure", source, "--what", what]
    words += [] if vary is None else ["--vary", vary]
    words += [] if repeats is None else ["--simulate", str(repeats)]
    return shlex.join(words)
