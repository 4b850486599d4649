"""The text of each token, by the demo's real tokenizer and by one whose tokens split characters, also into bytes that are no text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from vreason.demo.network import SPECIAL_TOKENS
from vreason.evaluation.token_offsets import token_ends
from vreason.models.found_model import DEMO_WEIGHTS

SENTENCES = ["你好，世界 👋🏽", "今日はいい天気ですね 🎉", "Привет, мир! 🌍", "L’été à la plage", "Which way does it move?"]


NAMES = ("demo", "trained")


@cache
def demo() -> Any:
    """The demo's processor, as it is shipped."""
    from transformers import AutoProcessor  # after vreason.models.torchvision_shim, which came with vreason.models.loading

    return AutoProcessor.from_pretrained(DEMO_WEIGHTS)


@cache
def trained() -> Any:
    """A byte-level BPE of 320 pieces that learned to join bytes regardless of where characters end, with added tokens of both kinds."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False))
    tokenizer.add_tokens(["<| think 思 |>", "<answer>"])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", additional_special_tokens=["<hidden>"])


def named(name: str) -> Any:
    """The demo's processor, or the trained tokenizer."""
    return {"demo": demo, "trained": trained}[name]()


def ids_of(processor: Any, text: str) -> list[int]:
    """The tokens of a text."""
    return list(getattr(processor, "tokenizer", processor)(text)["input_ids"])


def decoded(processor: Any, token_ids: Sequence[int]) -> str:
    """The reply's text, as an evaluation takes it."""
    return str(processor.decode(list(token_ids), skip_special_tokens=True))


def spans(processor: Any, token_ids: Sequence[int]) -> list[str]:
    """The text of each token, by its ends."""
    output = decoded(processor, token_ids)
    ends = token_ends(processor, token_ids, output)
    return [output[start:end] for start, end in zip((0, *ends), ends, strict=False)]


def bytes_of(*values: int) -> list[int]:
    """The trained tokenizer's tokens of single bytes."""
    text = "".join(map(chr, [*range(0x800), *range(0x800, 0xD800, 0x100), *range(0xE000, 0x110000, 0x1000)]))
    ((pieces, _),) = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    piece_of = dict(zip(text.encode(), pieces, strict=True))  # the library's own word for it; bytes that no text has stand for themselves
    return list(trained().convert_tokens_to_ids([piece_of.get(value, chr(value)) for value in values]))


def test_the_demos_reply() -> None:
    """Words as its vocabulary cuts them, reasoning tags whole, and nothing for the token that ends the reply."""
    reply = "<think>The red circle moves.</think><answer>B</answer><|im_end|>"
    expected = ["<think>", "The", " red", " circle", " moves", ".", "</think>", "<answer>", "B", "</answer>", ""]
    assert expected == spans(demo(), ids_of(demo(), reply))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [*SENTENCES, "漢字 😀👨‍👩‍👧 é\u0301", "\ufffd real \ufffd", "\n\n\t  x  "])
def test_the_spans_rebuild_the_reply(name: str, text: str) -> None:
    """An end a token, rising to the length of the text, so that the spans join to it, characters of several tokens included."""
    processor = named(name)
    token_ids = ids_of(processor, text)
    ends = token_ends(processor, token_ids, text)
    assert (len(token_ids), len(text)) == (len(ends), ends[-1])
    assert sorted(ends) == list(ends)
    assert text == "".join(spans(processor, token_ids))


@pytest.mark.parametrize("name", NAMES)
def test_every_end_is_where_the_prefix_ends(name: str) -> None:
    """Each end is the length of what the tokens so far decode to, less the character that is not complete yet."""
    processor = named(name)
    for text in SENTENCES:
        token_ids = ids_of(processor, text)
        prefixes = [decoded(processor, token_ids[:count]) for count in range(1, len(token_ids) + 1)]
        assert tuple(len(prefix.rstrip("\ufffd")) for prefix in prefixes) == token_ends(processor, token_ids, text)


