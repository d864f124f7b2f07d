"""Common noise of a run: blocks of standard normals, drawn ahead on a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, final

import torch
from torch import Tensor


@final
class Noise:
    """Source of blocks of standard normals, in an order that does not depend on threads.

    One generator draws block after block; where a step has several and torch leaves a core free, the next one is drawn
    on another thread meanwhile.

    Args:
        dimension: d.
        widths: n of each block of a step.
        generator: of this run alone.
        device: where the blocks live.
    """

    def __init__(self, dimension: int, widths: Sequence[int], generator: torch.Generator, device: torch.device) -> None:
        self._generator, self._widths = generator, list(widths)
        has_core = torch.get_num_threads() < (os.cpu_count() or 1)
        ahead = 2 if len(self._widths) > 1 and device.type == "cpu" and has_core else 1
        width = max(self._widths, default=0)
        self._memory = [torch.empty(dimension * width, device=device) for _ in range(ahead)]
        self._dimension, self._drawn = dimension, 0
        self._pool = ThreadPoolExecutor(1, "mismatch-lab-noise") if ahead > 1 else None
        self._next: Future[Tensor] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shut down the thread."""
        if self._pool is not None:
            self._pool.shutdown()

    def step(self) -> Iterator[Tensor]:
        """Yield the blocks of one step, (d, n) each; a block is overwritten when the block after next is requested."""
        for index in range(len(self._widths)):
            if self._pool is None:
                yield self._draw(index)
                continue
            ready = self._next or self._pool.submit(self._draw, index)
            block = ready.result()
            self._next = self._pool.submit(self._draw, (index + 1) % len(self._widths))
            yield block

    def _draw(self, index: int) -> Tensor:
        width = self._widths[index]
        memory = self._memory[self._drawn % len(self._memory)]
        self._drawn += 1
        block = memory[: self._dimension * width].view(self._dimension, width)
        return block.normal_(generator=self._generator)
