"""The folder of a repository on the Hugging Face Hub: card, results, evidence, bill of materials, thumbnail, and code that `generate` runs.

With it ``model.generate(..., custom_generate="OWNER/NAME", trust_remote_code=True)`` decodes as the card's own variant did.
"""

from __future__ import annotations

import ast
import pprint
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vreason.config import VReasonConfig
from vreason.errors import ConfigError, ConfigIssue, TrackingError
from vreason_tracking.cards.bill_of_materials import FILE as BILL, bill_of_materials
from vreason_tracking.cards.eval_results import FOLDER, HubDataset, datasets_in, eval_results
from vreason_tracking.cards.evidence import Evidence, RunFacts
from vreason_tracking.cards.html_page import to_html
from vreason_tracking.cards.readme import to_readme
from vreason_tracking.cards.summary import own_run
from vreason_tracking.cards.thumbnail import thumbnail

GENERATE = "custom_generate/generate.py"
_GENERATE = '''"""Decodes with vreason-track's V-Reason (arXiv 2510.17045), set as in the model card beside this file."""

import vreason

METHOD = {method}


def generate(model, inputs=None, generation_config=None, vreason_method=None, **kwargs):
    """`model.generate` with the method of the card; `vreason_method` takes its place: settings, or a preset's name."""
    method = METHOD if vreason_method is None else vreason_method
    config = vreason.VReasonConfig.preset(method) if isinstance(method, str) else vreason.VReasonConfig.from_mapping(method)
    kwargs.pop("custom_generate", None)
    return model.generate(inputs, generation_config, custom_generate=vreason.decode, vreason=config, **kwargs)
'''


def hub_files(evidence: Evidence, notes: str = "", named: Mapping[str, HubDataset] | None = None) -> dict[str, bytes]:
    """All files of the repository, by their paths in it; the same evidence and notes give the same bytes.

    Args:
        evidence: of the card.
        notes: that somebody has written by hand.
        named: data sets of the Hub by the benchmark's name, for those that are none of the paper's.

    Raises:
        ConfigError: the own variant's method is one of the user's own, which another machine does not have.
    """
    texts = {
        "README.md": to_readme(evidence, notes),
        "card.html": to_html(evidence, notes),
        "evidence.json": evidence.to_json(),
        BILL: bill_of_materials(evidence),
        GENERATE: _GENERATE.format(method=pprint.pformat(method_of(own_run(evidence)), width=100, sort_dicts=False)),
        "custom_generate/requirements.txt": f"vreason-track>={evidence.version}\n",
        **{f"{FOLDER}/{name}": text for name, text in eval_results(evidence, named or {}).items()},
    }
    return {**{name: text.encode() for name, text in texts.items()}, "thumbnail.png": thumbnail(evidence)}


def method_of(run: RunFacts) -> dict[str, Any]:
    """The method of a run as `VReasonConfig.from_mapping` takes it.

    Raises:
        ConfigError: it cannot be: it names what only the run's own machine has, or a later version's setting.
    """
    found: dict[str, Any] = {"controller": None, "pruning": None}
    for each in run.settings:
        part, _, name = each.name.partition(".")
        found[part] = {**(found.get(part) or {}), name: _typed(each.value)}
    try:
        return VReasonConfig.from_mapping(found).to_dict()
    except ConfigError as error:
        told = "; ".join(str(issue) for issue in error.issues)
        raise ConfigError([ConfigIssue(run.name, f"its method cannot be written for the Hub: {told}")]) from error


def _typed(text: str) -> object:
    """A number or truth value out of the record's text; any other word as it is."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, (bool, int, float)) else text


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write them. Where results are among them, those of an earlier export that are none of them any more are removed.

    Raises:
        TrackingError: the folder cannot be written.
    """
    try:
        for old in (folder / FOLDER).glob("*.yaml") if GENERATE in files else ():
            if f"{FOLDER}/{old.name}" not in files and datasets_in(old.read_text(encoding="utf-8", errors="replace")) is not None:
                old.unlink()
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise TrackingError(f"{folder}: the card cannot be written ({error}); name another folder with --out") from error


def require_repository(name: str) -> None:
    """See that a name can be a repository's.

    Raises:
        ConfigError: it cannot.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
        if name.count("/") != 1:
            raise HFValidationError("it has no owner")
    except HFValidationError as error:
        raise ConfigError(
            [ConfigIssue("--hub", f"{name!r} is no repository ({str(error).splitlines()[0][:200]}); write OWNER/NAME")]
        ) from error


def hub_token() -> str:
    """The token that is at hand: HF_TOKEN, or the one that `hf auth login` keeps.

    Raises:
        ConfigError: there is none.
    """
    from huggingface_hub import get_token

    token = get_token()
    if not token:
        raise ConfigError([ConfigIssue("--push", "needs a token that may write; set HF_TOKEN, or log in with `hf auth login`")])
    return token


def push(folder: Path, repository: str, token: str, *, private: bool) -> str:
    """Send the folder to the Hub as one commit, making the repository if it is not there; returns the commit's address.

    Args:
        folder: as `write_files` left it.
        repository: "owner/name".
        token: that may write there.
        private: whether a repository that is made is seen by its owner only.

    Raises:
        TrackingError: the Hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        api = HfApi(token=token)
        api.create_repo(repository, private=private, exist_ok=True)
        made = api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Model card from recorded runs")
        return str(made.commit_url)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        what = f"{repository}: the Hub refuses ({line[:300]}); the folder {folder} is whole, check name and token and push it again"
        raise TrackingError(what) from error
