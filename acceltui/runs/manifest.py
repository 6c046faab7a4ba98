"""What the manifest of a checkpoint must say to be believed."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$")]
"""In the checkpoint's own folder, or among the segments."""
Number = Annotated[int, Field(ge=0, lt=2**63)]


class Strict(BaseModel):
    """A manifest may have been written by anyone: types are not guessed."""

    model_config = ConfigDict(strict=True, frozen=True)


class Sealed(Strict):
    """A file as it was written."""

    bytes: Number
    sha256: str


class Segment(Sealed):
    """A file of a replay's frames, `first` to `last` of each ring."""

    file: FileName
    first: list[Number]
    last: list[Annotated[int, Field(ge=-1, lt=2**63)]]


class Left(Strict):
    """How the stage was being left."""

    why: str
    by: str
    message: str


class WellFormed(Strict):
    """What every manifest says."""

    version: Literal[3]
    step: Number
    stage: Literal["accelerate", "online"]
    attempt: Annotated[int, Field(ge=1, lt=2**63)]
    why: list[str]
    leaving: Left | None
    time: Annotated[float, Field(allow_inf_nan=False)]
    cpu: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = {}
    """Seconds that the run had cost by then; of an older version nobody knows."""
    versions: dict[str, str | None]
    """Of what computed it."""
    files: dict[FileName, Sealed]
    replays: dict[str, list[Segment]]
    scratch: bool
    """Whether their segments lie in the scratch folder."""
