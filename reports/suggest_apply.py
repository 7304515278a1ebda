"""`labeler suggest --apply`: add suggested keywords to a configuration file, which keeps its comments and its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..data.errors import ConfigError

Keywords = Mapping[str, Mapping[str, Sequence[str]]]
"""By class and language: entries of the lexicon."""


def with_keywords(text: str, keywords: Keywords, *, source: str) -> str:
    """Return a configuration with entries added to the keywords of its classes; those that are there are left out.

    Parameters
    ----------
    text : str
        A valid ``labeler.toml``.
    keywords : mapping of str to mapping of str to sequence of str
    source : str
        Name of the file, for errors.

    Raises
    ------
    ConfigError
        If the file has no class of such a name.
    """
    import tomlkit

    document = tomlkit.parse(text)
    classes = {label["name"]: label for label in document["task"]["labels"]}
    for name, by_language in keywords.items():
        if name not in classes:
            raise ConfigError(
                f"{source} has no class '{name}', but the run has.",
                hint="Give the file that the run was made with: --config FILE.",
            )
        lexicon = classes[name].setdefault("keywords", tomlkit.inline_table())
        for language, entries in by_language.items():
            present = lexicon.setdefault(language, tomlkit.array())
            present.extend(entry for entry in entries if entry not in present)
    return tomlkit.dumps(document)
