"""Which characters of a reply each of its tokens brought: pieces of a byte-level vocabulary back into bytes, bytes into characters.

Done on bytes and not by decoding tokens one by one: a character may be split over tokens (an emoji is four bytes), and a token may end one
character and begin the next, so that the text of a token alone tells neither.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Sequence
from typing import Any

_PRINTABLE = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
_MOVED = sorted(set(range(256)) - _PRINTABLE)  # bytes without a visible character of their own
_BYTES = {chr(byte): byte for byte in _PRINTABLE} | {chr(256 + index): byte for index, byte in enumerate(_MOVED)}
"""The alphabet of GPT-2, in which every byte-level vocabulary is written: a visible character a byte."""


def token_ends(processor: Any, token_ids: Sequence[int], output: str) -> tuple[int, ...]:
    """Number of characters of `output` that are there once each token is decoded; `output[ends[i - 1]:ends[i]]` is the text of token i.

    A character belongs to the token that completes it; the tokens before it that hold its first bytes have an empty span, as special tokens
    have, which are not in the text. Bytes that are no UTF-8 stand in the text as U+FFFD, which belongs to the token that shows it: they may
    be the beginning of a character until something else follows, or until the reply is over; then it is the last visible token's.

    Args:
        processor: a tokenizer of transformers, or a processor that has one.
        token_ids: the reply's tokens, in order. Ids beyond the vocabulary, which the LM head has and the tokenizer does not, have no text.
        output: the text of all of them as `decode(token_ids, skip_special_tokens=True)` gives it.

    Returns:
        An end a token, never falling, the last the length of `output` in characters (Unicode code points). Empty where the pieces do not
        join to `output`: with a vocabulary that is not byte-level (SentencePiece, WordPiece), or a tokenizer that cleans up its text.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    hidden = {token_id for token_id, token in tokenizer.added_tokens_decoder.items() if token.special}
    pieces = [
        b"" if piece is None or token_id in hidden else _bytes_of(piece)
        for token_id, piece in zip(token_ids, tokenizer.convert_ids_to_tokens(list(token_ids)), strict=True)
    ]
    texts = _texts(pieces)
    return _sums(texts) if "".join(texts) == output else ()


def _bytes_of(piece: str) -> bytes:
    """The bytes that a piece stands for; a piece with a character outside of the alphabet, as added tokens may have, stands for itself."""
    try:
        return bytes([_BYTES[character] for character in piece])
    except KeyError:
        return piece.encode()


def _texts(pieces: Sequence[bytes]) -> list[str]:
    """The characters that each piece completes; bytes that wait for more at the end are the last piece's that is not empty."""
    decoder = getincrementaldecoder("utf-8")("replace")
    last = max((index for index, piece in enumerate(pieces) if piece), default=-1)
    return [decoder.decode(piece, final=index == last) for index, piece in enumerate(pieces)]


def _sums(texts: Sequence[str]) -> tuple[int, ...]:
    ends, end = [], 0
    for text in texts:
        end += len(text)
        ends.append(end)
    return tuple(ends)
