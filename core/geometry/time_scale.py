"""Scales of the time axis: equal room for every t, for equal ratios of t, or for equal steps of log SNR."""

from __future__ import annotations

from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from core.problem.schedule import Schedule

Kind = Literal["t", "log t", "log SNR"]

_LAST_SHARE = 0.04
"""Largest fraction of the axis between t = 1 and t = 0, whose SNR is infinite."""


@final
class TimeScale:
    """Positions of the frames t = T, ..., 0 on an axis from 0 to 1.

    Args:
        schedule: gives ``SNR_t = abar_t / (1 - abar_t)``.
        kind: quantity in which the axis is uniform.
    """

    def __init__(self, schedule: Schedule, kind: Kind = "t") -> None:
        self.kind = kind
        self.positions: NDArray[np.float64] = np.linspace(0, 1, schedule.steps + 1)
        """(T + 1,): by frame, rising from 0 to 1."""
        if kind == "log t":
            logs = np.log1p(np.arange(schedule.steps, -1.0, -1.0))
            self.positions = 1 - logs / logs[0]
        if kind == "log SNR" and schedule.steps > 1:
            abar = schedule.alpha_bar[:0:-1]
            log_snr = np.log(abar) - np.log1p(-abar)
            length = log_snr[-1] - log_snr[0]
            last = min(log_snr[-1] - log_snr[-2], _LAST_SHARE * length)
            places = np.append(log_snr - log_snr[0], length + last)
            self.positions = places / places[-1]

    @property
    def steps(self) -> int:
        """T."""
        return len(self.positions) - 1

    def position(self, frame: float) -> float:
        """Return the position of a (fractional) frame on the axis."""
        return float(np.interp(frame, np.arange(len(self.positions)), self.positions))

    def frame(self, position: float) -> float:
        """Return the fractional frame at a position; the inverse of :meth:`position`."""
        return float(np.interp(position, self.positions, np.arange(len(self.positions))))

    def advance(self, frame: float, share: float) -> float:
        """Return the fractional frame that lies a share of the axis after a frame."""
        if self.kind == "t":
            return frame + share * self.steps
        return self.frame(self.position(frame) + share)

    def time(self, position: float) -> int:
        """Return the t whose frame is nearest to a position."""
        return self.steps - int(np.abs(self.positions - position).argmin())

    def axis(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return abscissas of times, from T down to 0; times below 0 and above T are extrapolated.

        The kind ``t`` leaves them unchanged.
        """
        if self.kind == "t":
            return times
        inside = self.steps * (1 - np.interp(self.steps - times, np.arange(len(self.positions)), self.positions))
        return inside + np.minimum(times, 0) + np.maximum(times - self.steps, 0)
