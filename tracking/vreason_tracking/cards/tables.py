"""The tables of a card, out of its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from vreason_tracking.cards.evidence import Evidence, Figure, RunFacts
from vreason_tracking.presentation import NONE, Table, amount, count, p_value, percent, points, ratio

_COST_NOTE = (
    "Tokens and times are medians over questions, with 95 % intervals; control and energy are means, memory the maximum. "
    "Ratios are medians of paired ratios to the baseline. † not comparable: see the verdicts."
)
ENTROPY_ROWS = 8
"""Tokens of a curve that the table of entropy shows, more or less."""
WORST = 3
"""Groups of a run that are shown as its worst."""

_LEAST = 5  # questions of a group that may be called a worst one
_GROUPINGS = ("problem type", "category", "video length")


def result_tables(evidence: Evidence) -> Iterator[Table]:
    """Accuracy over all questions and by benchmark, the worst groups, what it costs, failure signatures."""
    yield _accuracy(evidence, "all", "Accuracy")
    if len({figure.group for figure in evidence.figures if figure.grouping == "benchmark"}) > 1:
        yield _accuracy(evidence, "benchmark", "Accuracy by benchmark")
    worst = _worst(evidence)
    if worst.rows:
        yield worst
    yield _costs(evidence)
    signatures = _signatures(evidence)
    if signatures.rows:
        yield signatures


def method_tables(evidence: Evidence) -> Iterator[Table]:
    """Each variant's settings of the method, with where each comes from; then prompt, frames and decoding, which all share or not."""
    for run in evidence.runs:
        if run.settings:
            rows = [(each.name, each.value, each.source, each.why) for each in run.settings]
            yield Table(f"method-{run.name}", f"Settings of {run.name}", ("setting", "value", "from", "why"), rows, 4)
    yield _side_by_side("decoding", "Prompt, frames and decoding", evidence, [dict(run.decoding) for run in evidence.runs])
    yield _side_by_side("model", "Base model", evidence, [run.model for run in evidence.runs])


