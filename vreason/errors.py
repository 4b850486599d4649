"""The error tree. Every message ends with what to do next; the command line turns a class into its exit code.

VReasonError                      1
├── ConfigError                   2   a config file or a method's settings are wrong; lists every issue with its path
├── PluginError                   2   a plug-in, or a function that a config names, cannot be loaded
├── UnsupportedModelError         3   no adapter for this model family, or the model cannot be loaded
├── UnsupportedGenerationError    3   a decoding mode that the method cannot steer (beams, assistants, static caches)
├── VideoError                    4   a video file cannot be used; a run records it as that sample's error
├── DataError                     4   a data file or a sample in it is wrong
├── TrackingError                 5   the record cannot be written or read
│   └── TrackingUnavailableError  5   its server or database is unavailable or busy: the same call may succeed later
└── IncomparableRunsError               6   runs that are to be compared were not asked the same, in the same way
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class VReasonError(Exception):
    """Root of everything that is raised on purpose. `exit_code` is what the command line ends with."""

    exit_code = 1


@dataclass(frozen=True)
class ConfigIssue:
    """One issue of a config: `path` as written ("method.controller.k"), what is wrong, and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(VReasonError):
    """One or more issues of a configuration, all at once, each with its path."""

    exit_code = 2

    def __init__(self, issues: Sequence[ConfigIssue], source: str = "") -> None:
        self.issues = tuple(issues)
        self.source = source
        head = f"{source}: {len(self.issues)} issue(s)\n" if source else ""
        super().__init__(head + "\n".join(f"  {issue}" if source else str(issue) for issue in self.issues))


class PluginError(VReasonError):
    """A plug-in of an installed package, or a function that a config names, cannot be loaded or does not do what it promises."""

    exit_code = 2


class UnsupportedModelError(VReasonError):
    """The model's family has no adapter, or its weights cannot be found."""

    exit_code = 3


class UnsupportedGenerationError(VReasonError):
    """The generation settings ask for a decoding mode that the method cannot steer."""

    exit_code = 3


class VideoError(VReasonError):
    """A video file cannot be used. `path` names it, `reason` says why."""

    exit_code = 4

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class VideoUnavailableError(VideoError):
    """A video could not be read for a reason that says nothing about the file: its folder is away, the disk does not answer. The same call
    may succeed later.
    """


class ReaderError(VideoUnavailableError):
    """No video can be read here: the reading process cannot be started, or is killed whenever it is."""


class DataError(VReasonError):
    """A data file, or one sample of it, is wrong."""

    exit_code = 4


class TrackingError(VReasonError):
    """The record of a run cannot be written or read."""

    exit_code = 5


class TrackingUnavailableError(TrackingError):
    """The tracking server or database does not answer, or is busy: the same call may succeed later."""


class IncomparableRunsError(VReasonError):
    """Runs that are to be compared differ in more than model and method. The message lists in what."""

    exit_code = 6


class CardMismatchError(VReasonError):
    """A model card and the record that it rests on do not say the same. The message lists what each of them says."""

    exit_code = 8
