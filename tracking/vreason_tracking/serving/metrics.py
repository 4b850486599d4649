"""What Prometheus reads: requests, queue, tokens, times, entropy, and control's share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from vreason.generation import Finished

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_NATS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5)


class ServingMetrics:
    """The figures of one server, in a registry of their own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        model = ["model"]
        self.requests = Counter("vreason_requests", "Requests by endpoint and HTTP status.", ["endpoint", "status"], registry=registry)
        self.endings = Counter("vreason_replies", "Replies by how they ended.", [*model, "reason"], registry=registry)
        self.tokens = Counter("vreason_tokens", "Tokens generated.", model, registry=registry)
        self.prompt_tokens = Counter("vreason_prompt_tokens", "Tokens of prompts.", model, registry=registry)
        self.first_token = Histogram(
            "vreason_time_to_first_token_seconds",
            "From the start of a generation to its first token.",
            model,
            registry=registry,
            buckets=_SECONDS,
        )
        self.seconds = Histogram("vreason_request_seconds", "From request to answer.", ["endpoint"], registry=registry, buckets=_SECONDS)
        self.entropy = Histogram("vreason_entropy_nats", "Mean entropy of a reply, nats.", model, registry=registry, buckets=_NATS)
        self.control = Histogram(
            "vreason_control_share",
            "Share of a reply's time that control took.",
            model,
            registry=registry,
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        )
        self.batch = Histogram("vreason_batch_size", "Requests side by side.", model, registry=registry, buckets=(1, 2, 4, 8, 16, 32))
        self.queue = Gauge("vreason_queue", "Requests that are prepared, wait or run.", model, registry=registry)
        self.up = Gauge("vreason_model_up", "Whether the model's worker is alive.", model, registry=registry)

    def reply(self, model: str, finished: Finished) -> None:
        """Count a reply's end."""
        self.endings.labels(model, finished.reason).inc()
        self.batch.labels(model).observe(finished.batch)
        if finished.prefill is not None:
            self.prompt_tokens.labels(model).inc(finished.prefill.prompt_tokens)
        steps = finished.steps
        if not steps:
            return
        self.tokens.labels(model).inc(len(steps))
        self.first_token.labels(model).observe(max(0.0, (steps[0].timestamp_ms - finished.started_ms) / 1000))
        self.entropy.labels(model).observe(sum(step.entropy for step in steps) / len(steps))
        whole = sum(step.step_ms for step in steps)
        if whole > 0:
            self.control.labels(model).observe(sum(step.control_ms for step in steps) / whole)

    def text(self, queues: Callable[[], Mapping[str, tuple[int, bool]]]) -> bytes:
        """Everything in Prometheus' text format; `queues` tells of each model how many are in flight, and whether it lives."""
        for name, (waiting, alive) in queues().items():
            self.queue.labels(name).set(waiting)
            self.up.labels(name).set(alive)
        made: bytes = generate_latest(self._registry)
        return made
