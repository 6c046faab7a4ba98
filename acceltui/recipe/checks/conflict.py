"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values that do not fit one another, told as a problem of the first."""

    message: str
    hint: str
    uses: tuple[str, ...]
    """Dotted paths of all values that take part, the one to change first."""

    @property
    def path(self) -> str:
        return self.uses[0]
