"""Train the demo's model from scratch: ``python -m vreason.demo.train --out FOLDER``.

Seeded and resumable: batch n depends on the seed and n alone, and a checkpoint holds the weights, the optimisers and the step.
The schedule is a linear warm-up, a plateau, and a linear decay to zero over the last third, so that a longer run repeats a
shorter one up to the shorter one's decay.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from vreason.demo import network
from vreason.demo.batches import Batch, BatchMaker
from vreason.demo.questions import KINDS, LETTERS, describe, lookup
from vreason.demo.seeds import rng_for
from vreason.demo.validate import accuracy_by_kind
from vreason.demo.world import sample_clip
from vreason.prompts import SHORT


@dataclass(frozen=True)
class Schedule:
    """Training settings; the defaults made the weights that are shipped. `rows` and `text_rows` are shared among the `workers`.

    Three stages: up to `see_first` only the kinds that teach places; then all; from `recite_from` to `recite_until` recitals without video,
    which teach the letter of a word just written, and then all again with recitals beside them.
    """

    steps: int = 3900
    see_first: int = 1500
    recite_from: int = 2250
    recite_until: int = 2600
    letter_weight: float = 6.0
    seed: int = 0
    workers: int = 2
    rows: int = 48
    text_rows: int = 24
    text_weight: float = 0.5
    muon_lr: float = 0.014
    adamw_lr: float = 2e-3
    warmup: int = 100
    clip: float = 1.0

    def factor(self, step: int) -> float:
        """Share of the learning rate at `step`."""
        decay_from = self.steps * 2 // 3
        fall = (self.steps - step) / max(self.steps - decay_from, 1)
        return min(1.0, (step + 1) / self.warmup, fall)


def corpus(seed: int, clips: int = 2000) -> Iterator[str]:
    """Texts that the tokenizer is trained on; their clips are in no other split."""
    rng = rng_for("tokenizer", seed, 0)
    for _ in range(clips):
        clip = sample_clip(rng)
        questions = [*(make(rng, clip) for make in KINDS.values()), describe(rng, clip), lookup(rng)]
        for question in filter(None, questions):
            yield SHORT.render(question.text, question.options, question.problem_type) + question.target


class Trainer:
    """Holds the model, its optimisers and the folder `out`, in which ``checkpoint.pt`` makes it resumable.

    Each worker is a process with one thread and a share of every batch; gradients are averaged over the workers, so all hold the same
    weights. Two processes of one thread are nearly twice as fast here as one of two: the operations are small.
    """

    def __init__(self, schedule: Schedule, out: Path, worker: int = 0) -> None:
        self.schedule, self.out, self.worker, self.step = schedule, out, worker, 0
        torch.manual_seed(schedule.seed)
        self._use(network.build_tokenizer(corpus(schedule.seed)))
        self.model = network.build_model(self.processor.tokenizer)
        self.model.set_attn_implementation("eager")  # faster than the fused kernels at these lengths on a CPU
        self.optimisers = self._optimisers()

    def _use(self, tokenizer: Any) -> None:
        """Everything that depends on token ids."""
        schedule = self.schedule
        self.processor = network.build_processor(tokenizer)
        self.batches = BatchMaker(self.processor, schedule.seed, schedule.rows // schedule.workers, self.worker, schedule.see_first)
        self._letters = torch.tensor([tokenizer(f" {letter}")["input_ids"][0] for letter in LETTERS])

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        """Muon for the hidden matrices, AdamW for embeddings, norms and biases."""
        matrices: list[torch.nn.Parameter] = []
        others: list[torch.nn.Parameter] = []
        for name, parameter in self.model.named_parameters():
            hidden = parameter.ndim == 2 and "embed" not in name and "lm_head" not in name
            (matrices if hidden else others).append(parameter)
        muon = torch.optim.Muon(matrices, lr=self.schedule.muon_lr, weight_decay=0.01, adjust_lr_fn="original")
        adamw = torch.optim.AdamW(others, lr=self.schedule.adamw_lr, betas=(0.9, 0.98), weight_decay=0.01)
        return [muon, adamw]

    def loss(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of the replies' tokens, scalar, nats. From the recitals on, an option's letter counts `letter_weight` times."""
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model.model(**batch.inputs, use_cache=False).last_hidden_state
            kept = batch.weights.bool()
            logits = self.model.lm_head(hidden[:, :-1][kept])
        self.model.model.rope_deltas = None
        labels = batch.labels[kept]
        each = F.cross_entropy(logits.float(), labels, reduction="none")
        if self.step < self.schedule.recite_from:
            return each.mean()
        weights = torch.where(torch.isin(labels, self._letters), self.schedule.letter_weight, 1.0)
        return (each * weights).sum() / weights.sum()

    def train_step(self, videos: Batch | None, texts: Batch) -> float:
        """One optimiser step; returns the loss on the questions about clips, or on the texts where there are no clips."""
        rates = (self.schedule.muon_lr, self.schedule.adamw_lr)
        for optimiser, rate in zip(self.optimisers, rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * self.schedule.factor(self.step)
        if videos is None:
            loss = self.loss(texts)
            torch.autograd.backward(loss)
        else:
            loss = self.loss(videos)
            torch.autograd.backward(loss)
            torch.autograd.backward(self.schedule.text_weight * self.loss(texts))
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.schedule.clip)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        return loss.item()

    def _average_gradients(self) -> None:
        if self.schedule.workers == 1:
            return
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        flat = torch.nn.utils.parameters_to_vector(gradients)
        torch.distributed.all_reduce(flat)
        torch.nn.utils.vector_to_parameters(flat / self.schedule.workers, gradients)

    def save(self) -> None:
        """Write the checkpoint through a temporary file, so that an interruption leaves the one before."""
        self.out.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        partial = self.out / "checkpoint.pt.partial"
        torch.save(state, partial)
        os.replace(partial, self.out / "checkpoint.pt")

    def resume(self) -> bool:
        """Continue from the checkpoint in `out`; False when there is none."""
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return False
        if (self.out / "tokenizer.json").exists():  # token ids must not move, whatever became of the questions' wording since
            self._use(network.load_tokenizer(self.out))
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step = state["step"]
        return True

    def export(self) -> None:
        """Write the model (float32 safetensors) and its processor in the Hugging Face layout."""
        self.model.set_attn_implementation("sdpa")
        self.model.save_pretrained(self.out)
        self.processor.save_pretrained(self.out)
        self.model.set_attn_implementation("eager")

    def fit(self, every: int = 250) -> None:
        """Train to the schedule's end; a progress line every 25 steps; checkpoint, export and validate every `every` steps."""
        begun, first = time.monotonic(), self.step
        with ThreadPoolExecutor(1) as ahead:
            following = ahead.submit(self._draw, self.step)
            while self.step < self.schedule.steps:
                drawn, following = following.result(), ahead.submit(self._draw, self.step + 1)
                loss = self.train_step(*drawn)
                if self.worker:
                    continue
                if self.step % 25 == 0:
                    pace = (time.monotonic() - begun) / (self.step - first)
                    left = pace * (self.schedule.steps - self.step) / 60
                    print(f"step {self.step}/{self.schedule.steps}  loss {loss:.3f}  {pace:.2f} s/step  {left:.0f} min left", flush=True)
                if self.step % every == 0 or self.step == self.schedule.steps:
                    self.save()
                    self.export()
                    shares = accuracy_by_kind(self.model, self.processor, self.schedule.seed)
                    print("  accuracy: " + "  ".join(f"{kind} {share:.0%}" for kind, share in shares.items()), flush=True)

    def _draw(self, step: int) -> tuple[Batch | None, Batch]:
        """The step's batches. While the letters are learnt, texts alone, as many rows as clips elsewhere: they are short."""
        schedule = self.schedule
        alone = schedule.recite_from <= step < schedule.recite_until
        rows = (schedule.rows if alone else schedule.text_rows) // schedule.workers
        return None if alone else self.batches.videos(step), self.batches.texts(step, rows, step >= schedule.recite_from)


