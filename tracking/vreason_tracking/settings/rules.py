"""What the fields of a run configuration mean together: defaults that hang on other fields, and combinations that are refused.

Works on the mapping before its types are checked, so that a wrong type in one field does not hide a wrong combination of others: a value of
the wrong type simply takes part in no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vreason.benchmarks import DEMO_BENCHMARK, DEMO_SPLITS, benchmark_plugin, may_be_benchmark
from vreason.config_checks import check_choice, check_order, shown, suggestion
from vreason.errors import ConfigError, ConfigIssue, PluginError
from vreason.models import DEMO_MODEL
from vreason.plugins import LISTENERS, is_reference, plugins, reference_issue
from vreason.scoring import PROFILES, scoring_issue
from vreason_tracking.settings.sections import GenerationSettings
from vreason_tracking.stores import address_issue

PLACEHOLDER = "{Question}"


def filled_in(data: Mapping[str, Any], sections: Iterable[str]) -> dict[str, Any]:
    """A copy with empty sections opened and the defaults that depend on other fields settled."""
    filled = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for name in sections:
        if filled.get(name) is None:
            filled[name] = {}
    video, data_section, prompt = (filled[name] if isinstance(filled[name], dict) else {} for name in ("video", "data", "prompt"))
    if video.get("fps") is not None:
        video.setdefault("nframes", None)
    if data_section.get("source", DEMO_BENCHMARK) == DEMO_BENCHMARK and data_section.get("split") is None:
        data_section["split"] = "test"
    if prompt.get("template", "auto") == "auto":
        prompt["template"] = "short" if _section(filled, "model").get("id", DEMO_MODEL) == DEMO_MODEL else "reasoning"
    return filled


def combination_issues(data: Mapping[str, Any]) -> list[ConfigIssue]:
    """Every issue of a combination, in a mapping that `filled_in` made."""
    return [
        *_source_issues(_section(data, "data")),
        *_prompt_issues(_section(data, "prompt")),
        *_generation_issues(_section(data, "generation")),
        *_listener_issues(data.get("listeners")),
        *_tracking_issues(_section(data, "tracking")),
    ]


def prompt_text(file: str) -> str:
    """The text of a prompt file, byte for byte (line ends and a last newline included).

    Raises:
        ConfigError: it cannot be read, is not UTF-8, or lacks the placeholder.
    """
    try:
        text = Path(file).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8; save the file as UTF-8"
    except FileNotFoundError:
        reason = f"no such file ({Path(file).absolute()}); give a text file's path, from the config's folder"
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = f"cannot be read ({getattr(error, 'strerror', None) or error}); give a text file's path"
    else:
        if PLACEHOLDER in text:
            return text
        reason = f"has no {PLACEHOLDER}; write it where the question belongs"
    raise ConfigError([ConfigIssue("prompt.file", f"{file!r}: {reason}")])


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _source_issues(data_section: Mapping[str, Any]) -> list[ConfigIssue]:
    """Fields that mean nothing for the data chosen, and names that nobody knows."""
    source, split, root = (data_section.get(name) for name in ("source", "split", "video_root"))
    demo = data_section.get("source", DEMO_BENCHMARK) == DEMO_BENCHMARK
    issues = _scoring_issues(data_section.get("scoring"))
    if demo and isinstance(split, str):
        issues += check_choice("data.split", split, DEMO_SPLITS)
    if demo and root is not None:
        issues.append(ConfigIssue("data.video_root", f"{shown(root)}: the demo makes its own clips; leave it out or give data.source"))
    if not demo and isinstance(source, str):
        issues += _split_issues(source, split)
    return issues


def _split_issues(source: str, split: Any) -> list[ConfigIssue]:
    """A file has no split; of a benchmark it is the benchmark's own matter."""
    try:
        named = benchmark_plugin(source) is not None
    except PluginError as error:
        return [ConfigIssue("data.source", str(error))]
    if named or split is None:
        return []
    why = "only benchmarks have splits; leave it out, a file is asked as it is"
    if may_be_benchmark(source):
        why += f", or install the package that offers the benchmark {source!r}"
    return [ConfigIssue("data.split", f"{shown(split)}: {why}")]


def _scoring_issues(name: Any) -> list[ConfigIssue]:
    if not isinstance(name, str) or (issue := scoring_issue(name)) is None:
        return []
    return [ConfigIssue("data.scoring", issue + ("" if ":" in name else suggestion(name, PROFILES)))]


def _listener_issues(names: Any) -> list[ConfigIssue]:
    """Each is a listener of an installed package, or of a module that is there."""
    issues: list[ConfigIssue] = []
    for index, name in enumerate(names if isinstance(names, list) else ()):
        path = f"listeners.{index}"
        if isinstance(name, str) and is_reference(name):
            issue = reference_issue(name)
            issues += [ConfigIssue(path, issue)] if issue else []
        elif isinstance(name, str) and name not in (known := [plugin.name for plugin in plugins(LISTENERS)]):
            offered = f"there are {', '.join(known)}" if known else "none is installed"
            issues.append(ConfigIssue(path, f"{shown(name)} is no listener of an installed package ({offered}); or write module:Class"))
    return issues


def _tracking_issues(tracking: Mapping[str, Any]) -> list[ConfigIssue]:
    """An address at which nothing could be kept."""
    uri = tracking.get("uri")
    issue = address_issue(uri) if isinstance(uri, str) else None
    return [ConfigIssue("tracking.uri", issue)] if issue else []


def _prompt_issues(prompt: Mapping[str, Any]) -> list[ConfigIssue]:
    file = prompt.get("file")
    if not isinstance(file, str) or not file:
        return []
    try:
        prompt_text(file)
    except ConfigError as error:
        return list(error.issues)
    return []


def _generation_issues(generation: Mapping[str, Any]) -> list[ConfigIssue]:
    issues = []
    if generation.get("do_sample", False) is False:
        issues = [
            ConfigIssue(
                f"generation.{name}", f"{shown(generation[name])} has no effect without sampling; add do_sample: true or leave it out"
            )
            for name in ("temperature", "top_p", "top_k")
            if generation.get(name) is not None
        ]
    fields = GenerationSettings.model_fields
    least, most = (generation.get(name, fields[name].default) for name in ("min_new_tokens", "max_new_tokens"))
    return [*issues, *check_order("generation", "min_new_tokens", least, "max_new_tokens", most)]