def test_a_character_belongs_to_the_token_that_completes_it() -> None:
    """An emoji of four bytes, a token each: the last one's."""
    assert ["", "", "", "😀"] == spans(trained(), bytes_of(*"😀".encode()))


def test_a_token_that_ends_one_character_and_begins_the_next() -> None:
    """A vocabulary joins the end of one with the beginning of the other: a chain of such tokens, each with the character it ends."""
    tokenizer = Tokenizer(models.BPE(vocab={"ä": 0, "½łä": 1, "½ł": 2}, merges=[]))  # E4, BD A0 E4, BD A0: 你 is E4 BD A0
    tokenizer.decoder = decoders.ByteLevel()
    chained = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    assert ["", *["你"] * 50] == spans(chained, [0, *[1] * 49, 2])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0xFF, 0x41], ["\ufffd", "A"]),  # can begin nothing
        ([0xE4, 0x41], ["", "\ufffdA"]),  # might have begun something
        ([0xE4, 0xBD, 0x41], ["", "", "\ufffdA"]),
        ([0xE4, 0xBD], ["", "\ufffd"]),  # cut off
        ([0x41, 0xF0], ["A", "\ufffd"]),
        ([0xEF, 0xBF, 0xBD, 0x41], ["", "", "\ufffd", "A"]),  # meant
        ([0xFF] * 3, ["\ufffd"] * 3),
        ([0xE4] * 3, ["", "\ufffd", "\ufffd\ufffd"]),
    ],
)
def test_bytes_that_are_no_text(values: list[int], expected: list[str]) -> None:
    """U+FFFD belongs to the token that shows that no character comes; at the end to the last."""
    assert expected == spans(trained(), bytes_of(*values))


def test_a_cut_off_character_before_a_token_without_text() -> None:
    """It is the last visible token's, not that of the end token behind it."""
    end = trained().eos_token_id
    assert ["A", "\ufffd", ""] == spans(trained(), [*bytes_of(0x41, 0xE4), end])


def test_special_tokens_have_no_text() -> None:
    """Wherever they stand, within a character too; added tokens that are not special have theirs, spaces and all."""
    hidden, think = trained().convert_tokens_to_ids(["<hidden>", "<| think 思 |>"])
    first, *rest = bytes_of(*"好".encode())
    assert ["", "", "", "", "好", "<| think 思 |>"] == spans(trained(), [hidden, first, hidden, *rest, think])
    every = demo().tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS))
    assert [""] * len(SPECIAL_TOKENS) == spans(demo(), every)


def test_ids_beyond_the_vocabulary() -> None:
    """The LM head has rows that no piece stands for: they leave no text."""
    beyond = len(demo().tokenizer) + 5
    (a, b) = ids_of(demo(), "A\n")
    assert ["A", "", "\n"] == spans(demo(), [a, beyond, b])


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_tokens(name: str, data: st.DataObject) -> None:
    """Whatever a model draws, sense or not, the spans rebuild what `decode` makes of it."""
    processor = named(name)
    size = len(getattr(processor, "tokenizer", processor))
    token_ids = data.draw(st.lists(st.integers(0, size + 2), min_size=1, max_size=30))
    found = spans(processor, token_ids)
    assert (len(token_ids), decoded(processor, token_ids)) == (len(found), "".join(found))


def test_no_token() -> None:
    """Nothing was generated: nothing to tell."""
    assert () == token_ends(demo(), [], "")


def test_a_text_that_is_not_the_tokens() -> None:
    """Pieces that do not join to the text tell nothing about it."""
    assert () == token_ends(demo(), ids_of(demo(), "The red circle"), "The red circles")


def test_a_vocabulary_that_is_not_byte_level() -> None:
    """Its pieces are no bytes, and its decoder drops a space at the beginning: empty, rather than wrong."""
    tokenizer = Tokenizer(models.WordLevel({"▁red": 0, "▁circle": 1, "?": 2}, unk_token="?"))
    tokenizer.decoder = decoders.Metaspace()
    words = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    assert "red circle" == decoded(words, [0, 1])
    assert () == token_ends(words, [0, 1], "red circle")
