"""``vreason-track ask``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vreason.config import PRESETS
from vreason.prompts import PROBLEM_TYPES
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason import Answer, VReasonConfig


@click.command("ask", context_settings=HELP)
@click.argument("video")
@click.argument("question")
@click.option(
    "--options",
    "--option",
    "options",
    multiple=True,
    metavar="TEXT",
    help="An option of a multiple choice, without its letter. Repeatable.",
)
@click.option(
    "--type",
    "problem_type",
    type=click.Choice(PROBLEM_TYPES),
    help="What kind of answer is asked for; default: multiple choice with options, else free-form.",
)
@click.option("--variant", "method", type=click.Choice(list(PRESETS)), default="v-reason", show_default=True, help="The method.")
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="A setting of the method, such as controller.lr=0.03. Repeatable."
)
@click.option("--model", default="demo", show_default=True, help="demo, a folder, or a Hugging Face id.")
@click.option("--revision", help="Branch, tag or commit on the hub.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--dtype", default="auto", show_default=True, help="auto (as saved), float32, bfloat16 or float16.")
@click.option("--nframes", type=click.IntRange(1), help="Frames that are shown; default: 16, 8 for the demo.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=1024, show_default=True, help="The reply is cut off after so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead, with every step, once the reply is there.")
def ask_command(
    video: str,
    question: str,
    options: tuple[str, ...],
    problem_type: str | None,
    method: str,
    changes: tuple[str, ...],
    model: str,
    revision: str | None,
    device: str,
    dtype: str,
    nframes: int | None,
    max_new_tokens: int,
    as_json: bool,
) -> None:
    """Ask QUESTION about the file VIDEO, and print reasoning and answer as they come, with the entropy of the newest tokens below them.
    Nothing is recorded.

    Exit codes: 0 done, 1 the model failed, 2 a wrong setting, 3 the model cannot be loaded, 4 the video cannot be used.
    """
    from dataclasses import asdict

    from vreason import ask, load
    from vreason_cli.terminal.listing import print_json
    from vreason_cli.terminal.live_reply import live_reply

    chosen = _method(method, changes)
    loaded = load(model, revision=revision, dtype=dtype, device=device)
    with live_reply(quiet=as_json) as reply:
        found = ask(
            loaded,
            video,
            question,
            options=options,
            method=chosen,
            problem_type=problem_type,
            frames=nframes,
            max_new_tokens=max_new_tokens,
            on_text=reply.add,
            observers=[reply.entropy],
        )
    if as_json:
        print_json(asdict(found))
        return
    click.echo(f"answer: {found.answer if found.answer is not None else 'none'}")
    click.echo(_cost(found), err=True)


def _method(name: str, changes: tuple[str, ...]) -> VReasonConfig:
    """The variant with some settings changed.

    Raises:
        ConfigError: a change is none, or a value is wrong.
    """
    from vreason import VReasonConfig
    from vreason.errors import ConfigError
    from vreason_tracking.settings import apply_overrides

    settings = VReasonConfig.preset(name).to_dict()
    if issues := apply_overrides(settings, changes):
        raise ConfigError(issues)
    return VReasonConfig.from_mapping(settings)


def _cost(found: Answer) -> str:
    cost = found.cost
    share = cost.control_ms / cost.generation_ms if cost.generation_ms else 0.0
    ended = "" if found.stopped == "eos" else f", ended by {found.stopped}"
    told = f"{cost.output_tokens} tokens in {cost.generation_ms / 1000:.2f} s ({100 * share:.0f} % control){ended}"
    video = (
        f"{cost.kept_video_tokens} of {cost.video_tokens} video tokens"
        if cost.kept_video_tokens != cost.video_tokens
        else f"{cost.video_tokens} video tokens"
    )
    signs = f"; {', '.join(found.signatures)}" if found.signatures else ""
    return f"{told}; {video}{signs}"
