"""Write the reference pages: ``cli.md`` from the commands, ``config.md`` from the models behind ``labeler.toml``.

Run it with ``make docs``.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic_core import PydanticUndefined
from typer.models import ArgumentInfo

from labeler.cli import app
from labeler.config import Task
from labeler.data.settings import Section
from labeler.data.types.task import Label, TaskSection
from labeler.labeling.voting.registry import needs, voter_class, voter_kinds, voter_options

FOLDER = Path(__file__).parent
WORDS = {str: "string", int: "integer", float: "number", bool: "boolean", Path: "path"}
LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min": "≥", "max": "≤"}
NOTICE = "<!-- Written by `make docs`; edit docs/generate.py or the source it reads. -->"

CLI_INTRO = """# Commands

Results go to standard output, progress and messages to standard error. A command ends with status 0, with 1 after an
error, and with 2 after a wrong option. `labeler COMMAND --help` shows what this page shows, `labeler --version` the
version; `labeler --install-completion` lets the shell complete commands and options.

| variable | meaning |
| --- | --- |
| `LABELER_CACHE` | folder of converted models, embeddings and answers; default `~/.cache/labeler` |
| `LABELER_DEBUG` | if set, errors show their traceback |
| `HF_HUB_OFFLINE` | `1`: never ask the Hugging Face hub |
| `OPENAI_API_KEY`, `OPENAI_BASE_URL` | key and address of the server that voters of kind `llm` ask |
| `LABELER_TOKEN` | what requests to `labeler serve` must bring |
| `RAY_ADDRESS` | Ray cluster of `--engine ray` |
| `TMPDIR` | folder of temporary copies of remote, packed and piped input |
"""

CONFIG_INTRO = """# labeler.toml

`labeler init` writes a commented file to start from. `labeler` reads the file named with `--config`, the preset named
with `--preset`, or `labeler.toml` in the working directory; without any of them, the preset `kaspi-sentiment`. Options
on the command line override the file. Unknown keys and values out of range are errors; all of them are listed at once.
The configuration that a run was made with is its `config.toml`.
"""

VOTERS_INTRO = """## Options of each kind of voter

