"""Registered bundles: versions of MLflow's registered models, found by name, number or alias."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vreason.errors import ConfigIssue, TrackingError
from vreason_tracking.audit import enter
from vreason_tracking.bundles.bundle import FILE_NAME, Bundle, read_bundle
from vreason_tracking.bundles.signing import SIGNATURE
from vreason_tracking.catalog import Catalog
from vreason_tracking.journal import journal_folder
from vreason_tracking.records import (
    AGAINST_TAG,
    BUNDLE_KIND,
    EXAMPLE_TAG,
    FORCED_TAG,
    KIND_TAG,
    REGISTERED_BY_TAG,
    RETIRED_TAG,
    SIGNED_TAG,
    user_name,
)
from vreason_tracking.stores import MlflowStore, failure, mlflow_internals, redact_password

_REFERENCE = re.compile(r"(?:models:/)?(?P<name>[^/@:']+?)(?:/(?P<version>[0-9]+)|@(?P<alias>[\w.-]+))?")


@dataclass(frozen=True)
class Reference:
    """How somebody names a version: "NAME", which is the newest one, "NAME/3", "NAME@champion", with "models:/" before it or not."""

    name: str
    version: str | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The reference that a text is.

        Raises:
            TrackingError: it is none.
        """
        found = _REFERENCE.fullmatch(text.strip())
        if found is None:
            raise TrackingError(f"{text!r} names no version of a model; write NAME, NAME/VERSION or NAME@ALIAS")
        return cls(found["name"], found["version"], found["alias"])

    def __str__(self) -> str:
        return self.name + (f"/{self.version}" if self.version else f"@{self.alias}" if self.alias else "")


