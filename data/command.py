"""Commands that are printed to be pasted into a shell."""

from __future__ import annotations

import shlex


def command(*words: object) -> str:
    """Write a ``labeler`` command so that a shell takes it as it stands.

    Parameters
    ----------
    *words : object
        Subcommand, arguments and options; paths with spaces or other characters of the shell get quotes.
    """
    return shlex.join(["labeler", *map(str, words)])
