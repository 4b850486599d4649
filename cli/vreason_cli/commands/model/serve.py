"""``vreason-track model serve``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("serve", short_help="Serve models over HTTP: OpenAI's and MLflow's interface.", context_settings=HELP)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; beyond this machine only with tokens.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--device", metavar="DEVICE", help="cpu, cuda, cuda:N or mps; default: the registered one.")
@click.option("--batch-size", type=click.IntRange(1, 1024), default=8, show_default=True, help="Requests side by side.")
@click.option("--batch-wait", type=click.FloatRange(0, 10), default=0.02, show_default=True, help="Seconds that a batch waits for others.")
@click.option("--queue", type=click.IntRange(1), default=64, show_default=True, help="Requests of a model at a time; one more gets 429.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=300.0, show_default=True, help="Seconds for one answer.")
@click.option(
    "--watch", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Look up aliases so often; what has moved is swapped."
)
@click.option("--token-file", type=_FILE, metavar="FILE", help="Bearer tokens, one a line; more are taken from VREASON_SERVE_TOKENS.")
@click.option("--video-root", "roots", multiple=True, type=_FOLDER, metavar="DIR", help="Take paths of videos below DIR. Repeatable.")
@click.option("--allow-host", "hosts", multiple=True, metavar="HOST", help="Fetch videos from HOST (*.example.org, HOST:PORT). Repeatable.")
@click.option("--max-video-mb", type=click.FloatRange(0, min_open=True), default=64.0, show_default=True, help="Megabytes of one video.")
@click.option(
    "--max-video-seconds", type=click.FloatRange(0, min_open=True), default=3600.0, show_default=True, help="Duration of one video."
)
@click.option("--record", is_flag=True, help="Record replies in the journal (tokens, entropies, times), without questions and videos.")
@click.option("--record-content", is_flag=True, help="Record questions, replies and the names of videos too.")
@click.option(
    "--record-mb", type=click.FloatRange(0, min_open=True), default=1024.0, show_default=True, help="Close the record at this size."
)
@click.option("--record-hours", type=click.FloatRange(0, min_open=True), default=168.0, show_default=True, help="Close it after this time.")
@options.both_sides
def serve_command(
    models: tuple[str, ...],
    host: str,
    port: int,
    device: str | None,
    batch_size: int,
    batch_wait: float,
    queue: int,
    timeout: float,
    watch: float | None,
    token_file: Path | None,
    roots: tuple[Path, ...],
    hosts: tuple[str, ...],
    max_video_mb: float,
    max_video_seconds: float,
    record: bool,
    record_content: bool,
    record_mb: float,
    record_hours: float,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
) -> None:
    """Serve each MODEL (NAME, NAME/3 or NAME@champion) until it is told to end; what runs then is finished, and nothing new taken.

    /v1/chat/completions and /v1/models as OpenAI has them, /invocations as MLflow has it, /health, /ready, /metrics, /docs.

    Exit codes: 0 ended as told, 1 the port is taken, 2 wrong options, 3 a model cannot be loaded, 5 it cannot be found or is retired.
    """
    from vreason_cli.terminal.model_output import open_registry
    from vreason_tracking.bundles import VideoAccess
    from vreason_tracking.journal import journal_folder
    from vreason_tracking.serving import ServedRecording, ServerSettings, ServingLimits, serve
    from vreason_tracking.stores import resolved_uri

    size = int(max_video_mb * 1e6)
    limits = ServingLimits(queue=queue, request_seconds=timeout, body_bytes=size * 3 // 2 + 2**20, video_seconds=max_video_seconds)
    recording = None
    if record or record_content:
        address = resolved_uri(tracking_uri)
        recording = ServedRecording(
            journal_folder(journal), address, experiment, int(record_mb * 1e6), record_hours * 3600, content=record_content
        )
    settings = ServerSettings(
        models=models,
        host=host,
        port=port,
        device=device,
        batch_size=batch_size,
        batch_wait=batch_wait,
        watch_seconds=watch,
        access=VideoAccess(roots, hosts, size),
        limits=limits,
        token_file=token_file,
        record=recording,
    )
    serve(open_registry(tracking_uri), settings, lambda text: click.echo(text, err=True))
