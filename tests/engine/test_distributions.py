"""Distributions over actions against torch.distributions, and the cloning losses between them."""

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch import distributions as reference

from acceltui.engine.learners.cloning_loss import Kind, cloning_loss
from acceltui.engine.networks.heads import Categorical, Gaussian, Mixture, Stochastic

B, A, K = 5, 2, 3


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gaussian(squashed: bool, seed: int = 1) -> Gaussian:
    return Gaussian(0.8 * normal(B, A, seed=seed), 0.4 * normal(B, A, seed=seed + 50) - 0.7, squashed)


def mixture(squashed: bool, seed: int = 2) -> Mixture:
    mean, log_std = 0.8 * normal(B, K, A, seed=seed), 0.3 * normal(B, K, A, seed=seed + 50) - 1
    return Mixture(normal(B, K, seed=seed + 99), mean, log_std, squashed)


def categorical(seed: int = 3) -> Categorical:
    return Categorical(normal(B, K, seed=seed))


def plain(ours: Gaussian | Mixture) -> reference.Distribution:
    """The same distribution, made of torch's parts; validation would refuse a saturated action."""
    components = reference.Independent(reference.Normal(ours.mean, ours.log_std.exp()), 1)
    if isinstance(ours, Mixture):
        weights = reference.Categorical(logits=ours.log_weights)
        base: reference.Distribution = reference.MixtureSameFamily(weights, components)
    else:
        base = components
    if not ours.squashed:
        return base
    tanh = reference.TanhTransform()
    # MixtureSameFamily has an event of one axis, over which the transform's terms are summed.
    return reference.TransformedDistribution(base, [reference.IndependentTransform(tanh, 1)])


SQUASHED = pytest.mark.parametrize("squashed", [False, True], ids=["plain", "tanh"])
REAL = pytest.mark.parametrize("make", [gaussian, mixture], ids=["gaussian", "mixture"])


@REAL
@SQUASHED
def test_log_prob_is_that_of_torch(make: type, squashed: bool) -> None:
    ours = make(squashed)
    actions = normal(B, A, seed=9)
    actions = torch.tanh(actions) if squashed else actions
    torch.testing.assert_close(ours.log_prob(actions), plain(ours).log_prob(actions), rtol=1e-4, atol=1e-4)


@REAL
@SQUASHED
def test_the_support_stands_for_the_distribution(make: type, squashed: bool) -> None:
    ours = make(squashed)
    support = ours.support(normal(B, 1 + K * A)[:, : A if make is gaussian else None])
    torch.testing.assert_close(support.weights.sum(dim=0), torch.ones(B))
    for actions, log_probs in zip(support.actions, support.log_probs, strict=True):
        torch.testing.assert_close(log_probs, plain(ours).log_prob(actions), rtol=1e-3, atol=1e-3)
    # The mean of a function over many draws of the support is that over torch's own draws.
    many = spread_out(ours)
    support = many.support(normal(40_000, A if make is gaussian else 1 + K * A, seed=4))
    estimate = support.mean(support.actions.square().sum(dim=2)).mean()
    torch.manual_seed(0)
    expected = plain(many).sample().square().sum(dim=1).mean()
    torch.testing.assert_close(estimate, expected, rtol=0.03, atol=0)


def spread_out(ours: Gaussian | Mixture) -> Gaussian | Mixture:
    """The distribution of the first row, 40,000 times."""
    first = [part[:1].expand(40_000, *part.shape[1:]) for part in (ours.mean, ours.log_std)]
    if isinstance(ours, Mixture):
        return Mixture(ours.log_weights[:1].expand(40_000, -1), *first, ours.squashed)
    return Gaussian(*first, ours.squashed)


@REAL
@SQUASHED
def test_samples_have_the_moments_of_the_distribution(make: type, squashed: bool) -> None:
    many = spread_out(make(squashed))
    mine = many.sample(normal(40_000, A if make is gaussian else 1 + K * A, seed=5))
    torch.manual_seed(1)
    theirs = plain(many).sample()
    torch.testing.assert_close(mine.mean(dim=0), theirs.mean(dim=0), rtol=0, atol=0.02)
    torch.testing.assert_close(mine.T.cov(), theirs.T.cov(), rtol=0, atol=0.02)
    torch.testing.assert_close(mine.quantile(0.1, dim=0), theirs.quantile(0.1, dim=0), rtol=0, atol=0.03)