def work(worker: int, schedule: Schedule, out: Path, resume: bool, store: str) -> None:
    """One worker's process."""
    torch.set_num_threads(1)
    if schedule.workers > 1:
        torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=worker, world_size=schedule.workers)
    trainer = Trainer(schedule, out, worker)
    if resume:
        trainer.resume()
    trainer.fit()
    if schedule.workers > 1:
        torch.distributed.destroy_process_group()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the training script."""
    parser = argparse.ArgumentParser(prog="python -m vreason.demo.train", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the exported model")
    parser.add_argument("--steps", type=int, default=Schedule.steps)
    parser.add_argument("--seed", type=int, default=Schedule.seed)
    parser.add_argument("--workers", type=int, default=Schedule.workers, help="processes of one thread each")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    options = parser.parse_args(arguments)
    if options.resume and not (options.out / "checkpoint.pt").exists():
        print(f"nothing to resume: {options.out} holds no checkpoint.pt; leave --resume out to begin", file=sys.stderr)
        return 2
    schedule = Schedule(steps=options.steps, seed=options.seed, workers=options.workers)
    with tempfile.TemporaryDirectory() as folder:
        given = (schedule, options.out, options.resume, os.path.join(folder, "store"))
        if schedule.workers == 1:
            work(0, *given)
        else:
            torch.multiprocessing.spawn(work, given, nprocs=schedule.workers)  # type: ignore[attr-defined, no-untyped-call]
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
