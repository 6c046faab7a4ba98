"""The kinds of numbers in sections."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from acceltui.recipe.section import Section as Section


def integral(value: Any) -> Any:
    """Take `1e6` for a count: YAML reads it as a float, a person means 1,000,000."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kind_or(default: str) -> Callable[[Any], Any]:
    """For a choice of sections: a map that does not say its `kind` is of the usual one."""

    def complete(value: Any) -> Any:
        return {"kind": default, **value} if isinstance(value, dict) and "kind" not in value else value

    return complete


Integer = Annotated[int, BeforeValidator(integral, json_schema_input_type=int)]
Count = Annotated[Integer, Field(ge=1, le=10**12)]
CountOrZero = Annotated[Integer, Field(ge=0, le=10**12)]
Size = Annotated[Integer, Field(ge=1, le=65_536)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
Context = Annotated[Integer, Field(ge=1, le=1024)]
Hidden = Annotated[list[Size], Field(max_length=16)]
