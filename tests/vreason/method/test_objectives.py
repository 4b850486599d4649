"""vreason.method.objectives: which way the entropy is pushed, by this project's objectives and by those of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

import vreason
from tests.helpers.raised import error_of
from tests.helpers.site_packages import SitePackages
from tests.helpers.tiny_models import Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, StepRecord, VReasonConfig
from vreason.config import OBJECTIVES
from vreason.errors import ConfigError, PluginError
from vreason.method.objectives import Objective, make_objective
from vreason.method.switching import switching_loss

EMA, PEAK = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.5, 3.0])
EAGER: dict[str, Any] = {"k": 3, "lr": 0.05, "beta": 0.7}  # both phases and real movement within a few tokens
MINE = """
import torch
from vreason.method import Objective

class Waits(Objective):
    "Exploits for six tokens, then explores: nothing that the switch would do."
    def alpha(self, token, entropy, ema, peak):
        return torch.full_like(ema, 7.0 if token >= 6 else -0.5)

class Double(Objective):
    "The switch's signs with twice the loss."
    def loss(self, alpha, entropy):
        return -2 * alpha * entropy

class Switch(Objective):
    "The base class's own."

class Written(Objective):
    "The switch, written out, in another type."
    def alpha(self, token, entropy, ema, peak):
        return ema >= peak

    def loss(self, alpha, entropy):
        return -alpha * entropy

def even(token, entropy, ema, peak):
    return torch.ones_like(ema) if token % 2 == 0 else -torch.ones_like(ema)

def switch(token, entropy, ema, peak):
    return (ema >= peak).int() * 2 - 1

class Remembers(Objective):
    "Explores once it has been asked four times, and knows its seed."
    def __init__(self, seed=0):
        self.calls = seed

    def alpha(self, token, entropy, ema, peak):
        self.calls += 1
        return torch.full_like(ema, 1.0 if self.calls > 4 else -1.0)

an_object = Switch(0)
a_text = "switch"
class NotOne: pass
"""
WRONG = """
import torch
from vreason.method import Objective

def short(token, entropy, ema, peak):
    return ema[:0]

def scalar(token, entropy, ema, peak):
    return 1.0

def nothing(token, entropy, ema, peak):
    pass

def fails(token, entropy, ema, peak):
    raise ZeroDivisionError("division by zero")

def few():
    return None

class Detached(Objective):
    def loss(self, alpha, entropy):
        return -alpha * entropy.detach()

class Summed(Objective):
    def loss(self, alpha, entropy):
        return (-alpha * entropy).sum()

class Number(Objective):
    def loss(self, alpha, entropy):
        return float((-alpha * entropy).sum().detach())

class Fails(Objective):
    def loss(self, alpha, entropy):
        raise KeyError("weight")

class NoSeed(Objective):
    def __init__(self):
        super().__init__(0)