def test_choices_are_drawn_measured_and_compared_as_torch_does() -> None:
    ours, other = categorical(), categorical(seed=4)
    theirs, theirs_other = (reference.Categorical(logits=one.log_probs) for one in (ours, other))
    every = torch.eye(K)
    for choice in range(K):
        chosen = torch.full((B,), choice)
        torch.testing.assert_close(ours.log_prob(every[choice].expand(B, K)), theirs.log_prob(chosen))
    nothing = torch.zeros(B, 1)
    torch.testing.assert_close(ours.entropy(nothing), theirs.entropy())
    torch.testing.assert_close(ours.divergence_to(other, nothing), reference.kl_divergence(theirs, theirs_other))
    support = ours.support(nothing)
    torch.testing.assert_close(support.weights.sum(dim=0), torch.ones(B))
    torch.testing.assert_close(-support.mean(support.log_probs), theirs.entropy())
    many = Categorical(ours.log_probs[:1].expand(40_000, -1))
    drawn = many.sample(normal(40_000, 1))
    assert drawn.sum(dim=1).eq(1).all()
    torch.testing.assert_close(drawn.mean(dim=0), theirs.probs[0], rtol=0, atol=0.01)
    assert ours.mode().argmax(dim=1).equal(theirs.probs.argmax(dim=1))


@SQUASHED
def test_entropy_and_divergence_of_gaussians(squashed: bool) -> None:
    ours, other = gaussian(squashed), gaussian(squashed, seed=7)
    raw, raw_other = gaussian(False), gaussian(False, seed=7)
    expected = reference.kl_divergence(plain(raw), plain(raw_other))
    torch.testing.assert_close(ours.divergence_to(other, normal(B, A)), expected)
    if not squashed:
        torch.testing.assert_close(ours.entropy(normal(B, A)), plain(ours).entropy())
        return
    many = spread_out(ours)
    torch.manual_seed(2)
    expected = -plain(many).log_prob(plain(many).sample()).mean()
    torch.testing.assert_close(many.entropy(normal(40_000, A)).mean(), expected, rtol=0, atol=0.03)


@SQUASHED
def test_entropy_and_divergence_of_mixtures_are_estimated_without_bias(squashed: bool) -> None:
    many, other = spread_out(mixture(squashed)), spread_out(gaussian(squashed))
    noise = normal(40_000, 1 + K * A, seed=6)
    torch.manual_seed(3)
    drawn = plain(many).sample()
    here, elsewhere = plain(many).log_prob(drawn), plain(other).log_prob(drawn)
    torch.testing.assert_close(many.entropy(noise).mean(), -here.mean(), rtol=0, atol=0.03)
    divergence = many.divergence_to(other, noise).mean()
    torch.testing.assert_close(divergence, (here - elsewhere).mean(), rtol=0.03, atol=0.03)


def test_the_deterministic_action() -> None:
    ours = gaussian(True)
    assert ours.mode().equal(ours.mean.tanh())
    mean = torch.tensor([[[0.0], [3.0]]])
    likeliest_second = Mixture(torch.tensor([[0.0, 1.0]]), mean, torch.zeros(1, 2, 1), squashed=False)
    assert likeliest_second.mode().tolist() == [[3.0]]


def one_gaussian_as_a_mixture(of: Gaussian) -> Mixture:
    """Two equal components: the same distribution."""
    return Mixture(
        torch.zeros(len(of.mean), 2), *(part[:, None].expand(-1, 2, -1) for part in (of.mean, of.log_std)), of.squashed
    )


ROWS = 20_000
KINDS: list[Kind] = ["mse", "cross_entropy", "divergence"]


