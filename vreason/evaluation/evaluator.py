"""A sample's way through the method: frames, prompt, generation, answer, score. One `SampleRecord` a sample.

    for record in Evaluator(load_model(ModelSpec("demo")), EvaluationConfig(method, prompt, video, generation)).run(samples): ...

An unreadable video, frames that the processor refuses and a lack of memory become that sample's error; any other exception ends the run.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch

from vreason.benchmarks import Sample
from vreason.clock import unix_ms
from vreason.config import VReasonConfig
from vreason.errors import PluginError, VReasonError
from vreason.evaluation.batch import LoadedBatch, LoadedSample, batches_of, read_batch, require_unique_ids
from vreason.evaluation.chat import chat_text
from vreason.evaluation.cuda_memory import CudaPeaks
from vreason.evaluation.failure_signatures import ADVICE, OUT_OF_MEMORY
from vreason.evaluation.machine_load import LoadMeter
from vreason.evaluation.relay import RelayObserver
from vreason.evaluation.sample_records import answered_record, failed_record
from vreason.events import SampleRecord
from vreason.generation import BatchEvents, decode, sample_seed
from vreason.listeners import ListenerGuard
from vreason.meters import EnergyMeter, MemoryMeter
from vreason.models import LoadedModel
from vreason.prompts import PromptTemplate
from vreason.video import VideoConfig

_log = logging.getLogger(__name__)

WARM_UP_TOKENS = 8
LONGEST_WARM_UP = 64
"""Tokens that a warm-up generates at most: enough for an update at the paper's k = 4."""


@dataclass(frozen=True)
class EvaluationConfig:
    """Everything but the model and the samples. Plain data that can be pickled.

    Attributes:
        method: controller and pruning.
        prompt: what stands around a question.
        video: which frames are read.
        generation: keywords of `generate`.
        scoring: a profile of `vreason.scoring`, or "module:function".
        batch_size: samples answered side by side.
        seed: of sampling.
    """

    method: VReasonConfig
    prompt: PromptTemplate
    video: VideoConfig
    generation: dict[str, Any]
    scoring: str = "robust"
    batch_size: int = 1
    seed: int = 0


