"""Load a Python file of the user's, with the modules beside it, and leave no trace of them in other code."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from ...data.errors import ConfigError
from ...data.runs.manifest import stage_key
from ..settings import VoterSection
from .functions import LabelingFunction, find_functions
from .imports import doubts, package_versions
from .reads import Reads, recording, unchanged


class UserCode:
    """A loaded file: its labeling functions, and what it has read.

    Modules beside the file are imported from there, as if Python had been started with it. They are in `sys.modules`
    only while the code runs (`running`), so two files may each have a ``words.py`` beside them.

    Attributes
    ----------
    folder : Path
        Where the modules beside the file are.
    sent : mapping of str to bytes, optional
        All sources, where another machine sent them.
    functions : dict of str to callable
    sources : dict of str to bytes
        The file and all modules beside it that were imported, by path relative to the file's folder.
    loading : Reads
        What else was read while the file was loaded.
    voting : Reads
        What was read since, by any of its functions: they may share what they have read.
    digest : str
        Digest of all that was read to load it: sources, versions of packages, other files.
    """

    def __init__(self, path: Path, sent: Mapping[str, bytes] | None = None) -> None:
        self.path, self.folder = path, path.absolute().parent
        self.sources: dict[str, bytes] = {}
        self.loading, self.voting = Reads(), Reads()
        self.sent = sent
        self._modules: dict[str, ModuleType] = {}
        self._packages: dict[str, str] = {}
        self.digest = ""
        self.functions: dict[str, LabelingFunction] = find_functions(self._load(), path)
        sources = {name: hashlib.blake2b(source, digest_size=20).hexdigest() for name, source in self.sources.items()}
        self.digest = stage_key(sources=sources, packages=self._packages, files=self.loading.files)

    @property
    def doubts(self) -> list[str]:
        """Why votes may change although all that was read is the same; empty if they cannot."""
        return sorted(self.loading.unknown | self.voting.unknown)

    def is_current(self) -> bool:
        """Whether all that was read still is as it was."""
        same = all(self.read(name) == source for name, source in self.sources.items())
        return same and unchanged(self.loading.files | self.voting.files)

    @contextmanager
    def running(self, reads: Reads) -> Iterator[None]:
        """Let code of the file run, and note what it reads."""
        before = {name: sys.modules[name] for name in self._modules if name in sys.modules}
        sys.modules.update(self._modules)
        finder = _Beside(self)
        sys.meta_path.insert(0, finder)
        try:
            with recording(reads):
                yield
        finally:
            sys.meta_path.remove(finder)
            found = {*self._modules, *finder.found}
            self._modules = {name: sys.modules.pop(name) for name in found if name in sys.modules}
            sys.modules.update(before)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file beside the code, None if there is none."""
        if self.sent is not None:
            return self.sent.get(name)
        try:
            with recording(None):
                return (self.folder / name).read_bytes()
        except OSError:
            return None

    def has_folder(self, name: str) -> bool:
        """Whether there is a folder beside the code."""
        if self.sent is not None:
            return any(known.startswith(f"{name}/") for known in self.sent)
        return (self.folder / name).is_dir()

    def loader(self, name: str, source: bytes) -> SourceLoader:
        """Take a module beside the code in, and return what loads it."""
        file = str(self.folder / name)
        self.sources[name] = source
        self._packages |= package_versions(source)
        self.loading.unknown |= doubts(source, self._is_beside)
        if self.digest:  # imported by a function, not while the file was loaded
            self.voting.files[file] = ""
        return _Loader(file, source)

    def _is_beside(self, module: str) -> bool:
        return any(self.read(name) is not None for name in _candidate_files(module)) or self.has_folder(module)

    def _load(self) -> ModuleType:
        source = self.read(self.path.name)
        if source is None:
            raise _unreadable(self.path)
        if self.path.suffix != ".py":
            raise ConfigError(f"{self.path} is not a Python file.", hint="Its name must end in .py.")
        name = f"labeler_code_{hashlib.sha256(source).hexdigest()[:12]}"
        try:
            spec = importlib.util.spec_from_loader(name, self.loader(self.path.name, source))
            assert spec is not None
            assert spec.loader is not None
            module = self._modules[name] = importlib.util.module_from_spec(spec)
            with self.running(self.loading):
                spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {error}"
            message = f"{self.path} failed when it was loaded: {what}{_where(error, self.folder)}"
            raise ConfigError(message, hint=self._advice(error)) from error
        return module

    def _advice(self, error: BaseException) -> str:
        if isinstance(error, ModuleNotFoundError) and error.name:
            name = error.name.partition(".")[0]
            return f"Install it (pip install {name}), or put {name}.py beside {self.path.name}."
        if isinstance(error, FileNotFoundError) and self.sent is not None:
            return "Only Python modules travel to other machines; put other files at the same path on each of them."
        return ""


