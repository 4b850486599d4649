"""vreason_tracking.presentation.labels: labels that cover nothing."""

from __future__ import annotations

from itertools import combinations

from vreason_tracking.presentation.labels import Box, placed

FRAME = (0.0, 0.0, 400.0, 300.0)


def overlap(one: Box, other: Box) -> bool:
    return min(one[2], other[2]) > max(one[0], other[0]) and min(one[3], other[3]) > max(one[1], other[1])


def test_close_points_have_labels_apart() -> None:
    """Eight points within a few pixels: no label covers another, or leaves the frame."""
    boxes = placed([(200.0 + 3 * number, 150.0 + number % 3) for number in range(8)], [(60.0, 10.0)] * 8, FRAME)
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    assert all(0 <= box[0] and box[2] <= 400 and 0 <= box[1] and box[3] <= 300 for box in boxes)


def test_a_lonely_label_is_right_above() -> None:
    """A label that nothing stands in the way of is put right above its point."""
    (box,) = placed([(100.0, 100.0)], [(50.0, 10.0)], FRAME)
    assert box[0] > 100
    assert box[1] > 100


def test_at_the_right_edge_a_label_goes_to_the_left() -> None:
    """No label leaves the picture."""
    (box,) = placed([(395.0, 100.0)], [(50.0, 10.0)], FRAME)
    assert box[2] < 395


def test_a_label_covers_no_other_point() -> None:
    """A label is moved away from another run's point."""
    points = [(100.0, 100.0), (125.0, 109.0)]
    box = placed(points, [(50.0, 10.0)] * 2, FRAME)[0]
    assert not overlap(box, (120.0, 104.0, 130.0, 114.0))
