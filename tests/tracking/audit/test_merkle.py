"""vreason_tracking.audit.merkle: roots and proofs as RFC 6962 has them, and as an independent implementation makes them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings, strategies
from pymerkle import InmemoryTree

from vreason_tracking.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    consistency_proof,
    frontier_nodes,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Inputs and roots of the test vectors that Certificate Transparency's reference implementation publishes."""


class Tree:
    """A tree in memory, with every root it ever had."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.frontier, self.nodes, self.roots = Frontier(), {}, [EMPTY_ROOT]
        for leaf in leaves:
            self.frontier, made = self.frontier.append(leaf_hash(leaf))
            self.nodes |= dict(made)
            self.roots.append(self.frontier.root())

    def read(self, wanted):
        return {node: self.nodes[node] for node in wanted}


def leaves_of(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size) -> None:
    """The roots of the published inputs are the published ones."""
    assert ROOTS[size - 1] == Tree([bytes.fromhex(each) for each in INPUTS[:size]]).frontier.root().hex()


def test_the_empty_tree() -> None:
    """Its root is the hash of nothing."""
    assert hashlib.sha256(b"").digest() == Frontier().root() == EMPTY_ROOT


@settings(deadline=None, max_examples=60)
@given(strategies.integers(1, 300), strategies.data())
def test_every_proof_is_the_independent_one(size, data) -> None:
    """Root, inclusion and consistency proofs are pymerkle's, and both are accepted."""
    leaves = leaves_of(size)
    tree, other = Tree(leaves), InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    assert other.get_state(size) == tree.roots[size]
    index, old = data.draw(strategies.integers(0, size - 1)), data.draw(strategies.integers(1, size))
    proof = inclusion_proof(index, size, tree.read)
    theirs = other.prove_inclusion(index + 1, size)
    assert theirs.path[1:] == proof
    verify_inclusion(leaf_hash(leaves[index]), index, size, proof, tree.roots[size])
    verify_consistency(old, size, tree.roots[old], tree.roots[size], consistency_proof(old, size, tree.read))
    assert other.get_state(old) == tree.roots[old]


@settings(deadline=None, max_examples=60)
@given(strategies.integers(2, 200), strategies.data())
def test_a_changed_proof_is_refused(size, data) -> None:
    """Another leaf, index, size, root or hash, or one hash more or fewer, is not accepted."""
    tree = Tree(leaves_of(size))
    index = data.draw(strategies.integers(0, size - 1))
    leaf, root, proof = leaf_hash(str(index).encode()), tree.roots[size], inclusion_proof(index, size, tree.read)
    other = hashlib.sha256(b"x").digest()
    changed = data.draw(strategies.integers(0, len(proof) - 1))
    for case in (
        (other, index, size, proof, root),
        (leaf, (index + 1) % size, size, proof, root),
        (leaf, index, size, proof, other),
        (leaf, index, size, [*proof[:changed], other, *proof[changed + 1 :]], root),
        (leaf, index, size, proof[:-1], root),
        (leaf, index, size, [*proof, other], root),
        (leaf, size, size, proof, root),
    ):
        with pytest.raises(ProofError):
            verify_inclusion(*case)


@settings(deadline=None, max_examples=60)
@given(strategies.integers(2, 200), strategies.data())
def test_a_log_that_is_no_continuation_is_refused(size, data) -> None:
    """Another history, or a proof of another length, is not accepted."""
    old = data.draw(strategies.integers(1, size - 1))
    changed = data.draw(strategies.integers(0, old - 1))
    tree, forked = Tree(leaves_of(size)), Tree([leaf if index != changed else b"forged" for index, leaf in enumerate(leaves_of(size))])
    proof = consistency_proof(old, size, tree.read)
    for case in (
        (old, size, tree.roots[old], forked.roots[size], consistency_proof(old, size, forked.read)),
        (old, size, forked.roots[old], tree.roots[size], proof),
        (old, size, tree.roots[old], tree.roots[size], [*proof, EMPTY_ROOT]),
        (old, size, tree.roots[old], tree.roots[size], proof[:-1]),
        (size, old, tree.roots[size], tree.roots[old], []),
        (old, old, tree.roots[old], forked.roots[old], []),
        (0, size, tree.roots[old], tree.roots[size], []),
    ):
        with pytest.raises(ProofError):
            verify_consistency(*case)


def test_sizes_that_are_none() -> None:
    """There is no proof of an entry that is not there, nor of a shorter log continuing a longer one."""
    tree = Tree(leaves_of(4))
    with pytest.raises(ProofError, match=r"a log of 4 entries has no entry 4"):
        inclusion_proof(4, 4, tree.read)
    with pytest.raises(ProofError, match=r"a log of 3 entries does not continue one of 4"):
        consistency_proof(4, 3, tree.read)
    with pytest.raises(ValueError, match=r"a tree of 3 leaves has 2 perfect subtrees, not 1"):
        Frontier(3, (EMPTY_ROOT,))


def test_a_frontier_is_read_back() -> None:
    """The stored nodes of a size are its frontier."""
    tree = Tree(leaves_of(77))
    found = tree.read(frontier_nodes(77))
    assert tree.frontier == Frontier(77, tuple(found[node] for node in frontier_nodes(77)))
