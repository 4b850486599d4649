"""A guide of docs/guides, followed to the letter: the template is copied, its places are filled in from the guide, its files are
written, its commands are run, and what it shows as their output is what they print.

What a fenced block is for stands behind its language:

    ```python place=3          replaces what the template has from the comment `PLACE 3` to the comment `END OF PLACE 3`
    ```yaml file=run.yaml      is saved under this name
    ```console                 is run, line by line
    ```text output             is printed by the commands before it; ... stands for anything
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from tests.helpers.forked_program import ForkedProgram
from tests.helpers.readback import finished_samples
from vreason_tracking.journal.folder import readable_runs
from vreason_tracking.journal.manifest import Manifest
from vreason_tracking.journal.samples import FinishedSample

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: its first word.
        use: "place", "file", "console", "output", or "" for a block that only shows something.
        name: of the place or the file.
        text: its lines.
    """

    language: str
    use: str
    name: str
    text: str


@dataclass(frozen=True)
class Recorded:
    """A run in the journal: what was written before it began, and its finished samples with their steps."""

    manifest: Manifest
    samples: list[FinishedSample]


def text_of(guide: str) -> str:
    """A guide as it is written."""
    return (GUIDES / f"{guide}.md").read_text(encoding="utf-8")


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks, in their order."""
    found = []
    for language, use, body in _BLOCK.findall(text):
        use, _, name = use.partition("=")
        found.append(Block(language, use or ("console" if language == "console" else ""), name, body))
    return found


def errors_of(text: str) -> list[str]:
    """The messages of the table of errors, as patterns: ... stands for anything."""
    section = text.split("## What the errors mean")[1].split("\n## ")[0]
    return re.findall(r"^\| `(.*?)` \|", section, re.MULTILINE)


def fill_in(folder: Path, place: str, text: str) -> None:
    """Put text where the template in `folder` has this place, indented as the place is."""
    files = [file for file in folder.iterdir() if file.is_file() and f"# PLACE {place}:" in file.read_text()]
    assert 1 == len(files), f"place {place} is in {len(files)} files"
    before = files[0].read_text()
    marked = re.compile(rf"^([ ]*)# PLACE {place}:.*?# END OF PLACE {place}\n", re.MULTILINE | re.DOTALL)
    (indent,) = marked.findall(before)
    lines = "".join(f"{indent}{line}" if line.strip() else line for line in text.splitlines(keepends=True))
    files[0].write_text(marked.sub(lambda _: lines, before))


def install(package: Path, site: Path) -> None:
    """What `pip install` does with a package that needs nothing else: build a wheel, and unpack it where modules are imported from."""
    (wheel,) = WheelBuilder(str(package)).build(directory=str(package / "dist"), versions=["standard"])
    shutil.rmtree(site, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def unlike(expected: str, actual: str) -> list[str]:
    """Lines of an expected output that the actual one lacks, in this order; ... stands for anything, a space for any number of spaces."""
    rest, missing = [" ".join(line.split()) for line in actual.splitlines()], []
    for line in filter(None, map(str.strip, expected.splitlines())):
        place = next((index for index, each in enumerate(rest) if re.fullmatch(pattern_of(line), each)), None)
        if place is None:
            missing.append(line)
        else:
            rest = rest[place + 1 :]
    return missing


def pattern_of(text: str) -> str:
    """A text in which ... stands for anything as a regular expression; runs of spaces are one."""
    return ".*".join(re.escape(part) for part in " ".join(text.split()).split("...")).replace(r"\ .*\ ", r"\ .*")


class Walk:
    """Somebody who follows a guide.

    Args:
        guide: its name.
        folder: empty; the template's copy and the installed package come here.
        program: starts `vreason-track`.

    Attributes:
        folder: the current one.
        said: what the latest commands printed.
    """

    def __init__(self, guide: str, folder: Path, program: ForkedProgram) -> None:
        self.guide, self.folder, self.site, self._program = guide, folder, folder / "site", program
        self.said = ""

    def follow(self) -> Walk:
        """Do everything that the guide says, in its order."""
        for block in blocks_of(text_of(self.guide)):
            if block.use == "place":
                fill_in(self.folder, block.name, block.text)
            elif block.use == "file":
                (self.folder / block.name).write_text(block.text)
            elif block.use == "console":
                self.said = "".join(self.command(line) for line in block.text.splitlines())
            elif block.use == "output":
                assert [] == unlike(block.text, self.said), self.said
        return self

    def command(self, line: str) -> str:
        """Run a line of the guide; returns what it prints."""
        match shlex.split(line):
            case ["cp", "-r", source, target]:
                shutil.copytree(ROOT / source, self.folder / target)
            case ["cp", source, target]:
                shutil.copy(ROOT / source, self.folder / target)
            case ["mkdir", target]:
                (self.folder / target).mkdir()
            case ["cd", target]:
                self.folder = self.folder / target
            case ["pip", "install", "."]:
                install(self.folder, self.site)
            case ["python", *arguments]:
                return self._python(arguments)
            case ["vreason-track", *arguments]:
                code, said = self.vreason_track(*arguments)
                assert 0 == code, said
                return said
            case _:
                raise AssertionError(f"{line!r}: no test knows how to follow this")
        return ""

    def vreason_track(self, *arguments: str) -> tuple[int, str]:
        """The program in the current folder, with what is installed: exit code and output. Runs are offline: the journal is looked at."""
        child = self._program.start(self.folder, *arguments, paths=[self.site], VREASON_RUN_OFFLINE="1", MLFLOW_TRACKING_URI="")
        code = child.wait()
        return code, child.text()

    def _python(self, arguments: list[str]) -> str:
        paths = [str(self.site), *(str(ROOT / folder) for folder in ("", "tracking", "cli", "migrations"))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert 0 == done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr

    def another(self, folder: Path) -> Walk:
        """Somebody who has come as far, in a folder of their own and without a record, who may now make mistakes."""
        made = Walk(self.guide, folder, self._program)
        shutil.copytree(self.folder, folder / self.folder.name, ignore=shutil.ignore_patterns("vreason-journal"))
        if self.site.exists():
            shutil.copytree(self.site, made.site)
        made.folder = folder / self.folder.name
        return made

    def rewrite(self, file: str, old: str, new: str) -> None:
        """Put other text into a file, and install the package anew where there is one."""
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        if (self.folder / "pyproject.toml").exists():
            install(self.folder, self.site)

    def runs(self, config: str) -> dict[str, Recorded]:
        """What the journal holds of the runs of a config, by variant."""
        folders = [folder for folder in readable_runs(self.folder / "vreason-journal") if folder.manifest.config_name == config]
        return {folder.manifest.variant: Recorded(folder.manifest, finished_samples(folder)) for folder in folders}