def entropy_table(evidence: Evidence) -> Table:
    """Each run's curve at a few tokens."""
    columns = ("variant", "token", "samples", "entropy, nats", "moving average, nats", "peak of the moving average")
    rows = []
    for curve in evidence.curves:
        every = max(1, len(curve.tokens) // ENTROPY_ROWS)
        for at in range(0, len(curve.tokens), every):
            figures = (NONE if value is None else f"{value:.4f}" for value in (curve.entropy[at], curve.ema[at]))
            peak = NONE if curve.peak is None else f"token {curve.peak}"
            rows.append((curve.run, str(curve.tokens[at]), count(curve.samples[at]), *figures, peak))
    return Table("entropy", "Entropy by token", columns, rows, 1)


def provenance_tables(evidence: Evidence) -> Iterator[Table]:
    """Which runs, on what, with which files, and what the audit trail says of them."""
    yield _side_by_side("environment", "Environment", evidence, [run.provenance for run in evidence.runs])
    yield _side_by_side("identity", "Identity", evidence, [run.identity for run in evidence.runs])
    files = [(run.name, name, digest) for run in evidence.runs for name, digest in run.files.items()]
    yield Table("files", "Files that the figures are computed from", ("variant", "file", "SHA-256"), files, 3)
    entries = [(run.name, str(each.index), each.action, each.time, each.leaf) for run in evidence.runs for each in run.audit]
    if entries:
        yield Table("audit", "Entries of the audit trail", ("variant", "entry", "action", "time", "hash"), entries, 5)


def _accuracy(evidence: Evidence, grouping: str, title: str) -> Table:
    rows = []
    for run in evidence.runs:
        for mean in _of(evidence, run, grouping, "accuracy", "mean"):
            found = {
                name: next(iter(_of(evidence, run, grouping, "accuracy", name, mean.group)), None) for name in ("difference", "p_holm")
            }
            difference, p = found["difference"], found["p_holm"]
            rows.append(
                (
                    run.name,
                    mean.group,
                    percent(mean.value),
                    _interval(mean, percent),
                    count(mean.n),
                    count(mean.clusters),
                    points(difference.value) if difference else NONE,
                    _interval(difference, points) if difference else NONE,
                    p_value(p.value) if p else NONE,
                )
            )
    columns = ("variant", "questions", "accuracy", "95 % interval", "n", "videos", "difference, points", "95 % interval ", "p (Holm)")
    note = f"Scoring profile {evidence.scoring}. " + (
        f"Differences are paired by question, to {evidence.baseline}." if evidence.baseline else "One run: no difference is known."
    )
    return Table(f"accuracy-{grouping}", title, columns, rows, 2, note)


def _worst(evidence: Evidence) -> Table:
    rows = []
    for run in evidence.runs:
        found = [
            figure
            for grouping in _GROUPINGS
            for figure in _of(evidence, run, grouping, "accuracy", "mean")
            if figure.value is not None and (figure.n or 0) >= _LEAST
        ]
        whole = evidence.figure(run.name, "accuracy", "mean")
        below = [each for each in found if whole and each.value is not None and whole.value is not None and each.value < whole.value]
        for each in sorted(below, key=lambda figure: (figure.value or 0.0, figure.grouping, figure.group))[:WORST]:
            rows.append((run.name, each.grouping, each.group, percent(each.value), _interval(each, percent), count(each.n)))
    note = f"The lowest of each variant, of at least {_LEAST} questions, below its own accuracy over all."
    return Table("worst", "Worst groups", ("variant", "by", "group", "accuracy", "95 % interval", "n"), rows, 3, note)


def _costs(evidence: Evidence) -> Table:
    rows = []
    for run in evidence.runs:
        told = [
            _amount(evidence.figure(run.name, metric, "median"))
            for metric in ("output_tokens", "latency_ms", "time_to_first_token_ms", "ms_per_token")
        ]
        share, memory = evidence.figure(run.name, "control_share", "mean"), evidence.figure(run.name, "peak_memory_bytes", "max")
        ratios = [_ratio(evidence.figure(run.name, metric, "ratio_median")) for metric in ("output_tokens", "latency_ms")]
        peak = f"{(memory.value or 0) / 2**20:,.0f} MiB ({memory.how or 'unknown source'})" if memory else NONE
        drawn = evidence.figure(run.name, "energy_joules", "mean")
        energy = amount(drawn.value) if drawn else NONE
        rows.append((run.name, *told, percent(share.value) if share else NONE, peak, energy, *ratios))
    columns = (
        "variant",
        "tokens",
        "latency, ms",
        "first token, ms",
        "a token, ms",
        "control",
        "peak memory",
        "energy a question, J",
        "tokens, ratio",
        "latency, ratio",
    )
    return Table("costs", "Cost", columns, rows, 1, _COST_NOTE)


def _signatures(evidence: Evidence) -> Table:
    found = [
        (run.name, figure.metric.removeprefix("signature."), f"{figure.value:.0f}")
        for run in evidence.runs
        for figure in evidence.figures
        if figure.run == run.name and figure.grouping == "all" and figure.metric.startswith("signature.") and figure.value
    ]
    return Table("signatures", "Failure signatures", ("variant", "signature", "samples"), found, 2, "docs/method.md says what each means.")


def _side_by_side(name: str, title: str, evidence: Evidence, values: Sequence[Mapping[str, str]]) -> Table:
    """A row a name, a column a variant; one column for all where they agree in everything."""
    told = [dict(each) for each in values]
    names = sorted({name for each in told for name in each})
    if all(each == told[0] for each in told):
        return Table(name, title, ("name", "value"), [(each, str(told[0][each])) for each in names], 2)
    rows = [(each, *(str(one.get(each, NONE)) for one in told)) for each in names]
    return Table(name, title, ("name", *(run.name for run in evidence.runs)), rows, 1 + len(told))


def _of(evidence: Evidence, run: RunFacts, grouping: str, metric: str, statistic: str, group: str | None = None) -> list[Figure]:
    return [each for each in evidence.figures_of(run.name, grouping, metric, statistic) if group in (None, each.group)]


def _interval(figure: Figure, told: Callable[[float | None], str]) -> str:
    if figure.low is None or figure.high is None:
        return NONE
    return f"{told(figure.low)} to {told(figure.high)}"


def _amount(figure: Figure | None) -> str:
    if figure is None:
        return NONE
    interval = "" if figure.low is None or figure.high is None else f" ({amount(figure.low)} to {amount(figure.high)})"
    return amount(figure.value) + interval


def _ratio(figure: Figure | None) -> str:
    if figure is None:
        return NONE
    interval = "" if figure.low is None or figure.high is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return ratio(figure.value) + interval + (" †" if figure.how else "")