@pytest.mark.parametrize("student_is", ["gaussian", "mixture"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cloning_loss_is_least_at_the_teacher(kind: Kind, student_is: str) -> None:
    noise = normal(ROWS, 1, seed=11)

    def loss(mean: float, log_std: float) -> float:
        teacher = Gaussian(torch.full((ROWS, 1), 0.4), torch.full((ROWS, 1), -1.0), squashed=True)
        student: Stochastic = Gaussian(torch.full((ROWS, 1), mean), torch.full((ROWS, 1), log_std), squashed=True)
        if student_is == "mixture":
            assert isinstance(student, Gaussian)
            student = one_gaussian_as_a_mixture(student)
        return cloning_loss(kind, student, teacher, noise).item()

    best = loss(0.4, -1.0)
    assert best < min(loss(0.4 + shift, -1.0) for shift in (-0.2, -0.05, 0.05, 0.2))
    if kind != "mse":  # which compares the actions alone
        assert best < min(loss(0.4, -1.0 + change) for change in (-0.3, -0.1, 0.1, 0.3))
    if kind == "divergence":
        assert math.isclose(best, 0, abs_tol=1e-5)


@pytest.mark.parametrize("kind", ["cross_entropy", "divergence"])
def test_a_cloning_loss_of_choices_is_least_at_the_teacher(kind: Kind) -> None:
    noise = normal(ROWS, 1, seed=12)
    teacher = Categorical(torch.tensor([[0.5, -0.5, 0.0]]).expand(ROWS, -1))

    def loss(*logits: float) -> float:
        return cloning_loss(kind, Categorical(torch.tensor([logits]).expand(ROWS, -1)), teacher, noise).item()

    others = [loss(0.5 + a, -0.5 + b, 0.0) for a, b in itertools.product((-0.2, 0, 0.2), repeat=2) if a or b]
    assert loss(0.5, -0.5, 0.0) < min(others)


@pytest.mark.parametrize("student_is", ["gaussian", "mixture", "categorical"])
@pytest.mark.parametrize("kind", KINDS)
def test_descending_a_cloning_loss_leads_the_student_to_the_teacher(kind: Kind, student_is: str) -> None:
    if student_is == "categorical" and kind == "mse":
        return
    begun = {
        "gaussian": [torch.zeros(1, A), torch.zeros(1, A)],
        "mixture": [torch.zeros(1, K), normal(1, K, A), torch.zeros(1, K, A)],
        "categorical": [torch.zeros(1, K)],
    }[student_is]
    parameters = [part.requires_grad_() for part in begun]
    kinds = {"gaussian": Gaussian, "mixture": Mixture, "categorical": Categorical}
    options = {} if student_is == "categorical" else {"squashed": True}
    teacher: Stochastic = Gaussian(torch.tensor([[0.6, -0.3]]), torch.tensor([[-1.0, -0.5]]), squashed=True)
    if student_is == "categorical":
        teacher = Categorical(torch.tensor([[1.0, -1.0, 0.0]]))

    def student(rows: int) -> Stochastic:
        return kinds[student_is](*(part.expand(rows, *part.shape[1:]) for part in parameters), **options)

    def teaching(rows: int) -> Stochastic:
        if isinstance(teacher, Categorical):
            return Categorical(teacher.log_probs.expand(rows, -1))
        return Gaussian(teacher.mean.expand(rows, -1), teacher.log_std.expand(rows, -1), squashed=True)

    optimizer = torch.optim.Adam(parameters, lr=0.03)
    generator = torch.Generator().manual_seed(13)
    for _ in range(400):
        columns = 1 if student_is == "categorical" else A
        noise = torch.randn(256, columns, generator=generator)
        optimizer.zero_grad()
        cloning_loss(kind, student(256), teaching(256), noise).backward()
        optimizer.step()
    if kind == "mse":
        torch.testing.assert_close(student(1).mode(), teacher.mode(), rtol=0, atol=0.02)
        return
    many = normal(4_000, 1 if student_is == "categorical" else A, seed=14)
    assert teaching(4_000).divergence_to(student(4_000), many).mean().item() < 0.02
