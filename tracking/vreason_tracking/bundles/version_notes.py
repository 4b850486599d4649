"""What MLflow's page of a version says: the run's figures and what to know of the bundle, in Markdown."""

from __future__ import annotations

from vreason_tracking.bundles.bundle import Bundle
from vreason_tracking.presentation import escaped, percent
from vreason_tracking.records import metric_names as names


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
    lines.append(f"Example: {example}. {'Signed.' if signed else 'Unsigned.'}")
    if origin.forced:
        lines.append(f"Registered by force ({escaped(origin.forced)}), although: {escaped('; '.join(origin.against))}.")
    return "\n\n".join(lines)