@dataclass(frozen=True)
class Version:
    """One version of a registered bundle.

    Attributes:
        name, version: as registered.
        aliases: that point at it, in alphabetical order.
        run_id: MLflow's of the run that it was made of.
        created_ms: Unix time, milliseconds.
        tags: of the version.
        description: Markdown.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    run_id: str
    created_ms: int
    tags: dict[str, str]
    description: str

    @property
    def label(self) -> str:
        """As it is written: "NAME/3"."""
        return f"{self.name}/{self.version}"

    @property
    def uri(self) -> str:
        """As MLflow takes it."""
        return f"models:/{self.label}"

    @property
    def signed(self) -> bool:
        """Whether a signature lies in it."""
        return self.tags.get(SIGNED_TAG) == "true"

    @property
    def forced(self) -> str | None:
        """Why it was registered whatever spoke against it; None where nothing did."""
        return self.tags.get(FORCED_TAG)

    @property
    def against(self) -> str | None:
        """What spoke against it."""
        return self.tags.get(AGAINST_TAG)

    @property
    def example(self) -> str:
        """What came of the example when it was registered; see `vreason_tracking.bundles.registering`."""
        return self.tags.get(EXAMPLE_TAG, "")

    @property
    def created_by(self) -> str:
        """Who registered it."""
        return self.tags.get(REGISTERED_BY_TAG, "")

    @property
    def retired(self) -> str | None:
        """Why it is not to be used any more; None where it may be."""
        return self.tags.get(RETIRED_TAG)


_LARGEST = 64 * 2**20  # bytes of a single file that is read
_OTHER_SERVERS = ("ftp", "sftp", "http", "https")
_PAGE, _MODELS_PAGE = 5_000, 1_000  # versions and models that are asked for at once; MLflow takes no more models


class Registry:
    """The registered bundles of a tracking store.

    Args:
        store: where runs and models are.
        journal: the journal whose audit trail is told of what is changed; None takes the default one.
    """

    def __init__(self, store: MlflowStore, journal: Path | None = None) -> None:
        from mlflow import MlflowClient

        self.uri, self._store, self._journal = store.uri, store, journal or journal_folder(None)
        registry = os.environ.get("MLFLOW_REGISTRY_URI") or store.uri
        self.client = MlflowClient(tracking_uri=store.uri, registry_uri=registry)
        self.address = redact_password(registry)

    @classmethod
    def of(cls, catalog: Catalog) -> Registry:
        """The models of a catalog's store; what is changed is entered into its journal's audit trail.

        Raises:
            TrackingError: the store cannot be opened.
        """
        opened = catalog.open_store()
        if opened.store is None:
            raise opened.store_error or TrackingError(f"{catalog.address}: cannot be opened; name the store with --tracking-uri")
        return cls(opened.store, catalog.root)

    def versions(self, name: str | None = None) -> list[Version]:
        """Every version of bundles, or of one of them; by name, the newest first.

        Raises:
            TrackingError: the registry cannot be read.
        """
        with self.translated():
            query = f"tags.`{KIND_TAG}` = '{BUNDLE_KIND}'" + (f" and name = '{name}'" if name else "")
            found, token = [], None
            while True:
                page = self.client.search_model_versions(query, max_results=_PAGE, page_token=token)
                found += list(page)
                token = page.token
                if not token:
                    break
            aliases = self._aliases_of(name, bool(found))
        made = [_version(each, aliases.get(each.name, {})) for each in found]
        return sorted(made, key=lambda each: (each.name, -int(each.version)))

    def find(self, reference: Reference | str) -> Version:
        """The version that is meant.

        Raises:
            TrackingError: there is none such, or it is not one of ours.
        """
        meant = Reference.parse(reference) if isinstance(reference, str) else reference
        found = self.versions(meant.name)
        if not found:
            names = sorted({each.name for each in self.versions()})
            near = f"; there are {', '.join(names[:8])}" if names else "; none is registered yet: `vreason-track model register`"
            raise TrackingError(f"no model {meant.name!r} of ours in {self.address}{near}")
        if meant.alias is not None:
            return self._by_alias(meant, found)
        if meant.version is None:
            return found[0]
        for each in found:
            if each.version == meant.version:
                return each
        raise TrackingError(f"model {meant.name!r} has no version {meant.version}; it has {', '.join(each.version for each in found[:8])}")

    def _by_alias(self, meant: Reference, found: Sequence[Version]) -> Version:
        for each in found:
            if meant.alias in each.aliases:
                return each
        aliases = sorted({alias for each in found for alias in each.aliases})
        known = f"its aliases are {', '.join(aliases)}" if aliases else "it has no alias yet: `vreason-track model promote` gives one"
        raise TrackingError(f"model {meant.name!r} has no alias {meant.alias!r}; {known}")

    def _aliases_of(self, name: str | None, present: bool) -> dict[str, dict[str, list[str]]]:
        """Aliases by model and version: of one model, or of all."""
        if name is not None:
            return {name: _by_version(self.client.get_registered_model(name).aliases)} if present else {}
        found: dict[str, dict[str, list[str]]] = {}
        token = None
        while True:
            page = self.client.search_registered_models(max_results=_MODELS_PAGE, page_token=token)
            found |= {str(each.name): _by_version(each.aliases) for each in page}
            token = page.token
            if not token:
                return found

    @contextmanager
    def files(self, version: Version) -> Iterator[Path]:
        """The folder of a version's files, which is there until the end of the block.

        Raises:
            TrackingError: they cannot be fetched.
        """
        import mlflow

        with TemporaryDirectory(prefix="vreason-model-") as folder:
            with self.translated():
                uri = self._files_of(version)
                found = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder, tracking_uri=self.uri)
            yield Path(found)

    def bundle(self, version: Version) -> Bundle:
        """A version's description.

        Raises:
            TrackingError: it cannot be fetched, or is damaged.
        """
        import mlflow

        with TemporaryDirectory(prefix="vreason-model-") as folder:
            with self.translated():
                uri = self._files_of(version)
                found = mlflow.artifacts.download_artifacts(
                    artifact_uri=f"{uri}/artifacts/{FILE_NAME}", dst_path=folder, tracking_uri=self.uri
                )
            return read_bundle(Path(found))

    def get(self, name: str, version: str) -> Version:
        """A version by name and number, whatever letters the name has.

        Raises:
            TrackingError: there is none, or the registry cannot be read.
        """
        with self.translated():
            made = self.client.get_model_version(name, version)
            aliases = _by_version(self.client.get_registered_model(name).aliases)
        return _version(made, aliases)

    def has_signature(self, version: Version) -> bool:
        """Whether a signature lies among a version's files, whatever its tags say.

        Raises:
            TrackingError: its files cannot be listed.
        """
        import mlflow

        with self.translated():
            found = mlflow.artifacts.list_artifacts(artifact_uri=self._files_of(version), tracking_uri=self.uri)
            return any(Path(file.path).name == SIGNATURE for file in found)

    def read_files(self, version: Version, names: Sequence[str]) -> dict[str, bytes]:
        """Single files of a version, by their names without folders.

        Raises:
            TrackingError: one cannot be fetched.
        """
        import mlflow

        with TemporaryDirectory(prefix="vreason-model-") as folder, self.translated():
            uri = self._files_of(version)
            found = {}
            for name in names:
                path = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"{uri}/{name}", dst_path=folder, tracking_uri=self.uri))
                if path.stat().st_size > _LARGEST:
                    raise TrackingError(f"{version.label}: {name} is larger than {_LARGEST // 2**20} MiB; it is no card of ours")
                found[path.name] = path.read_bytes()
            return found

    def _files_of(self, version: Version) -> str:
        """The address of a version's files.

        Raises:
            TrackingError: it leads to another server than the store's: whoever may write could have it asked.
        """
        uri = str(self._store.direct_uri(self.client.get_model_version_download_uri(version.name, version.version)))
        if uri.partition(":")[0].lower() in _OTHER_SERVERS:
            raise TrackingError(
                f"{version.label}: its files are said to lie at {redact_password(uri)}, which is not asked; register its run again"
            )
        return uri

    def add_files(self, version: Version, folder: Path) -> None:
        """Put files beside a version's own; one of the same name takes the place of the one before.

        Raises:
            TrackingError: they cannot be stored.
        """
        with self.translated():
            made = self.client.get_model_version(version.name, version.version)
            self.client.log_model_artifacts(made.model_id or made.source.rpartition("/")[2], str(folder))

    def describe(self, version: Version, text: str, merged: Callable[[str, str], str]) -> None:
        """Write into the descriptions of a version and of its model.

        Args:
            version: of the model.
            text: what is to be said.
            merged: makes a new description of what stands there and the text.

        Raises:
            TrackingError: the registry refuses.
        """
        with self.translated():
            own = self.client.get_model_version(version.name, version.version).description or ""
            self.client.update_model_version(version.name, version.version, merged(own, text))
            whole = self.client.get_registered_model(version.name).description or ""
            self.client.update_registered_model(version.name, merged(whole, f"{version.label}: {text}"))

    def enter(self, action: str, subject: str, reason: str | None = None, **details: Any) -> None:
        """Enter into the audit trail what is about to be changed.

        Raises:
            TrackingError: it cannot be entered; nothing is to be changed then.
        """
        enter(self._journal, action, user_name(), subject, reason=reason, details={**details, "registry": self.address})

    def set_alias(self, version: Version, alias: str, reason: str | None = None) -> Version:
        """Let an alias point at a version; `reason` says why, where somebody was asked."""
        self.enter("alias.moved", f"model:{version.label}", reason, alias=alias)
        with self.translated():
            self.client.set_registered_model_alias(version.name, alias, version.version)
        return replace(version, aliases=tuple(sorted({*version.aliases, alias})))

    def remove_alias(self, version: Version, alias: str) -> None:
        """Take an alias away."""
        self.enter("alias.removed", f"model:{version.label}", alias=alias)
        with self.translated():
            self.client.delete_registered_model_alias(version.name, alias)

    def tag(self, version: Version, tags: dict[str, str]) -> None:
        """Write tags of a version."""
        with self.translated():
            for name, value in tags.items():
                self.client.set_model_version_tag(version.name, version.version, name, value)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Say of whatever the registry raises what it was, and what to do.

        Raises:
            TrackingError: instead.
        """
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with mlflow_internals.as_default_store(self.uri):
                yield
        except (MlflowException, SQLAlchemyError, RequestException, OSError, ValueError) as error:
            first = str(error).strip().splitlines()
            text = f"the model registry {self.address} refuses: {redact_password(first[0][:300]) if first else type(error).__name__}"
            raise failure(error, f"{text}; check the name, and the store with `vreason-track doctor`") from error


def _by_version(aliases: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for alias, version in sorted(aliases.items()):
        found.setdefault(str(version), []).append(str(alias))
    return found


def alias_issue(alias: str) -> ConfigIssue | None:
    """Why a word can be no alias, as MLflow has it; None where it can."""
    if re.fullmatch(r"[\w-]{1,100}", alias, re.ASCII) and not re.fullmatch(r"v\d+", alias, re.IGNORECASE) and alias.lower() != "latest":
        return None
    return ConfigIssue("alias", f"{alias!r} is no alias; give letters, digits, - and _, but not latest, v1 or the like")


def _version(found: Any, aliases: dict[str, list[str]]) -> Version:
    return Version(
        name=str(found.name),
        version=str(found.version),
        aliases=tuple(aliases.get(str(found.version), ())),
        run_id=str(found.run_id or ""),
        created_ms=int(found.creation_timestamp or 0),
        tags=dict(found.tags or {}),
        description=str(found.description or ""),
    )
