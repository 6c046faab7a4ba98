"""The one error the engine raises for something the user can put right."""


class SetupError(Exception):
    """What a recipe asks for cannot be had on this machine.

    `kind` is `recipe`, `environment` or `device`; `path` the dotted key to blame, if one is; `hint` says what to do.
    """

    def __init__(self, kind: str, path: str, message: str, hint: str = "") -> None:
        super().__init__(kind, path, message, hint)  # all of it, so that it crosses from one process to another
        self.kind = kind
        self.path = path
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return (f"{self.path}: " if self.path else "") + self.message + (f" ({self.hint})" if self.hint else "")
