"""What MLflow's page of a version says: the run's figures and what to know of the bundle, in Markdown."""

from __future__ import annotations

from vreason_tracking.bundles.bundle import Bundle
from vreason_tracking.presentation import escaped, percent
from vreason_tracking.records import metric_names as names

_EXAMPLES = {
    "equal": "Its example is answered as in the run, token by token.",
    "different": "Its example is answered otherwise than in the run.",
    "answered": "Its example is answered; what the run answered is not known.",
    "not run": "Its example was not asked when it was registered.",
}


def version_notes(bundle: Bundle, example: str, signed: bool) -> str:
    """A few lines; every figure is the run's own."""
    origin, figures = bundle.origin, bundle.origin.figures
    lines = [f"**{escaped(origin.variant)}** on `{bundle.model.id}`, out of run `{origin.mlflow_run_id}` of {escaped(origin.experiment)}."]
    accuracy = figures.get(names.ACCURACY)
    if accuracy is not None:
        low, high = figures.get(names.ACCURACY_LOW), figures.get(names.ACCURACY_HIGH)
        interval = f" (95 % interval {percent(low)} to {percent(high)})" if low is not None and high is not None else ""
        lines.append(
            f"Accuracy {percent(accuracy)}{interval} on {int(figures.get(names.ANSWERED, 0))} answered questions, {origin.failed} failed."
        )
    lines.append(f"{_EXAMPLES.get(example, example)} {'Signed.' if signed else 'Unsigned.'}")
    if origin.forced:
        lines.append(f"Registered by force ({escaped(origin.forced)}), although: {escaped('; '.join(origin.against))}.")
    return "\n\n".join(lines)
