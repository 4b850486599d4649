"""The Merkle tree of RFC 6962, section 2.1: roots, inclusion proofs and consistency proofs, and how they are verified.

    leaf   = SHA-256(0x00 || entry)
    node   = SHA-256(0x01 || left || right)         the left part is the largest perfect tree with fewer leaves than the whole
    empty  = SHA-256("")

Perfect subtrees never change once they are full: they are what is stored, by (level, index), a leaf's level being 0. Whatever a root or a
proof needs is put together from at most log2(n) of them. A proof's length is checked before anything is hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = tuple[int, int]
"""Level and index of a perfect subtree: leaves [index * 2^level, (index + 1) * 2^level)."""

ReadNodes = Callable[[Iterable[Node]], Mapping[Node, bytes]]


class ProofError(ValueError):
    """A proof does not prove what it is said to prove."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of the node above two."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """The perfect subtrees that a tree of some size is made of, the largest first: all that appending and its root need.

    Attributes:
        size: number of leaves.
        hashes: one for each bit that is set in `size`, from the highest.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.hashes) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has {self.size.bit_count()} perfect subtrees, not {len(self.hashes)}")

    def append(self, leaf: bytes) -> tuple[Frontier, list[tuple[Node, bytes]]]:
        """Add a leaf's hash: the frontier afterwards, and the nodes that became full, the leaf first."""
        made: list[tuple[Node, bytes]] = [((0, self.size), leaf)]
        hashes, level, index = list(self.hashes), 0, self.size
        while index & 1:
            leaf = node_hash(hashes.pop(), leaf)
            level, index = level + 1, index >> 1
            made.append(((level, index), leaf))
        return Frontier(self.size + 1, (*hashes, leaf)), made

    def root(self) -> bytes:
        """Hash of the whole tree."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT


def frontier_nodes(size: int) -> list[Node]:
    """Which nodes the frontier of a tree consists of."""
    return _cover(0, size)


def inclusion_proof(index: int, size: int, read: ReadNodes) -> list[bytes]:
    """What leads from an entry's leaf to the root of a tree (RFC 6962, 2.1.1).

    Args:
        index: of the entry.
        size: of the tree.
        read: fetches stored nodes.

    Raises:
        ProofError: the tree has no such entry.
    """
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has no entry {index}")
    return _hashes(_path(index, 0, size), read)


def consistency_proof(old: int, new: int, read: ReadNodes) -> list[bytes]:
    """What shows that the tree of `new` entries begins with that of `old` (RFC 6962, 2.1.2); empty where either is trivial.

    Raises:
        ProofError: the older tree is larger than the newer one.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a log of {new} entries does not continue one of {old}")
    return _hashes(_subproof(old, 0, new, True), read) if 0 < old < new else []


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is the one at `index` of the tree with this root (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: it is not, or the proof has another length than it must have.
    """
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has no entry {index}")
    needed = len(_path(index, 0, size))
    if len(proof) != needed or any(len(each) != 32 for each in proof):
        raise ProofError(f"a proof that entry {index} is in a log of {size} has {needed} hashes of 32 bytes, not {len(proof)}")
    place, last, found = index, size - 1, leaf
    for each in proof:
        if place & 1 or place == last:
            found = node_hash(each, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    if found != root:
        raise ProofError(f"the proof does not lead from entry {index} to the root of the log of {size} entries")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree with `new_root` begins with the one with `old_root` (RFC 9162, 2.1.4.2).

    Raises:
        ProofError: it does not, or the proof has another length than it must have.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a log of {new} entries does not continue one of {old}")
    needed = len(_subproof(old, 0, new, True)) if 0 < old < new else 0
    if len(proof) != needed or any(len(each) != 32 for each in proof):
        raise ProofError(f"a proof from {old} to {new} entries has {needed} hashes of 32 bytes, not {len(proof)}")
    if old == 0:
        if old_root != EMPTY_ROOT:
            raise ProofError("the root of a log without entries is not the one that is said")
        return
    if old == new:
        if old_root != new_root:
            raise ProofError(f"two logs of {old} entries have different roots: a fork")
        return
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = hashes[0]
    for each in hashes[1:]:
        if place & 1 or place == last:
            first, second = node_hash(each, first), node_hash(each, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, each)
        place, last = place >> 1, last >> 1
    if (first, second) != (old_root, new_root):
        raise ProofError(f"the log of {new} entries does not continue the one of {old}: a fork, or a proof of other logs")


def _split(size: int) -> int:
    """Leaves of the left part: the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _path(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """Ranges of leaves whose hashes are an inclusion proof, the lowest first."""
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle), (middle, end)]
    return [*_path(index, middle, end), (start, middle)]


def _subproof(old: int, start: int, end: int, whole: bool) -> list[tuple[int, int]]:
    """Ranges of leaves whose hashes are a consistency proof; `whole` says whether the old root is known to the verifier."""
    if old == end - start:
        return [] if whole else [(start, end)]
    split = _split(end - start)
    if old <= split:
        return [*_subproof(old, start, start + split, whole), (start + split, end)]
    return [*_subproof(old - split, start + split, end, False), (start, start + split)]


def _cover(start: int, end: int) -> list[Node]:
    """The perfect subtrees that make up a range, the largest first; `start` is a multiple of the largest."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def _folded(hashes: Sequence[bytes]) -> bytes:
    found = hashes[-1]
    for each in reversed(hashes[:-1]):
        found = node_hash(each, found)
    return found


def _hashes(ranges: Sequence[tuple[int, int]], read: ReadNodes) -> list[bytes]:
    covers = [_cover(*each) for each in ranges]
    nodes = read([node for cover in covers for node in cover])
    return [_folded([nodes[node] for node in cover]) for cover in covers]
