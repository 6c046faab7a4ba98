"""The training engine: the only rooms that import torch and gymnasium."""
