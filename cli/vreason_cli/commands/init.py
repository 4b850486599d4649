"""`vreason-track init`: write a commented run configuration to start from."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli.help_names import HELP

TEMPLATE = """\
# A run of vreason-track. Check and start it with:  vreason-track run --config {file}
# Any value can be changed from the command line as well:  --set data.limit=10

name: {name}

model:
  id: {model}  # a Hub id, a folder, or demo (the small embedded model)
  # revision: null  # a commit of the Hub, so that the weights stay the same
  dtype: auto  # auto, float32, bfloat16, float16
  device: auto  # auto, cpu, mps, cuda, cuda:0
  attention: sdpa  # sdpa, eager, flash_attention_2

# The methods to compare, each asked the same questions. A preset is the start; fields given override it.
variants:
  - name: baseline  # the model as it is
    preset: baseline
  - name: v-reason  # the paper's method
    preset: v-reason
    # controller: {{k: 4, lr: 3e-4}}
  - name: v-reason-lite  # the same with half of the video tokens dropped
    preset: v-reason-lite
    # pruning: {{ratio: 0.5}}

# One variant per value (and per combination), of every variant that has the part:
# matrix:
#   controller.k: [2, 4, 8, 16]

data:
  source: {data}  # demo, or a file (JSON, JSONL, CSV, Parquet) with video, question, answer and, as needed, options and benchmark
{split}  scoring: robust  # robust, or video-r1 for numbers that compare with the paper's
  limit: {limit}  # at most this many questions; null asks all

video:
  nframes: {nframes}  # frames spread over the clip; or leave it out and give fps
  # fps: 2.0
  # max_pixels: 100352  # area of a frame

prompt:
  template: auto  # short for the demo model, else reasoning
  # file: prompt.txt  # a text of your own with the placeholder {{Question}}
  # suffixes: {{OCR: " Answer with the text."}}  # per problem type; null leaves one out

generation:
  max_new_tokens: {tokens}
  do_sample: false  # true allows temperature, top_p and top_k
  # temperature: 0.1
  # top_p: 0.001

batch_size: 1  # questions decoded side by side
schedule: interleaved  # for each batch all variants in turn, so that times compare; sequential: one variant after another
seed: 0
# listeners: [my_module:MyListener]  # told of the run as it goes; or the name of one that an installed package offers

tracking:
  # uri: http://localhost:5000  # else MLFLOW_TRACKING_URI, else sqlite:///mlflow.db in this folder
  experiment: vreason
"""
SPLIT = "  split: test  # test or validation\n"
VIDEO_ROOT = "  # video_root: videos  # folder of relative video paths; else the file's own\n"


def render(file: str, model: str, data: str) -> str:
    """The commented configuration for a model and its data.

    Args:
        file: the name it will have.
        model: a Hub id, a folder, or "demo".
        data: "demo", or the path of a data file.

    Raises:
        ConfigError: the model or the data cannot be written into a configuration (a blank name, say).
    """
    import json

    from vreason_tracking.settings import parse_settings

    demo = model == "demo"
    text = TEMPLATE.format(
        file=file,
        name="demo" if demo and data == "demo" else "my-run",
        model="demo" if demo else json.dumps(model),  # a JSON string is a YAML string, whatever is in it
        data="demo" if data == "demo" else json.dumps(data),
        split=SPLIT if data == "demo" else VIDEO_ROOT,
        limit=48 if data == "demo" else "null",
        nframes=8 if demo else 16,
        tokens=96 if demo else 1024,
    )
    parse_settings(text, file)
    return text


@click.command("init", context_settings=HELP)
@click.argument("file", default="vreason.yaml", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--model", default="demo", show_default=True, help="Hub id or folder of the model; demo is the embedded one.")
@click.option("--data", default="demo", show_default=True, help="File of questions (JSON, JSONL, CSV, Parquet); demo: the embedded ones.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def init_command(file: Path, model: str, data: str, force: bool) -> None:
    """Write a commented run configuration to FILE (default: vreason.yaml)."""
    text = render(str(file), model, data)
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:  # "x" refuses without a gap between look and write
            stream.write(text)
    except FileExistsError:
        raise click.BadParameter(f"{file} exists already; give another name, or --force to overwrite it", param_hint="FILE") from None
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be written ({error.strerror}); give a folder that exists", param_hint="FILE") from None
    click.echo(f"wrote {file}; start it with: vreason-track run --config {file}")
