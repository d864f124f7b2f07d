"""The common noise: standard normals in the generator's order, drawn ahead by a thread."""

from __future__ import annotations

import threading

import pytest
import torch

from core.simulation.noise import Noise

CPU = torch.device("cpu")


def blocks(widths: list[int], steps: int, seed: int = 0) -> list[list[torch.Tensor]]:
    with Noise(3, widths, torch.Generator().manual_seed(seed), CPU) as noise:
        return [[block.clone() for block in noise.step()] for _ in range(steps)]


@pytest.mark.parametrize("widths", [[50], [20, 20, 10], [7, 7]])
def test_noise_blocks_follow_generator_order(widths: list[int]) -> None:
    generator = torch.Generator().manual_seed(4)
    for step in blocks(widths, 5, seed=4):
        for block, width in zip(step, widths, strict=True):
            torch.testing.assert_close(block, torch.empty(3, width).normal_(generator=generator), rtol=0, atol=0)


def test_noise_is_standard_normal() -> None:
    drawn = torch.cat([torch.cat(step, dim=1) for step in blocks([4000, 4000, 2000], 4)], dim=1)
    assert abs(float(drawn.mean())) < 4 / drawn.numel() ** 0.5
    assert float(drawn.std()) == pytest.approx(1, abs=4 / (2 * drawn.numel()) ** 0.5)


def test_noise_block_is_unchanged_while_in_use() -> None:
    with Noise(2, [1000] * 3, torch.Generator().manual_seed(0), CPU) as noise:
        for _ in range(20):
            for block in noise.step():
                before = block.clone()
                torch.randn(200_000)
                assert torch.equal(block, before)


def test_noise_thread_ends_with_context() -> None:
    before = threading.active_count()
    blocks([5, 5], 3)
    assert threading.active_count() == before


def test_other_seed_gives_other_noise() -> None:
    assert not torch.equal(blocks([50], 1)[0][0], blocks([50], 1, seed=1)[0][0])
