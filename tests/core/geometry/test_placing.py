"""Placement of label boxes beside points."""

from __future__ import annotations

import numpy as np
import pytest

from core.geometry.placing import Box, place_labels

FRAME = (0.0, 0.0, 250.0, 220.0)
SIZE = (64.0, 22.0)


def overlap(one: Box, other: Box) -> bool:
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


@pytest.mark.parametrize("seed", range(20))
def test_label_boxes_overlap_neither_each_other_nor_taken_boxes_nor_points(seed: int) -> None:
    chance = np.random.default_rng(seed)
    points = tuple(map(tuple, chance.uniform((20, 20), (230, 200), (5, 2)).tolist()))
    taken = tuple((x, y, 30.0, 16.0) for x, y in chance.uniform((0, 0), (220, 200), (5, 2)).tolist())
    boxes = place_labels(points, SIZE, taken, FRAME)
    found = [box for box in boxes if box is not None]
    assert len(found) >= 4
    for index, box in enumerate(found):
        assert not any(overlap(box, other) for other in [*found[:index], *taken])
        assert not any(box[0] < x < box[0] + box[2] and box[1] < y < box[1] + box[3] for x, y in points)
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[0] + box[2] <= FRAME[2]
        assert box[1] + box[3] <= FRAME[3]


def test_label_box_lies_beside_its_point_or_is_omitted_without_room() -> None:
    (box,) = place_labels(((120.0, 110.0),), SIZE, (), FRAME)
    assert box is not None
    assert abs(box[0] + 32 - 120) <= 32 + 10
    assert abs(box[1] + 11 - 110) <= 11 + 10
    assert place_labels(((120.0, 110.0),), SIZE, (FRAME,), FRAME) == (None,)
    assert place_labels((), SIZE, (), FRAME) == ()
