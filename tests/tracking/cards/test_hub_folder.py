"""vreason_tracking.cards.hub_folder: a repository as the Hub has it, whose code decodes as the card's variant did, and how it is sent."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from PIL import Image

from tests.helpers.cards import registered
from tests.helpers.fake_hub import TOKEN, FakeHub, running
from vreason.config import PRESETS, VReasonConfig
from vreason.errors import ConfigError, TrackingError
from vreason_tracking.cards import Evidence, HubDataset, Setting, hub_files, push, require_repository, write_files
from vreason_tracking.cards.hub_folder import method_of
from vreason_tracking.cards.method_card import controller_of
from vreason_tracking.settings import Variant

NAMED = {"shapes": HubDataset("team/shapes")}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    with running() as found:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", found.address)
        yield found


def test_the_files(evidence: Evidence, tmp_path: Path) -> None:
    """All of a repository; the same bytes again; what the library reads is the card."""
    files = hub_files(registered(evidence), "By hand.", NAMED)
    assert {
        *("README.md", "card.html", "evidence.json", "mlbom.cdx.json", "thumbnail.png"),
        *("custom_generate/generate.py", "custom_generate/requirements.txt", ".eval_results/baseline.yaml", ".eval_results/v-reason.yaml"),
    } == set(files)
    assert files == hub_files(registered(evidence), "By hand.", NAMED)
    assert "By hand." in ModelCard(files["README.md"].decode()).text
    assert (1200, 630) == Image.open(BytesIO(files["thumbnail.png"])).size
    (tmp_path / ".eval_results").mkdir()
    (tmp_path / ".eval_results" / "gone.yaml").write_bytes(files[".eval_results/v-reason.yaml"])
    (tmp_path / ".eval_results" / "by-hand.yaml").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"mine")
    write_files(files, tmp_path)
    assert {"baseline.yaml", "v-reason.yaml", "by-hand.yaml"} == {path.name for path in (tmp_path / ".eval_results").iterdir()}
    write_files({"README.md": files["README.md"]}, tmp_path)
    assert 3 == len(list((tmp_path / ".eval_results").iterdir())), "a card alone takes no results away"
    assert b"mine" == (tmp_path / "model.safetensors").read_bytes()


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_the_method_of_a_record(evidence: Evidence, preset: str) -> None:
    """Every setting comes back out of the record's text as it was."""
    params = {f"method.{name}": str(value) for name, value in Variant(preset, PRESETS[preset]).flattened().items()}
    run = replace(evidence.runs[0], settings=controller_of(params))
    assert PRESETS[preset] == VReasonConfig.from_mapping(method_of(run))


def test_a_method_that_only_its_machine_has(evidence: Evidence) -> None:
    """It cannot be written for the Hub, and the variant is named."""
    run = replace(evidence.runs[-1], settings=[Setting("controller.k", "many", "", "")])
    with pytest.raises(ConfigError, match="v-reason"):
        hub_files(replace(evidence, runs=[*evidence.runs[:-1], run]))


def test_generate_decodes_as_the_variant(evidence: Evidence, tmp_path: Path, random_model_folder: Path) -> None:
    """transformers loads the folder's code, and the tokens are those of `vreason.decode` with the card's method; another may be given."""
    import torch

    import vreason
    from vreason.models import ModelSpec, load_model

    write_files(hub_files(evidence), tmp_path)
    loaded = load_model(ModelSpec(str(random_model_folder), None, "float32", "cpu"))
    inputs = {"input_ids": torch.tensor([[5, 6, 7, 8]]), "max_new_tokens": 12, "do_sample": False}
    method = VReasonConfig.from_mapping(method_of(evidence.runs[-1]))
    expected = loaded.model.generate(**inputs, custom_generate=vreason.decode, vreason=method)
    own = loaded.model.generate(**inputs, custom_generate=str(tmp_path), trust_remote_code=True)
    assert torch.equal(expected, own)
    plain = loaded.model.generate(**inputs, custom_generate=str(tmp_path), trust_remote_code=True, vreason_method="baseline")
    assert torch.equal(loaded.model.generate(**inputs), plain)


def test_pushed(hub: FakeHub, evidence: Evidence, tmp_path: Path) -> None:
    """One commit with every file, in a repository that is made; what somebody else has put into the folder goes along."""
    files = hub_files(evidence, "", NAMED)
    write_files(files, tmp_path)
    address = push(tmp_path, "team/shapes", TOKEN, private=True)
    assert address.startswith(f"{hub.address}/team/shapes/commit/")
    assert files == hub.files["team/shapes"]
    assert hub.repositories["team/shapes"]


def test_what_the_hub_refuses(hub: FakeHub, evidence: Evidence, tmp_path: Path) -> None:
    """A wrong token, and a commit that is not taken: said, with the folder that is left to be pushed again."""
    write_files(hub_files(evidence), tmp_path)
    with pytest.raises(TrackingError, match="team/shapes: the Hub refuses"):
        push(tmp_path, "team/shapes", "hf_wrong", private=False)
    hub.refuses = 403
    with pytest.raises(TrackingError, match=f"the folder {tmp_path} is whole"):
        push(tmp_path, "team/shapes", TOKEN, private=False)


@pytest.mark.parametrize("name", ["", "name", "a/b/c", "a b/c", "-a/b", "a/b.git", "../x"])
def test_names_that_no_repository_has(name: str) -> None:
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        require_repository(name)
