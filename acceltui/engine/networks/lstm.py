"""The recurrent accelerator, for settings where something is hidden."""

from torch import Tensor, nn

from acceltui.engine.networks.actor import Body
from acceltui.engine.windows import Past


class LSTMBody(Body):
    """A long short-term memory run over the window from a zero state; its last output."""

    def __init__(self, inputs: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.features = hidden
        self.memory = nn.LSTM(inputs, hidden, layers, batch_first=True)

    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        outputs, _ = self.memory(observed)  # (B, C, hidden)
        return outputs[:, -1]
