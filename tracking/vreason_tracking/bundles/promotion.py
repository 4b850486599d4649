"""An alias moves to another version: only when the version's figures are what is asked for, and it is no worse than the one before."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vreason.config_checks import suggestion
from vreason.errors import ConfigError, ConfigIssue, TrackingError, VReasonError
from vreason_tracking.bundles.registry import Reference, Registry, Version, alias_issue
from vreason_tracking.catalog import Catalog, recorded_runs
from vreason_tracking.comparison import MARGIN, Equivalence, compare, equivalence, named_runs
from vreason_tracking.presentation import points
from vreason_tracking.records import PROMOTED_PREFIX, user_name

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_REQUIREMENT = re.compile(r"\s*(?P<name>[^<>=]+?)\s*(?P<operator>>=|<=|>|<)\s*(?P<value>[-+0-9.eE]+)\s*")


class GateError(VReasonError):
    """A version does not pass what is asked of it, and the alias stays where it is."""

    exit_code = 6


@dataclass(frozen=True)
class Gate:
    """One thing that was asked of a version.

    Attributes:
        requirement: in words, such as "accuracy >= 0.9".
        found: what the version has.
        passed: whether that is enough.
    """

    requirement: str
    found: str
    passed: bool


@dataclass(frozen=True)
class Promotion:
    """What became of it.

    Attributes:
        version: as it is now.
        alias: that points at it.
        before: the version at which the alias pointed; None where it is new.
        gates: what was asked, all of it passed or forced.
    """

    version: Version
    alias: str
    before: Version | None
    gates: Sequence[Gate]


@dataclass(frozen=True)
class Gating:
    """What is asked of a version.

    Attributes:
        requirements: of its figures, each "NAME >= VALUE"; names as MLflow has the run's metrics.
        no_regression_against: a version ("@champion", "NAME/3"), than which it may be no worse; None asks for no such thing.
        margin: accuracy that may be lost, as a share.
        force: why the alias moves although a gate is not passed; None lets it stay.
        reason: why the alias moves; it stays on the version and in the audit trail.
    """

    requirements: Sequence[str] = ()
    no_regression_against: str | None = None
    margin: float = MARGIN
    force: str | None = None
    reason: str | None = None


def promote(registry: Registry, catalog: Catalog, reference: str, alias: str, gating: Gating) -> Promotion:
    """Let an alias point at a version.

    Args:
        registry: of the models.
        catalog: where the runs of both versions are looked for.
        reference: the version.
        alias: the alias.
        gating: what it has to pass.

    Raises:
        GateError: it does not pass.
        ConfigError: a requirement or the alias is none.
        IncomparableRunsError: the runs of both versions were not asked the same.
        TrackingError: a version or a run cannot be found or read, or the version is retired.
    """
    alias = alias.removeprefix("@")
    if (issue := alias_issue(alias)) is not None:
        raise ConfigError([issue])
    version = registry.find(reference)
    if version.retired:
        raise TrackingError(f"{version.label} is retired ({version.retired}); register its run again, or promote another version")
    before = next((each for each in registry.versions(version.name) if alias in each.aliases), None)
    gates = _required(registry, version, gating.requirements)
    if gating.no_regression_against is not None:
        gates.append(_no_regression(registry, catalog, version, gating.no_regression_against, gating.margin))
    failed = [gate for gate in gates if not gate.passed]
    if failed and not gating.force:
        told = "; ".join(f"{gate.requirement}: {gate.found}" for gate in failed)
        raise GateError(f"{version.label} does not become @{alias}: {told}. To do it all the same: --force REASON")
    forced = gating.force if failed else None
    registry.tag(version, {PROMOTED_PREFIX + alias: _note(gates, forced, gating.reason, before)})
    return Promotion(registry.set_alias(version, alias, forced or gating.reason), alias, before, gates)


def _required(registry: Registry, version: Version, requirements: Sequence[str]) -> list[Gate]:
    if not requirements:
        return []
    figures = registry.bundle(version).origin.figures
    gates, issues = [], []
    for text in requirements:
        found = _REQUIREMENT.fullmatch(text)
        try:
            name, compared, value = (found["name"], found["operator"], float(found["value"])) if found else ("", "", 0.0)
        except ValueError:
            found = None
        if found is None:
            issues.append(ConfigIssue("--require", f"{text!r} is no requirement; write NAME >= VALUE, for example 'accuracy >= 0.9'"))
        elif name not in figures:
            issues.append(
                ConfigIssue("--require", f"{name!r} is no figure of {version.label}{suggestion(name, figures) or _some(list(figures))}")
            )
        else:
            gates.append(Gate(f"{name} {compared} {value:g}", f"{figures[name]:.6g}", _OPERATORS[compared](figures[name], value)))
    if issues:
        raise ConfigError(issues)
    return gates


def _some(names: list[str]) -> str:
    return f"; it has {', '.join(sorted(names)[:12])} and more" if len(names) > 12 else f"; it has {', '.join(sorted(names))}"


def _no_regression(registry: Registry, catalog: Catalog, version: Version, against: str, margin: float) -> Gate:
    reference = Reference.parse(version.name + against if against.startswith("@") else against)
    other = registry.find(reference)
    wanted = f"no worse than {other.label} ({reference}) by more than {100 * margin:g} points"
    if other.run_id == version.run_id:
        return Gate(wanted, "both versions are of one run", True)
    found = compared_versions(catalog, version, other, margin)
    return Gate(wanted, in_words(found), found.no_worse)


def compared_versions(catalog: Catalog, version: Version, other: Version, margin: float) -> Equivalence:
    """The equivalence tests of the runs of two versions, question by question.

    Raises:
        IncomparableRunsError: they were not asked the same.
        TrackingError: a run cannot be found or read.
        ConfigError: the margin is none.
    """
    if not 0 < margin <= 1:
        raise ConfigError([ConfigIssue("--margin", f"{margin:g} is not above 0 and at most 1; 0.02 stands for two points")])
    runs = named_runs(catalog, [other.run_id, version.run_id]).runs
    with recorded_runs(runs, steps=False) as recorded:
        comparison = compare(recorded, baseline=recorded[0].name)
    difference = comparison.groups[0].results[1].accuracy.difference
    if difference is None:
        raise TrackingError(f"{version.label} and {other.label}: no question was answered by both; run them on the same data")
    return equivalence(difference, margin)


def in_words(found: Equivalence) -> str:
    """What a difference leaves room for, in a sentence."""
    if found.low is None or found.high is None:
        return f"{points(found.difference)} points, from a single video: nothing can be concluded"
    told = f"{points(found.difference)} points, one-sided 95 % limit {points(found.low)}"
    return f"{told}, made by too few videos that differ to be relied on" if found.sparse else told


def _note(gates: Sequence[Gate], forced: str | None, reason: str | None, before: Version | None) -> str:
    required = [f"{gate.requirement}: {gate.found}, {'passed' if gate.passed else 'NOT passed'}" for gate in gates]
    told = {"by": user_name(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "required": required}
    more = {name: why for name, why in (("forced", forced), ("reason", reason)) if why}
    return json.dumps({**told, **more, "before": before.label if before else None}, ensure_ascii=False)[:4900]
