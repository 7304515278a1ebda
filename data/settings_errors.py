"""Everything that is wrong with a section of ``labeler.toml``, in the user's own names for things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from .errors import ConfigError, LabelerError, nearest_hint

_LISTS = {("task", "labels"): "class", ("voters",): "voter"}
"""Lists of named things, and what one of them is called."""

Path = tuple[str | int, ...]


def mistakes_in(
    error: ValidationError, model: type[BaseModel], given: Mapping[str, Any], source: str
) -> list[ConfigError]:
    """Turn the complaints of pydantic into errors, one for each place.

    Parameters
    ----------
    error : ValidationError
        A validator's own message may have a second line, the hint.
    model : type of BaseModel
        What was to be made.
    given : mapping
        What it was to be made from.
    source : str
        Where that came from, to begin each message with.
    """
    found: dict[Path, ConfigError] = {}
    typos = {each["loc"][:-1] for each in error.errors() if each["type"] == "extra_forbidden"}
    for each in error.errors():
        place = _place(each["loc"], model)
        explained = each["type"] == "missing" and each["loc"][:-1] in typos
        if place in found or explained:
            continue
        where = _written(place, given)
        if each["type"] == "extra_forbidden":
            *parents, key = each["loc"]
            owner, colon, written = where.rpartition(": ")
            hint = nearest_hint(str(key), list(_model_at(parents, model).model_fields))
            found[place] = ConfigError(f"{source}: {owner}{colon}unknown key '{written}'.", hint=hint)
        else:
            message, _, advice = each["msg"].removeprefix("Value error, ").partition("\n")
            message = message.replace("valid tuple", "list").rstrip(".")
            colon = f"{where}: " if where else ""
            found[place] = ConfigError(
                f"{source}: {colon}{message}.", hint=advice or f"Found {_shortened(each['input'])}."
            )
    return list(found.values())


@contextmanager
def as_validation() -> Iterator[None]:
    """Turn an error of ours within a validator into one that pydantic collects and `mistakes_in` understands."""
    try:
        yield
    except LabelerError as error:
        raise ValueError(f"{error}\n{error.hint}") from None


def raise_together(errors: Sequence[LabelerError], what: str) -> None:
    """Raise errors as one that lists them, if there are any; a single one stays as it is.

    Raises
    ------
    LabelerError
    """
    if len(errors) == 1:
        raise errors[0]
    flat = [each for error in errors for each in error.errors or (error,)]
    if flat:
        raise ConfigError(f"{what} has {len(flat)} mistakes:", errors=flat)


def _place(loc: Path, model: type[BaseModel]) -> Path:
    """Cut off what pydantic adds to the place of a field that may have one of several forms."""
    here: Any = model
    for depth, part in enumerate(loc):
        if isinstance(part, str):
            field = here.model_fields.get(part)
            if field is None:
                return loc[: depth + 1]
            here = _model_in(field.annotation)
            if here is None:
                forms = any("[" in str(tag) or "-" in str(tag) for tag in loc[depth + 1 : depth + 2])
                return loc[: depth + 1] if forms else loc
    return loc


def _written(place: Path, given: Mapping[str, Any]) -> str:
    """Write a place as dotted keys, with classes and voters by name."""
    for prefix, word in _LISTS.items():
        number = place[len(prefix)] if place[: len(prefix)] == prefix and len(place) > len(prefix) else None
        if isinstance(number, int):
            name = _name(given, (*prefix, number))
            rest = ".".join(map(str, place[len(prefix) + 1 :]))
            return f"{word} {name or number + 1}{': ' if rest else ''}{rest}"
    return ".".join(map(str, place))


def _name(given: Any, place: Path) -> str:
    for part in place:
        given = given[part]
    name = given.get("name") if isinstance(given, Mapping) else None
    return f"'{name}'" if isinstance(name, str) and name else ""


def _model_at(parents: Sequence[str | int], model: type[BaseModel]) -> type[BaseModel]:
    here: Any = model
    for part in parents:
        if isinstance(part, str):
            here = _model_in(here.model_fields[part].annotation)
    return here  # type: ignore[no-any-return]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model a field holds, alone or in a tuple."""
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
