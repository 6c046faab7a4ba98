"""The accelerator for Markov states: a multilayer perceptron."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from acceltui.engine.networks.actor import Body
from acceltui.engine.windows import Past


class MLPBody(Body):
    """A multilayer perceptron over the flattened window."""

    def __init__(self, inputs: int, context: int, hidden: Sequence[int], norm: bool = False) -> None:
        """`norm`: layers are normalised before their ReLU."""
        super().__init__()
        widths = [context * inputs, *hidden]
        self.features = widths[-1]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after)]
            layers += [nn.LayerNorm(after, elementwise_affine=False)] if norm else []
            layers += [nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        return self.layers(observed.flatten(1))