"""


class Steps(list[StepRecord]):
    """Collects every step record."""

    on_steps = list.extend


def run(objective: str, *turns: Turn, tokens: int = 12, **settings: Any) -> tuple[list[list[int]], list[StepRecord]]:
    """Sample from the tiny model under an objective; returns the tokens of each row and the records."""
    steps = Steps()
    torch.manual_seed(5)
    asked = {"do_sample": True, "suppress_tokens": special_ids(), "max_new_tokens": tokens}
    config = VReasonConfig(ControllerConfig(objective=objective, **(EAGER | settings)))
    made = shared_model().generate(
        **prompt("qwen2_5_vl", *turns or (Turn((6,)),)), custom_generate=vreason.decode, vreason=config, observers=[steps], **asked
    )
    return made[:, -tokens:].tolist(), list(steps)


def told(records: Sequence[StepRecord]) -> list[tuple[Any, ...]]:
    """What the method saw and did at each step, to the last bit; without the clock."""
    names = ("sample_id", "token_id", "entropy", "ema", "peak", "alpha", "loss", "delta_v_norm", "grad_norm", "value_cosine", "updated")
    return [tuple(getattr(step, name) for name in names) for step in records]


@pytest.mark.parametrize(
    ("objective", "signs"),
    [("switch", [1.0, -1.0, 1.0]), ("none", [1.0, -1.0, 1.0]), ("min", [-1.0] * 3), ("max", [1.0] * 3)],
)
def test_alpha_is_plus_one_at_the_peak_and_minus_one_below(objective: str, signs: list[float]) -> None:
    """`switch` explores where ema >= peak and exploits elsewhere; `min` and `max` do not look."""
    assert signs == make_objective(objective, 0).alpha(3, EMA, EMA, PEAK).tolist()


def test_random_signs_come_from_the_seed_and_not_from_the_neighbours() -> None:
    """Both signs occur; a seed repeats its own, another seed differs, and a row alone draws what it draws in a batch."""

    def drawn(seed: int, rows: int) -> list[list[float]]:
        switch = make_objective("random", seed)
        return [switch.alpha(3, EMA[:rows], EMA[:rows], PEAK[:rows]).tolist() for _ in range(40)]

    assert drawn(1, 3) == drawn(1, 3)
    assert drawn(1, 3) != drawn(2, 3)
    assert [signs[:1] for signs in drawn(1, 3)] == drawn(1, 1)
    assert {-1.0, 1.0} == {sign for signs in drawn(1, 3) for sign in signs}


def test_random_signs_leave_torchs_generator_alone() -> None:
    """Sampling draws the same tokens whatever the objective consumes."""
    before = torch.get_rng_state()
    make_objective("random", 0).alpha(0, EMA, EMA, PEAK)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_of_the_config_can_be_made(name: str) -> None:
    """Each of this project's own is new for every batch, knows the seed, and has the paper's loss."""
    one, other = make_objective(name, 3), make_objective(name, 3)
    assert one is not other
    assert 3 == one.seed
    assert torch.equal(switching_loss(EMA, PEAK), one.loss(EMA, PEAK))


def test_a_class_of_the_current_folder_steers_a_model(site_packages: SitePackages) -> None:
    """Its signs are the recorded alpha as +1 and -1, also where they are no ones; the loss and the next entropies follow."""
    site_packages.work_in(mine_objectives=MINE)
    records, switched = run("mine_objectives:Waits")[1], run("switch")[1]
    assert [-1] * 6 + [1] * 6 == [step.alpha for step in records]
    assert [3, 6, 9] == [step.token_index for step in records if step.updated]
    assert [-step.alpha * step.entropy for step in records if step.updated] == [step.loss for step in records if step.updated]
    assert [step.entropy for step in switched[:4]] == [step.entropy for step in records[:4]]
    assert switched[7].entropy != records[7].entropy


def test_a_function_of_the_current_folder_steers_a_model(site_packages: SitePackages) -> None:
    """A plain function of (token, entropy, ema, peak) stands in for `alpha`, in a batch as for one row."""
    site_packages.work_in(mine_objectives=MINE)
    _, records = run("mine_objectives:even", Turn((6,)), Turn((2,), text="Up?"))
    assert [1, 1, -1, -1] * 6 == [step.alpha for step in records]
    assert all(step.loss == -step.alpha * step.entropy for step in records if step.updated)
    assert 6 == sum(step.updated for step in records)


def test_an_objective_of_an_installed_package_steers_a_model(site_packages: SitePackages) -> None:
    """By its entry point's name, without a word about its module."""
    site_packages.install("vreason-mine", {"vreason.objectives": {"waits": "mine_objectives:Waits"}}, mine_objectives=MINE)
    _, records = run("waits")
    assert [-1] * 6 + [1] * 6 == [step.alpha for step in records]


@pytest.mark.parametrize("name", ["Switch", "Written", "switch"])
def test_the_switch_as_a_plug_in_is_the_switch_bit_for_bit(site_packages: SitePackages, name: str) -> None:
    """As a class that changes nothing, as one that writes it out, and as a function: the same tokens and the same steps."""
    site_packages.work_in(mine_objectives=MINE)
    turns = (Turn((6,)), Turn((2,), text="Up?"))
    tokens, records = run("switch", *turns)
    others, steps = run(f"mine_objectives:{name}", *turns)
    assert tokens == others
    assert told(records) == told(steps)
    assert {-1, 1} == {step.alpha for step in records if step.updated}


def test_a_loss_of_one_s_own_is_followed(site_packages: SitePackages) -> None:
    """Twice the loss at the first update: twice the gradient, in the direction of the switch's."""
    site_packages.work_in(mine_objectives=MINE)
    ours, double = (next(step for step in run(name, clip=0.0)[1] if step.updated) for name in ("switch", "mine_objectives:Double"))
    assert ours.loss is not None
    assert ours.grad_norm is not None
    assert (2 * ours.loss, pytest.approx(2 * ours.grad_norm, rel=1e-6)) == (double.loss, double.grad_norm)
    assert ours.alpha == double.alpha