class Evaluator:
    """Answers samples with a loaded model and one configured method.

    Args:
        loaded: the model.
        config: method, prompt, video, generation and scoring.
        listeners: told of every step and every sample (see `vreason.Listener`).
        meter: samples the memory in use; None leaves it out of the records. The peaks of torch's CUDA allocator stand in them anyway.

    Attributes:
        guard: counts the failures of listeners.
        unavailable: why samples were left out, by id: their videos could not be read, for a reason that says nothing about them. No record
            is made of such a sample.
    """

    def __init__(
        self, loaded: LoadedModel, config: EvaluationConfig, listeners: Sequence[Any] = (), meter: MemoryMeter | None = None
    ) -> None:
        self.loaded, self.config, self.meter = loaded, config, meter
        self.guard = ListenerGuard(tuple(listeners))
        self.unavailable: dict[str, str] = {}
        self._cuda, self._load = CudaPeaks(), LoadMeter()
        self._energy_began: float | None = None

    def run(self, samples: Sequence[Sample], done: Collection[str] = ()) -> Iterator[SampleRecord]:
        """Yield a record a sample, in order. The next batch's frames are read while the current one is answered.

        Args:
            samples: the whole list, also when part of it is done (see `batches_of`): what is told of a sample is then the same in one go or
                after an interruption.
            done: ids of samples that are answered already. Nothing is told of them; a batch of none but such is not even read, in any other
                they are generated again to keep the batch whole. Ids of no sample are ignored.

        Raises:
            DataError: two samples have the same id.
        """
        require_unique_ids(samples)
        done = frozenset(done)
        batches = [each for each in batches_of(samples, self.config.batch_size) if any(sample.sample_id not in done for sample in each)]
        with ThreadPoolExecutor(1, thread_name_prefix="video") as ahead:
            waiting: Future[LoadedBatch] | None = ahead.submit(read_batch, batches[0], self.config.video) if batches else None
            for following in [*batches[1:], None] if batches else []:
                assert waiting is not None, "a batch is read ahead of every turn"
                batch = waiting.result()
                waiting = ahead.submit(read_batch, following, self.config.video) if following is not None else None
                yield from self.answer(batch, done)

    def answer(self, batch: LoadedBatch, done: Collection[str] = (), place: int | None = None) -> Iterator[SampleRecord]:
        """Answer a batch; yield a record for each of its samples that is not done, in order.

        Args:
            batch: with its frames; several evaluators may answer the same one.
            done: ids of samples that are answered already: generated again to keep the batch whole, but nothing is told of them.
            place: of this method in the order of those that answer the batch, for the record.
        """
        found = {record.sample_id: record for record in self._generate_safely(batch.readable, done, batch)}
        for each in batch.samples:
            if each.unavailable:
                self.unavailable[each.sample.sample_id] = each.error or ""
            elif each.sample.sample_id not in done:
                record = found.get(each.sample.sample_id) or failed_record(each, each.error or "")
                record = replace(record, rotation_place=place)
                told = record.error or f"score {record.score}, {record.output_tokens} tokens, {record.generation_ms} ms, {record.stopped}"
                _log.debug("sample %s finished: %s", record.sample_id, told)
                self.guard.sample(record)
                yield record

    def warm_up(self, batch: LoadedBatch) -> None:
        """Answer the beginning of a batch once, unmeasured and unrecorded: kernels are chosen and caches filled before anything counts.

        What fails here fails again where it is recorded, and is not told of here.
        """
        if not batch.readable:
            return
        controller = self.config.method.controller
        wanted = min(max(WARM_UP_TOKENS, controller.k + 1 if controller is not None else 0), LONGEST_WARM_UP)  # an update is among them
        most = min(wanted, int(self.config.generation.get("max_new_tokens", wanted)))
        shorter = {"max_new_tokens": most, "min_new_tokens": most}
        try:
            inputs, _ = self._inputs(batch.readable, batch)
            if inputs is not None:
                self._decode(inputs, [each.sample.sample_id for each in batch.readable], [], self.config.generation | shorter)
        except (RuntimeError, MemoryError, ValueError, VReasonError):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _generate_safely(
        self, samples: Sequence[LoadedSample], done: Collection[str], batch: LoadedBatch | None = None
    ) -> list[SampleRecord]:
        """Records of what is not done; a lack of memory becomes their samples' error."""
        if not samples:
            return []
        self._reset_meters()
        try:
            return self._generate(samples, done, batch)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
        names = ", ".join(each.sample.sample_id for each in samples)
        _log.warning("out of memory: %s; %s", names, "asked one by one" if len(samples) > 1 else "recorded as failed")
        memory = self._memory()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if batch is not None:
            batch.inputs.clear()  # they lie on the device
        if len(samples) > 1:  # what does not fit together may fit alone
            return self._one_by_one(samples, done)
        return [replace(failed_record(samples[0], f"out of memory: {ADVICE[OUT_OF_MEMORY]}"), signatures=(OUT_OF_MEMORY,), **memory)]

    def _one_by_one(self, samples: Sequence[LoadedSample], done: Collection[str]) -> list[SampleRecord]:
        """Each alone, but for those that are done: the batch need not be kept whole any more."""
        return [record for each in samples if each.sample.sample_id not in done for record in self._generate_safely([each], done)]

    def _generate(self, samples: Sequence[LoadedSample], done: Collection[str], batch: LoadedBatch | None) -> list[SampleRecord]:
        inputs, failed = self._inputs(samples, batch)
        if inputs is None:
            return failed if failed else self._one_by_one(samples, done)
        names = [each.sample.sample_id for each in samples]
        events = BatchEvents()
        inputs = inputs.to(self.loaded.model.device)
        started = unix_ms()
        self._decode(inputs, names, [events, RelayObserver(self.guard, frozenset(done) & set(names))], self.config.generation)
        conditions = {**self._memory(), **self._machine(), "energy_joules": self._energy(len(samples))}
        left = [each for each in samples if each.sample.sample_id not in done]
        return [replace(answered_record(each, events, started, self.loaded, self.config), **conditions) for each in left]

    def _decode(self, inputs: Any, names: Sequence[str], observers: Sequence[Any], generation: dict[str, Any]) -> None:
        self.loaded.model.generate(
            **inputs.to(self.loaded.model.device),
            custom_generate=decode,
            vreason=self.config.method,
            observers=observers,
            sample_ids=names,
            row_seeds=[sample_seed(self.config.seed, name) for name in names],
            memory=self.meter.latest if self.meter is not None else None,
            **generation,
        )

    def _inputs(self, samples: Sequence[LoadedSample], batch: LoadedBatch | None) -> tuple[Any, list[SampleRecord]]:
        """Model inputs, made once for all evaluators of a batch that ask for the same. None where the processor refuses the frames: with
        the record of the sample that it refuses, or without one where nobody knows yet which of several it is.
        """
        config, adapter = self.config, self.loaded.adapter
        limits = (config.video.min_pixels, config.video.max_pixels)
        key = (id(self.loaded.processor), config.prompt.text, tuple(sorted(config.prompt.suffixes.items())), limits)
        if batch is not None and key in batch.inputs:
            return batch.inputs[key], []
        turns = [(self._chat(each.sample), [each.frames] if each.frames is not None else []) for each in samples]
        try:
            made = adapter.inputs(self.loaded.processor, turns, limits)
        except PluginError:  # the adapter's own fault, and none of the frames
            raise
        except (ValueError, VReasonError) as error:
            if len(samples) > 1:
                return None, []
            reason = f"{samples[0].sample.video}: the processor refuses its frames ({error}); check size and shape of the clip"
            return None, [failed_record(samples[0], reason)]
        if batch is not None:
            batch.inputs[key] = made
        return made, []

    def _chat(self, sample: Sample) -> str:
        return chat_text(self.loaded, self.config.prompt.render(sample.question, sample.options, sample.problem_type))

    def _reset_meters(self) -> None:
        """A sample, or a batch of them, begins."""
        self._cuda.reset()
        if self.meter is not None:
            self.meter.reset_peak()
        self._load.start()
        self._energy_began = self._energy_drawn()

    def _energy_drawn(self) -> float | None:
        return self.meter.energy() if isinstance(self.meter, EnergyMeter) else None

    def _energy(self, samples: int) -> float | None:
        """What one of a batch's samples took, joules."""
        began, ended = self._energy_began, self._energy_drawn()
        return (ended - began) / samples if began is not None and ended is not None and ended >= began else None

    def _memory(self) -> dict[str, Any]:
        """The memory of a record: peaks since the sample, or its batch, began."""
        used, source = (self.meter.peak() if self.meter is not None else None) or (None, None)
        peaks = {"peak_allocated_bytes": self._cuda.allocated(), "peak_reserved_bytes": self._cuda.reserved()}
        return {"peak_memory_bytes": used, "memory_source": source, **peaks}

    def _machine(self) -> dict[str, Any]:
        """What else the machine did meanwhile."""
        load = self._load.read()
        return {"other_load": load.other, "cpu_steal": load.steal} if load is not None else {}


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory"))
