"""resolved.yaml of a run folder: every value in force, defaults written out; what is absent from it is null."""

from pathlib import Path
from typing import Any

import yaml

from acceltui.recipe.checks import check
from acceltui.recipe.errors import Place, Report
from acceltui.recipe.files import decode, display, read_bytes
from acceltui.recipe.schema import Recipe, Section
from acceltui.recipe.validate import validate
from acceltui.recipe.yaml12 import parse, scalar


class _Dumper(yaml.SafeDumper):
    """Writes what `yaml12` reads back as the same value."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.Node:
        # PyYAML quotes what YAML 1.1 would not read as text; 1.2 reads more words as numbers, `1e5` among them.
        style = None if isinstance(scalar(text), str) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def represent_numbers(self, values: list[Any]) -> yaml.Node:
        """Lists of plain values on one line, as a person writes them."""
        flow = not any(isinstance(value, dict | list) for value in values)
        return self.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=flow)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(list, _Dumper.represent_numbers)


def dump_resolved(recipe: Recipe) -> str:
    """The text of resolved.yaml: sections and keys in the order of the schema."""
    return yaml.dump(_written(recipe), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _written(value: Any) -> Any:
    """Sections as maps, inside lists too; null is left out where it is the default."""
    if isinstance(value, list):
        return [_written(item) for item in value]
    if not isinstance(value, Section):
        return value
    written = {}
    for name, field in type(value).model_fields.items():
        entry = getattr(value, name)
        if entry is not None or field.default is not None:
            written[field.alias or name] = _written(entry)
    return written


def load_resolved(path: Path) -> Recipe:
    """The recipe of a run folder; raises RecipeError. Whether its values may import code is for the caller to check."""
    report = Report()
    named = Place(display(path))
    file = Place(named.source, 1, 1)
    tree = parse(decode(read_bytes(path, named, report), file, report), file, report)
    if not isinstance(tree.value, dict):
        report.fail(tree.place, (), "not a map of sections", "copy the file of another run, or of a dry run")
    return validate(tree, report, check)