def test_one_object_serves_one_batch(site_packages: SitePackages) -> None:
    """What it remembers of a reply is not there in the next one; it is made with the config's seed, and need not call its base class."""
    site_packages.work_in(mine_objectives=MINE)
    for seed, calm in ((0, 4), (3, 1), (0, 4)):
        _, records = run("mine_objectives:Remembers", seed=seed)
        assert [-1] * calm + [1] * (12 - calm) == [step.alpha for step in records]


def test_alpha_has_the_type_of_the_entropy() -> None:
    """A plug-in's signs come back in the average's type, so that nothing after them changes its own."""
    made = make_objective("tests.vreason.method.test_objectives:whole_numbers", 0).alpha(0, EMA.double(), EMA.double(), PEAK.double())
    assert (torch.float64, [1.0, -1.0, -1.0]) == (made.dtype, made.tolist())


def whole_numbers(token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
    """Signs of another type: above 0 explores, 0 does not."""
    return torch.tensor([2, 0, -2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", "alpha of {} returned a tensor of shape (0,); return a tensor of shape (1,), a value a row"),
        ("scalar", "alpha of {} returned a float; return a tensor of shape (1,), a value a row"),
        ("nothing", "alpha of {} returned a NoneType; return a tensor of shape (1,), a value a row"),
        ("fails", "alpha of {} failed: ZeroDivisionError: division by zero; fix it"),
        ("few", "alpha of {} failed: TypeError: few() takes 0 positional arguments but 4 were given; fix it"),
        ("Detached", "the loss of {} does not depend on the entropy; make it of the tensor that is handed in"),
        ("Summed", "loss of {} returned a tensor of shape (); return a tensor of shape (1,), a value a row"),
        ("Number", "loss of {} returned a float; return a tensor of shape (1,), a value a row"),
        ("Fails", "loss of {} failed: KeyError: 'weight'; fix it"),
    ],
)
def test_what_an_objective_does_wrong_ends_generation_in_plain_words(site_packages: SitePackages, name: str, message: str) -> None:
    """A wrong shape, no tensor, a loss without a graph, an exception: PluginError names the field, the objective and what to do."""
    site_packages.work_in(wrong_objectives=WRONG)
    error = error_of(lambda: run(f"wrong_objectives:{name}"))
    assert isinstance(error, PluginError)
    assert f"controller.objective: {message.format(f'wrong_objectives:{name}')}" == str(error)


def test_the_model_is_left_as_it_was_after_a_failure(site_packages: SitePackages) -> None:
    """No hook and no mode of autograd stay behind an objective that fails in the middle: the next reply is as if it had not been."""
    site_packages.work_in(wrong_objectives=WRONG)
    before = run("switch")
    assert isinstance(error_of(lambda: run("wrong_objectives:Detached")), PluginError)
    assert torch.is_grad_enabled()
    after = run("switch")
    assert (before[0], told(before[1])) == (after[0], told(after[1]))


def test_a_class_that_cannot_be_made(site_packages: SitePackages) -> None:
    """One that takes no seed is told so, before anything is generated."""
    site_packages.work_in(wrong_objectives=WRONG)
    with pytest.raises(PluginError, match=r"wrong_objectives:NoSeed cannot be made of a seed: TypeError.*; see Objective.__init__"):
        make_objective("wrong_objectives:NoSeed", 0)


@pytest.mark.parametrize("name", ["an_object", "a_text", "NotOne"])
def test_what_is_no_objective_is_refused(site_packages: SitePackages, name: str) -> None:
    """An object, a text and another class: the message says what may be named."""
    site_packages.work_in(mine_objectives=MINE)
    words = f"'mine_objectives:{name}' is .*; name a subclass of vreason.method.Objective, or a function of"
    with pytest.raises(PluginError, match=words):
        make_objective(f"mine_objectives:{name}", 0)


def test_a_name_that_nobody_offers(site_packages: SitePackages) -> None:
    """A config refuses it before; whoever asks without one is told what there is."""
    site_packages.install("vreason-mine", {"vreason.objectives": {"waits": "mine_objectives:Waits"}}, mine_objectives=MINE)
    with pytest.raises(PluginError, match=r"controller.objective: no installed package offers 'wait'.*there are: waits"):
        make_objective("wait", 0)
    with pytest.raises(ConfigError, match=r"'wait' is not one of switch, min, max, random, none, waits; did you mean waits?"):
        ControllerConfig(objective="wait")


def test_the_base_class_is_the_switch() -> None:
    """Whoever overrides one method has the paper's other one."""
    assert (0, 5) == (Objective().seed, Objective(5).seed)
    assert torch.equal(make_objective("switch", 0).alpha(0, EMA, EMA, PEAK), Objective().alpha(0, EMA, EMA, PEAK))
