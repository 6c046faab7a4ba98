"""accel: transformer policies in online reinforcement learning, trained from a terminal."""

__version__ = "0.1.0"
