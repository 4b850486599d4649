"""vreason_tracking.audit.checkpoints and keys: signed notes as C2SP has them."""

from __future__ import annotations

import hashlib

import pytest

from vreason.errors import TrackingError
from vreason_tracking.audit.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from vreason_tracking.audit.keys import PublicKey, SigningKey, make_key, public_path, read_public_key, read_signing_key

ROOT = hashlib.sha256(b"").digest()
PUBLISHED = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""A public key of the signed-note documentation (golang.org/x/mod/sumdb/note)."""
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate("test.example/log")


def test_a_published_note(key) -> None:
    """The published signature of the published key is that key's, of that text, and of no other."""
    import base64

    public = PublicKey.parse(PUBLISHED)
    text, signature = NOTE
    raw = base64.b64decode(signature)
    assert (public.key_id, "PeterNeumann") == (raw[:4], public.name)
    assert public.verify(raw[4:], text.encode())
    assert not public.verify(raw[4:], (text + " ").encode())


def test_there_and_back(key) -> None:
    """A signed checkpoint is read with its key, and says what was signed."""
    checkpoint = Checkpoint("test.example/log", 42, ROOT)
    note = checkpoint.signed(key)
    assert checkpoint == read_checkpoint(note, key.public)
    assert ["test.example/log", "42"] == note.split("\n")[:2]


def test_a_witness_may_sign_as_well(key) -> None:
    """Signatures of other keys are passed over, before and after."""
    checkpoint = Checkpoint("o", 1, ROOT)
    other = checkpoint.signed(SigningKey.generate("witness")).split("\n\n")[1]
    body, mine = checkpoint.signed(key).split("\n\n")
    assert checkpoint == read_checkpoint(f"{body}\n\n{other}{mine}", key.public)
    with pytest.raises(CheckpointError, match=r"not signed by .* but by witness"):
        read_checkpoint(f"{body}\n\n{other}", key.public)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("42", "43"),
        lambda note: note.replace("test.example/log\n", "test.example/lag\n", 1),
        lambda note: note.replace("42", "042"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.rstrip("\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: "",
        lambda note: note[:-6] + ("AAAA=\n" if not note.endswith("AAAA=\n") else "BBBB=\n"),
    ],
)
def test_a_changed_note_is_refused(key, change) -> None:
    """Size, origin, form, signature: whatever is changed."""
    note = Checkpoint("test.example/log", 42, ROOT).signed(key)
    with pytest.raises(CheckpointError):
        read_checkpoint(change(note), key.public)


def test_key_files(tmp_path) -> None:
    """The signing key is its owner's alone; both files are read back; neither is written over."""
    path = tmp_path / "folder" / "audit.key"
    made = make_key(path, "log")
    assert 0o600 == path.stat().st_mode & 0o777
    assert str(made) == str(read_signing_key(path))
    assert made.public == read_public_key(public_path(path))
    with pytest.raises(TrackingError, match=r"there is a file already"):
        make_key(path, "log")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_names_that_a_note_cannot_have(name) -> None:
    """Blanks and plus signs would end the name."""
    with pytest.raises(ValueError, match=r"cannot name a key"):
        SigningKey.generate(name)


@pytest.mark.parametrize("text", ["", "nothing", "a+b", "a+00000000+AAAA", "log+00000000+!!!", PUBLISHED.replace("c74f20a3", "c74f20a4")])
def test_files_that_are_no_keys(tmp_path, text) -> None:
    """Each is refused by its file's name; the one read for the other, too."""
    path = tmp_path / "some.key"
    path.write_text(text)
    for read in (read_public_key, read_signing_key):
        with pytest.raises(TrackingError, match=r"some.key: is no"):
            read(path)
    with pytest.raises(TrackingError, match=r"none.key: cannot be read"):
        read_signing_key(tmp_path / "none.key")