These stand in a `[[voters]]` section beside `name`, `kind` and `optional`. Options whose default is "from the task" are
taken from `[task]`, those "from the run" from `--models`, the input or the class balance, unless the section sets them.
"""


def pages() -> dict[Path, str]:
    """Return the text of every generated page by its file."""
    return {FOLDER / "cli.md": cli_page(), FOLDER / "config.md": config_page()}


def cli_page() -> str:
    """Describe every command: usage, arguments, options, example."""
    return "\n".join([NOTICE, CLI_INTRO, *map(_command, app.registered_commands)])


def _command(info: Any) -> str:
    text, _, example = inspect.cleandoc(info.callback.__doc__).partition("Example: ")
    hints = get_type_hints(info.callback, include_extras=True)
    parameters = inspect.signature(info.callback).parameters.values()
    arguments = [
        f"[{p.name.upper()}]" if p.default is None else p.name.upper()
        for p in parameters
        if isinstance(get_args(hints[p.name])[1], ArgumentInfo)
    ]
    title = f"labeler {info.name or info.callback.__name__}"
    return "\n".join(
        [
            *(f"## {title}", "", text.strip(), ""),
            *("```text", " ".join([title, "[OPTIONS]", *arguments]), "```", ""),
            *(f"Example: `{' '.join(example.split())}`", ""),
            *_table(("option", "type", "default", "meaning"), [_parameter(p, hints[p.name]) for p in parameters]),
        ]
    )


def _parameter(parameter: inspect.Parameter, annotated: Any) -> tuple[str, ...]:
    """Return the row of an argument or option, declared as ``Annotated[type, typer.Option(...)]``."""
    hint, declared = get_args(annotated)[:2]
    if isinstance(declared, ArgumentInfo):
        name = parameter.name.upper()
    else:  # typer keeps the first name of an option where its default would be
        names = [each for each in (declared.default, *(declared.param_decls or ())) if isinstance(each, str)]
        name = names[0] if names else "--" + parameter.name.replace("_", "-")
    words, default = type_words(hint, declared), _shown(parameter.default)
    if words == "boolean":
        words, default = "flag", f"`--{parameter.name}`" if parameter.default else ""
    words = words.replace("list of strings", "string, may be repeated").replace(
        "list of paths", "path, may be repeated"
    )
    return f"`{name}`", words, default, declared.help or ""


def config_page() -> str:
    """Describe every key of ``labeler.toml`` and every option of every kind of voter."""
    sections = (_section(title, part) for title, part in _sections(Task))
    return "\n".join([NOTICE, CONFIG_INTRO, *sections, VOTERS_INTRO, *map(_voter, sorted(voter_kinds()))])


def _sections(section: type[Section], prefix: str = "") -> Iterator[tuple[str, type[Section]]]:
    """Yield the tables in a section, as they are headed in the file."""
    for name, field in section.model_fields.items():
        if part := _part(field.annotation):
            title = f"[{prefix}{name}]"
            yield f"[{title}]" if get_origin(field.annotation) is tuple else title, part
            yield from _sections(part, f"{prefix}{name}.")


def _part(hint: Any) -> type[Section] | None:
    """Return the model of a table, or of a list of tables."""
    parts = [part for part in (hint, *get_args(hint)) if inspect.isclass(part) and issubclass(part, Section)]
    return parts[0] if parts else None


def _section(title: str, section: type[Section]) -> str:
    described = inspect.cleandoc(section.__doc__ or "").partition("\n\n")[0]
    rows = [
        (
            f"`{name}`",
            type_words(field.annotation, *field.metadata),
            _shown(field.get_default(call_default_factory=True)),
            field.description or "",
        )
        for name, field in section.model_fields.items()
        if not _part(field.annotation)
    ]
    return "\n".join(
        [f"## {title}", "", described.replace("``", "`"), "", *_table(("key", "type", "default", "meaning"), rows)]
    )


def _voter(kind: str) -> str:
    cls = voter_class(kind)
    summary, _, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n\nParameters\n----------\n")
    meanings = dict(_numpydoc(rest.partition("\n\nRaises\n")[0]))
    hints = get_type_hints(cls, include_extras=True)
    rows = []
    for name, field in voter_options(kind).items():
        default = field.default if field.default_factory is MISSING else field.default_factory()
        given = name in needs(kind)
        shown = _from(name) if given else _shown(default)
        rows.append((f"`{name}`", type_words(hints[name]), shown, meanings[name]))
    return "\n".join(
        [f"### {kind}", "", summary.replace("``", "`"), "", *_table(("option", "type", "default", "meaning"), rows)]
    )


def _from(name: str) -> str:
    return (
        "from the task" if name in {*Label.model_fields, *TaskSection.model_fields, "descriptions"} else "from the run"
    )


def _numpydoc(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the description of every parameter of a NumPy-style section."""
    for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]:
        head, _, described = block.partition("\n")
        for name in head.partition(" : ")[0].split(", "):
            yield name, " ".join(described.split())


def type_words(hint: Any, *limits: Any) -> str:
    """Say in plain words which values a type hint allows; `limits` hold a range as attributes."""
    origin, parts = get_origin(hint), [part for part in get_args(hint) if part is not type(None)]
    if origin is Annotated:
        return type_words(parts[0], *(each for extra in parts[1:] for each in (extra, *getattr(extra, "metadata", ()))))
    if origin is Literal:
        words = ", ".join(f"`{value}`" for value in parts)
    elif origin in (Union, types.UnionType):
        words = " or ".join(map(type_words, parts))
    elif origin in (dict, Mapping):
        words = f"table of {_plural(parts[1])}"
    elif origin is tuple and ... not in parts:
        words = f"list of {len(parts)} {_plural(parts[0])}"
    elif origin in (tuple, list):
        words = f"list of {_plural(parts[0])}"
    else:
        words = WORDS.get(hint, "string")  # a model is given by its name
    bounds = ((sign, getattr(limit, name, None)) for name, sign in LIMITS.items() for limit in limits)
    return ", ".join([words, *(f"{sign} {bound:g}" for sign, bound in bounds if isinstance(bound, int | float))])


def _plural(hint: Any) -> str:
    first, space, rest = type_words(hint).partition(" ")
    return f"{first.rstrip(',')}s{',' * first.endswith(',')}{space}{rest}"


def _shown(default: object) -> str:
    if default in (MISSING, PydanticUndefined, inspect.Parameter.empty):
        return "required"
    if default is None or default == () or default == {} or default == "":
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [f"| {' | '.join(map(_cell, line))} |" for line in lines] + [""]


def _cell(text: str) -> str:
    """Return text that is safe in a table: signs that mean something in Markdown only stand in code."""
    parts = text.replace("``", "`").replace("|", "\\|").split("`")
    return "`".join(part if place % 2 else part.replace("<", "&lt;") for place, part in enumerate(parts))


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
