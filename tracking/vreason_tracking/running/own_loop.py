"""Recording a loop of one's own: the same journal, delivery and comparison as of `vreason-track run`, around any call of `generate`.

with vreason_tracking.record("my-loop", method=method, model=model, processor=processor) as run:
    for item in items:
        model.generate(**item.inputs, custom_generate=vreason.decode, vreason=method, observers=[run], sample_ids=[item.id])
        run.finish_sample(item.id, question=item.question, answer=item.answer, options=item.options)
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from vreason.errors import DataError
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.listeners import Listener
from vreason_tracking.delivery import BackgroundDelivery
from vreason_tracking.journal import journal_folder
from vreason_tracking.running.endings import ending_of
from vreason_tracking.running.manifests import own_loop_manifest
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.running.signals import terminable
from vreason_tracking.stores import resolved_uri
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.config import VReasonConfig

_log = logging.getLogger(__name__)


class OwnLoop(Listener):
    """An observer for `vreason.decode` that records what it is told; made by `record`.

    Args:
        recorder: of the run.
        meter: samples the memory in use.
        processor: decodes replies; without one `finish_sample` is given them.
        scoring: profile, or "module:function", by which answers are scored.
    """

    def __init__(self, recorder: RunRecorder, meter: MemorySampler, processor: Any, scoring: str) -> None:
        self._recorder, self._meter, self._processor, self._scoring = recorder, meter, processor, scoring
        self._prefills: dict[str, PrefillRecord] = {}
        self._steps: dict[str, list[StepRecord]] = {}
        self._done: set[str] = set()

    @property
    def run_id(self) -> str:
        """The run's name in the journal, which every command takes."""
        return self._recorder.folder.run_id

    def memory(self) -> tuple[int, str] | None:
        """The newest sample of the memory in use, to be handed to `generate` as ``memory=run.memory``: steps then tell it."""
        return self._meter.latest()

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """A sample begins, or begins anew."""
        self._prefills[prefill.sample_id] = prefill
        self._steps[prefill.sample_id] = []

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Write them."""
        self._recorder.on_steps(steps)
        for step in steps:
            self._steps.setdefault(step.sample_id, []).append(step)

    def finish_sample(
        self,
        sample_id: str,
        *,
        output: str | None = None,
        question: str = "",
        answer: str | None = None,
        options: Sequence[str] = (),
        problem_type: str = "",
        score: float | None = None,
        category: str = "",
        benchmark: str = "",
        video: str = "",
        error: str | None = None,
    ) -> SampleRecord:
        """Close a sample: say what was asked and what was expected. Once this returns, the sample is on its way to disk.

        Args:
            sample_id: as `generate` was told it, in `sample_ids`.
            output: the reply; None decodes it with the processor.
            question, options, problem_type, category, benchmark, video: the problem; a question with options is multiple choice, one
                without free-form, unless `problem_type` says otherwise.
            answer: what was expected; None leaves the sample without a score, unless `score` gives one.
            score: 0 to 1; None scores the answer extracted from the reply.
            error: why there is no answer.

        Returns:
            The record.

        Raises:
            DataError: nothing was told of this sample, or it is finished already.
            ConfigError, PluginError: the scoring cannot be used.
        """
        from vreason.benchmarks import Sample

        if sample_id in self._done or (sample_id not in self._steps and error is None):
            known = ", ".join(sorted(set(self._steps) - self._done)[:5]) or "none"
            why = "is finished already" if sample_id in self._done else "was not generated: pass observers=[run] and sample_ids to generate"
            raise DataError(f"sample {sample_id!r} {why}; samples that are not finished: {known}")
        kind = problem_type or ("multiple choice" if options else "free-form")
        sample = Sample(sample_id, video, question, answer or "", kind, tuple(options), category, benchmark)
        record = self._record(sample, output, score, answer is not None, error)
        self._recorder.on_sample(record)
        self._done.add(sample_id)
        self._steps[sample_id] = []  # its steps are in the journal
        self._prefills.pop(sample_id, None)
        self._meter.reset_peak()
        self._recorder.check()
        return record

    def finish_rest(self) -> None:
        """Close what was generated and not finished, without a score."""
        for sample_id in [each for each in self._steps if each not in self._done and self._steps[each]]:
            self.finish_sample(sample_id)

    def _record(self, sample: Sample, output: str | None, score: float | None, scored: bool, error: str | None) -> SampleRecord:
        from vreason.evaluation import record_of_steps

        steps, prefill = self._steps.get(sample.sample_id, []), self._prefills.get(sample.sample_id)
        used, source = self._meter.peak() or (None, None)
        return record_of_steps(
            sample,
            steps,
            prefill,
            output=output,
            processor=self._processor,
            scoring=self._scoring if scored and score is None else None,
            score=score,
            error=error,
            memory=(used, source),
        )


@contextmanager
def record(
    name: str,
    *,
    variant: str | None = None,
    method: VReasonConfig | None = None,
    model: Any = None,
    processor: Any = None,
    scoring: str = "robust",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    experiment: str = "vreason",
    uri: str | None = None,
    journal: str | None = None,
    offline: bool = False,
) -> Iterator[OwnLoop]:
    """Record what `vreason.decode` tells in this block as a run: in the journal at once, in MLflow beside it.

    The run is FINISHED when the block is left, FAILED after an exception, KILLED after Ctrl-C or SIGTERM; a process that dies leaves it to
    be closed by the next one, as with `vreason-track run`.

    Args:
        name: of the loop, in the place of a config's name.
        variant: what this way of answering is called; default: the name.
        method: the method's settings, for the record; a comparison finds the baseline by them.
        model: the model, for the record of its device, type and weights.
        processor: decodes replies.
        scoring: "robust", "video-r1", or "module:function".
        params, tags: more to record.
        experiment: MLflow's.
        uri: where to; None takes MLFLOW_TRACKING_URI, else sqlite:///mlflow.db in this folder.
        journal: folder of the local record; None takes VREASON_JOURNAL, else ./vreason-journal.
        offline: write the journal only; `vreason-track journal deliver` carries it to MLflow later.

    Raises:
        TrackingError: the journal cannot be written, or the store refuses.
    """
    root, address = journal_folder(journal), resolved_uri(uri)
    with terminable(), ExitStack() as closing:
        delivery = None
        if not offline:
            delivery = closing.enter_context(BackgroundDelivery(address, experiment, root, lambda text: _log.warning("%s", text)))
            delivery.require_store()
        meter = closing.enter_context(MemorySampler())
        manifest = own_loop_manifest(
            name, variant or name, method, model, scoring, {**(params or {})}, {**(tags or {})}, experiment, address, offline=offline
        )
        recorder = RunRecorder.create(root, manifest)
        if delivery is not None:
            delivery.deliver(recorder.folder)
        with _finished(recorder), meter.listening(recorder.on_device):
            loop = OwnLoop(recorder, meter, processor, scoring)
            yield loop
            loop.finish_rest()


@contextmanager
def _finished(recorder: RunRecorder) -> Iterator[None]:
    """Close the run with the status that is true."""
    status, error = "FINISHED", None
    try:
        yield
    except BaseException as failure:
        status, error = ending_of(failure)
        raise
    finally:
        recorder.finish(status, error)
