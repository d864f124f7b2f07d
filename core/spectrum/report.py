"""Report of a spectrum setting, ``spectrum.json``, ``spectrum.csv`` and ``spectrum.png``: numbers with their kinds."""

from __future__ import annotations

import io
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from core.spectrum.numbers import spectrum_columns
from core.spectrum.optimum import Curve, Optimum
from core.spectrum.prediction import Prediction
from core.spectrum.simulation import Estimate, Simulated
from core.system.staging import write_together
from core.text.number_format import known
from core.text.table_files import csv_bytes
from core.version import product_version

SCHEMA = 1
"""Version of the report's layout."""
FILES = ("spectrum.csv", "spectrum.json", "spectrum.png")
"""File names of a report."""


def build_spectrum_report(
    prediction: Prediction,
    simulated: Simulated | None = None,
    curve: Curve | None = None,
    best: Optimum | None = None,
) -> dict[str, Any]:
    """Return the content of ``spectrum.json``: plain numbers, lists and strings; None for what is infinite or unknown.

    Args:
        prediction: of the setting.
        simulated: the last of a simulation; None: there was none.
        curve: of W2 against one number.
        best: choice under a budget.
    """
    return {
        "schema": SCHEMA,
        "setting": prediction.setting.to_dict(),
        "versions": {"mismatch-lab": product_version(), "python": platform.python_version(), "numpy": np.__version__},
        "spectrum": {
            "label": prediction.spectrum.label,
            "remark": prediction.spectrum.remark,
            "dimension": prediction.spectrum.dimension,
            "zeros": prediction.spectrum.zeros,
            "trace": float(prediction.spectrum.eigenvalues.sum()),
        },
        "method": {
            "label": prediction.method.label,
            "nfe": prediction.method.nfe,
            "unstable_eigenvalues": int(prediction.unstable.sum()),
        },
        "w2": {
            "value": known(prediction.w2),
            "kind": prediction.w2_squared.kind,
            "infinite": bool(np.isinf(prediction.w2)),
        },
        "w2_squared": {"value": known(prediction.w2_squared.value), "kind": prediction.w2_squared.kind},
        "exact_score": {"w2_squared": known(prediction.exact_squared), "kind": "exact"},
        "kl": {
            "value": known(prediction.kl.value),
            "kind": prediction.kl.kind,
            "of": "KL(data ‖ samples), exact score",
        },
        "budget": [
            {
                "source": entry.source,
                "added": _known(entry.added),
                "alone": _known(entry.alone),
                "interaction": _known(entry.interaction),
                "kind": entry.kind,
                "note": entry.note,
            }
            for entry in prediction.budget.sources
        ],
        "validity": list(prediction.validity),
        "simulation": None if simulated is None else _simulation(simulated),
        "curve": None if curve is None else _curve(curve),
        "best": None
        if best is None
        else {"values": best.values, "w2": known(best.w2), "kind": best.kind, "at_limit": list(best.at_limit)},
    }


def spectrum_report_bytes(
    prediction: Prediction,
    simulated: Simulated | None = None,
    curve: Curve | None = None,
    best: Optimum | None = None,
) -> bytes:
    """Return the text of ``spectrum.json``; for the arguments see :func:`build_spectrum_report`."""
    content = build_spectrum_report(prediction, simulated, curve, best)
    return (json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _known(value: float | None) -> float | None:
    return None if value is None else known(value)


def _simulation(simulated: Simulated) -> dict[str, Any]:
    return {
        "kind": "simulated mean ± standard error" if simulated.w2_squared.error > 0 else "exact propagation",
        "w2_squared": _estimate(simulated.w2_squared),
        "w2": _estimate(simulated.w2),
        "w2_squared_of_exact_minimiser": _estimate(simulated.minimiser),
        "diverged": simulated.diverged,
        "how": simulated.how,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": known(estimate.mean), "stderr": known(estimate.error), "repeats": estimate.count}


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "parameter": curve.key,
        "label": curve.label,
        "values": curve.values.tolist(),
        "w2_exact_score": [known(value) for value in curve.exact.tolist()],
        "w2_predicted": None if curve.learned is None else [known(value) for value in curve.learned.tolist()],
    }


def write_spectrum_report(
    prediction: Prediction,
    folder: Path,
    simulated: Simulated | None = None,
    curve: Curve | None = None,
    best: Optimum | None = None,
) -> None:
    """Write the report's files into ``folder``, which is made if need be: all or none.

    Raises:
        OSError: they cannot be written.
    """
    from core.spectrum.figure import save_spectrum_figure  # noqa: PLC0415 - matplotlib takes a second to load

    picture = io.BytesIO()
    save_spectrum_figure(prediction, simulated, curve, picture)
    contents = {
        "spectrum.csv": csv_bytes(spectrum_columns(prediction, simulated, None, "eigenvalues")),
        "spectrum.json": spectrum_report_bytes(prediction, simulated, curve, best),
        "spectrum.png": picture.getvalue(),
    }
    write_together(folder, contents)
