"""A run as units of work: one batch of samples, answered by all variants in turn.

Measured side by side, variants meet the same conditions: warm caches, a busy machine, a hot processor. Each unit has the variants in
another order, and over every block of as many units as there are variants each stands at each place once. Units are plain data that can
be pickled: any executor may work them off.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.events import PrefillRecord, SampleRecord, StepRecord


@dataclass(frozen=True)
class WorkUnit:
    """One batch of samples, and the variants that answer it.

    Attributes:
        number: of the batch, from 0, in the whole list of samples.
        samples: the whole batch, also when part of it is done: a padded row's last digits may depend on its neighbours.
        order: positions of the variants among the run's, in the order in which they answer.
        done: by position, ids of the samples that this variant has answered already.
        complete: all variants of the run answer it, one after the other; else some did in an earlier session, and nobody's place counts.
    """

    number: int
    samples: tuple[Sample, ...]
    order: tuple[int, ...]
    done: Mapping[int, frozenset[str]]
    complete: bool = True


@dataclass(frozen=True)
class UnitEvent:
    """Something that happened while a unit was worked on.

    Attributes:
        variant: position of the variant.
        event: a prompt that was read, a block of steps, or a sample that has ended.
    """

    variant: int
    event: PrefillRecord | tuple[StepRecord, ...] | SampleRecord


def rotation(positions: Sequence[int], number: int, seed: int) -> tuple[int, ...]:
    """The order in which variants answer batch `number`: a shuffled order a block of batches, turned by one place from batch to batch.

    Args:
        positions: of the variants.
        number: of the batch, from 0.
        seed: of the shuffling.
    """
    block, turn = divmod(number, len(positions))
    order = list(positions)
    random.Random(f"{seed}:{block}").shuffle(order)
    return (*order[turn:], *order[:turn])


def plan_units(
    samples: Sequence[Sample], batch_size: int, done: Mapping[int, frozenset[str]], seed: int, variants: int | None = None
) -> list[WorkUnit]:
    """The units of a run, or of what an earlier process left of it.

    Args:
        samples: the whole list.
        batch_size: samples answered side by side.
        done: by position of each variant that takes part, ids of the samples that it has answered.
        seed: of the order of variants.
        variants: how many the run has, also such as take no part any more; None means those of `done`.
    """
    units = []
    for number, start in enumerate(range(0, len(samples), batch_size)):
        batch = tuple(samples[start : start + batch_size])
        ids = frozenset(sample.sample_id for sample in batch)
        order = tuple(each for each in rotation(list(done), number, seed) if not ids <= done[each])
        if order:
            units.append(
                WorkUnit(
                    number,
                    batch,
                    order,
                    {each: done[each] & ids for each in order},
                    len(order) == (len(done) if variants is None else variants),
                )
            )
    return units