_loaded: dict[Path, UserCode] = {}
_sent: dict[Path, Mapping[str, bytes]] = {}


def load_code(path: Path) -> UserCode:
    """Load a file, once as long as nothing that it has read changes.

    Raises
    ------
    ConfigError
        If the file is missing, fails when run, or holds no labeling function.
    """
    place = path.absolute()
    known, sent = _loaded.get(place), _sent.get(place)
    if known is None or known.sent != sent or not known.is_current():
        known = _loaded[place] = UserCode(path, sent)
    return known


def with_code(voters: tuple[VoterSection, ...], path: Path | None) -> tuple[VoterSection, ...]:
    """Add a voter for each labeling function in a Python file; functions that vote already are left out.

    Raises
    ------
    ConfigError
        As `load_code`.
    """
    if path is None:
        return voters
    taken = {voter.name for voter in voters}
    known = {(voter.options.get("path"), voter.options.get("function")) for voter in voters}
    place = str(path.absolute())
    names = [name for name in load_code(path).functions if (place, name) not in known]
    added = ((name if name not in taken else f"{name} ({path.name})", name) for name in names)
    sections = ({"name": voter, "kind": "python", "path": place, "function": name} for voter, name in added)
    return (*voters, *map(VoterSection.model_validate, sections))


def receive_code(path: Path, sources: Mapping[str, bytes], digest: str) -> None:
    """Take code that another machine has at `path`; the file itself is not looked for any more.

    Raises
    ------
    ConfigError
        If it cannot be loaded here, or reads something else here than there.
    """
    _sent[path.absolute()] = sources
    if load_code(path).digest != digest:
        read = ", ".join(load_code(path).loading.files) or "packages of another version"
        raise ConfigError(
            f"{path.name} depends on files or packages that differ from those of the machine that asks: {read}.",
            hint="Put the same files and packages on every machine, or use --engine local.",
        )


@dataclass(frozen=True)
class _Loader(SourceLoader):
    """Compiles a source each time: compiled files of an earlier state are never read."""

    path: str
    source: bytes

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        return self.source


class _Beside(MetaPathFinder):
    """Finds modules beside the code; folders without ``__init__.py``, as Python does, only where nothing else is."""

    def __init__(self, code: UserCode) -> None:
        self.found: set[str] = set()
        self._code = code

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        if path is not None and not any(Path(place).is_relative_to(self._code.folder) for place in path):
            return None  # part of an installed package
        for name in _candidate_files(fullname):
            if (source := self._code.read(name)) is not None:
                self.found.add(fullname)
                return importlib.util.spec_from_loader(fullname, self._code.loader(name, source))
        folder = fullname.replace(".", "/")
        if not self._code.has_folder(folder) or (path is None and _is_elsewhere(fullname)):
            return None
        self.found.add(fullname)
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [str(self._code.folder / folder)]
        return spec


def _is_elsewhere(module: str) -> bool:
    others = (finder for finder in sys.meta_path if not isinstance(finder, _Beside))
    return any(finder.find_spec(module, None) for finder in others)


def _candidate_files(module: str) -> tuple[str, str]:
    place = module.replace(".", "/")
    return f"{place}/__init__.py", f"{place}.py"


def _unreadable(path: Path) -> ConfigError:
    try:
        path.read_bytes()
        reason = "it was not sent along"
    except OSError as error:
        reason = str(error.strerror)
    return ConfigError(f"Cannot read the labeling functions in {path}: {reason}.")


def _where(error: BaseException, folder: Path) -> str:
    """Return at which line of the user's own files it went wrong."""
    places = traceback.extract_tb(error.__traceback__)
    own = [place for place in places if Path(place.filename).parent == folder]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
