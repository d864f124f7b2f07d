"""Code of what a screen shows: a Python script against the public interface of ``core``, and a command line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from core.plugins.loader import loaded_by_key
from core.scenario.scenario import Scenario
from core.snapshot.view import LensAim, View
from core.text.code_text import PROGRAM, docstring_line, python_literal


def python_script(scenario: Scenario, view: View) -> str:
    """Return a script that runs a scenario and prints KL and bound of every sampler at the view's t.

    It holds the scenario's content, so that it needs no other file; sampler files of the user are named, and loaded
    from where they lie.

    Args:
        scenario: as a screen shows it; with a value of y, the same numbers follow.
        view: t; without one, t = 1.
    """
    plugins = needed_plugins(scenario)
    names = ["Scenario", *(["load_plugin"] if plugins else []), "run"]
    t = 1 if view.t is None else view.t
    loads = [f"load_plugin(Path({str(path)!r}))  # its code is run" for path in plugins]
    toml = scenario.to_toml()
    lines = [
        f'"""{docstring_line(scenario.name)}: KL and bound at t = {t}, in nats."""',
        "",
        *(["from pathlib import Path", ""] if plugins else []),
        f"from core import {', '.join(sorted(names, key=str.lower))}",
        "",
        *([*loads, ""] if loads else []),
        f"scenario = Scenario.from_toml({python_literal(toml)})",
        "results = run(scenario)",
        f"for key, found in results.at({t}).items():",
        "    print(f\"{key}: KL {found.kl.text} ({found.kl.kind}), bound {found.terms['bound']}\")",
    ]
    return "\n".join(lines) + "\n"


def command_line(source: str, view: View, what: str = "", plugins: Sequence[Path] = ()) -> str:
    """Return the command that computes a run without a window, or exports a figure of it, quoted for a shell.

    Args:
        source: scenario file, key of a built-in scenario, or a snapshot's text.
        view: what the figure shows, and its snapshot.
        what: what is drawn; empty: the run and its report.
        plugins: sampler files that the run needs.
    """
    words = [PROGRAM, "run", source]
    if what:
        words = [PROGRAM, "export", "figure", source, "--what", what]
        words += [] if view.t is None else ["--t", str(view.t)]
        words += ["--overlays", ",".join(view.overlays)]
        words += [] if view.enlarged is None else ["--sampler", view.enlarged]
        words += [] if view.part == "all" else ["--part", view.part]
        words += [] if view.plane is None else ["--plane", view.plane]
        words += [] if view.extent is None else [f"--extent={','.join(map(repr, view.extent))}"]
        words += [] if view.time_axis == "t" else ["--axis", view.time_axis]
        words += [] if view.lens is None else [f"--lens={_aim(view.lens)}"]
        words += [] if view.logarithmic else ["--linear"]
        words += [] if view.details == "Composition" else ["--details", view.details]
    for path in plugins:
        words += ["--plugin", str(path)]
    return shlex.join(words)


def _aim(lens: LensAim) -> str:
    """Return where the lens looks as the command takes it: particles are numbered from 1."""
    where = lens.place if lens.particle is None else (lens.particle + 1,)
    return ",".join([lens.sampler, *map(repr, where)])


def needed_plugins(scenario: Scenario) -> list[Path]:
    """Return the loaded sampler files that a scenario's samplers come from."""
    tables = scenario.samplers
    parts = {part for name in (*scenario.run.samplers, *tables) for part in name.split(":")}
    parts |= {str(value) for table in tables.values() for key, value in table.items() if key in {"kind", "score"}}
    return [path for key, (path, _) in loaded_by_key().items() if key in parts]
