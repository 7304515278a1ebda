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
from .imports import doubts, imported, package_versions


class UserCode:
    """A loaded file: its labeling functions, and what they depend on.

    Modules beside the file are imported from there, as if Python had been started with it. They are in `sys.modules`
    only while the code runs (`running`), so two files may each have a ``words.py`` beside them.

    Parameters
    ----------
    path : Path
    sent : mapping of str to bytes, optional
        All sources, where another machine sent them.

    Attributes
    ----------
    functions : dict of str to callable
    sources : mapping of str to bytes
        The file and all modules beside it that it imports, by path relative to the file's folder.
    doubts : list of str
        Why votes may change although sources and packages do not; empty if they cannot.
    digest : str
        Digest of the sources and the versions of packages.
    """

    def __init__(self, path: Path, sent: Mapping[str, bytes] | None = None) -> None:
        self.path, self._folder = path, path.absolute().parent
        self._sent = sent is not None
        self.sources: Mapping[str, bytes] = sent or {}
        self._modules: dict[str, ModuleType] = {}
        self.functions: dict[str, LabelingFunction] = find_functions(self._load(), path)
        self.doubts = sorted(set().union(*(doubts(source, self._is_beside) for source in self.sources.values())))
        sources = {name: hashlib.blake2b(source, digest_size=20).hexdigest() for name, source in self.sources.items()}
        self.digest = stage_key(sources=sources, packages=package_versions(self.sources.values()))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let code of the file run."""
        before = {name: sys.modules[name] for name in self._modules if name in sys.modules}
        sys.modules.update(self._modules)
        finder = _Beside(self._folder, self.sources)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            found = {*self._modules, *finder.found}
            self._modules = {name: sys.modules.pop(name) for name in found if name in sys.modules}
            sys.modules.update(before)

    def _is_beside(self, module: str) -> bool:
        return any(name == f"{module}.py" or name.startswith(f"{module}/") for name in self.sources)

    def _load(self) -> ModuleType:
        try:
            source = self.sources[self.path.name] if self._sent else self.path.read_bytes()
        except OSError as error:
            raise ConfigError(f"Cannot read the labeling functions in {self.path}: {error.strerror}.") from None
        if self.path.suffix != ".py":
            raise ConfigError(f"{self.path} is not a Python file.", hint="Its name must end in .py.")
        name = f"labeler_code_{hashlib.sha256(source).hexdigest()[:12]}"
        try:
            if not self._sent:
                self.sources = _sources(self.path.absolute())
            spec = importlib.util.spec_from_loader(name, _Loader(str(self._folder / self.path.name), source))
            assert spec is not None
            assert spec.loader is not None
            module = self._modules[name] = importlib.util.module_from_spec(spec)
            with self.running():
                spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {error}"
            message = f"{self.path} failed when it was loaded: {what}{_where(error, self._folder)}"
            raise ConfigError(message, hint=self._advice(error)) from error
        return module

    def _advice(self, error: BaseException) -> str:
        if isinstance(error, ModuleNotFoundError) and error.name:
            name = error.name.partition(".")[0]
            return f"Install it (pip install {name}), or put {name}.py beside {self.path.name}."
        if isinstance(error, FileNotFoundError) and self._sent:
            return "Only Python modules travel to other machines; put other files at the same path on each of them."
        return ""


def _sources(file: Path) -> dict[str, bytes]:
    """Read a file and all modules beside it that it imports, and those that these import, by relative path."""
    sources: dict[str, bytes] = {}
    waiting = [file.name]
    while waiting:
        name = waiting.pop()
        if name in sources or not (file.parent / name).is_file():
            continue
        sources[name] = (file.parent / name).read_bytes()
        for module in imported(sources[name], name.rpartition("/")[0].replace("/", ".")):
            top, *_ = parts = module.split(".")
            # As Python does, a folder without __init__.py only where nothing else is.
            if (
                (file.parent / top).is_dir()
                and not (file.parent / top / "__init__.py").is_file()
                and _is_installed(top)
            ):
                continue
            places = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
            waiting += [candidate for place in places for candidate in (f"{place}/__init__.py", f"{place}.py")]
    return sources


def _is_installed(module: str) -> bool:
    return any(finder.find_spec(module, None) for finder in sys.meta_path)


_loaded: dict[Path, UserCode] = {}


def load_code(path: Path) -> UserCode:
    """Load a file, once until `forget_code` is called.

    Raises
    ------
    ConfigError
        If the file is missing, fails when run, or holds no labeling function.
    """
    place = path.absolute()
    if place not in _loaded:
        _loaded[place] = UserCode(path)
    return _loaded[place]


def forget_code() -> None:
    """Let all files be loaded anew: they, or what they read, may have been edited."""
    _loaded.clear()


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
        If it cannot be loaded here, or imports other versions of packages here than there.
    """
    place = path.absolute()
    if place not in _loaded or _loaded[place].sources != sources:
        _loaded[place] = UserCode(path, sources)
    if _loaded[place].digest != digest:
        raise ConfigError(
            f"{path.name} depends on packages that differ from those of the machine that asks.",
            hint="Put the same packages on every machine, or use --engine local.",
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
    """Finds modules among the sources beside the code."""

    def __init__(self, folder: Path, sources: Mapping[str, bytes]) -> None:
        self.found: set[str] = set()
        self._folder, self._sources = folder, sources

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        if path is not None and not any(Path(place).is_relative_to(self._folder) for place in path):
            return None  # part of an installed package
        place = fullname.replace(".", "/")
        for name in (f"{place}/__init__.py", f"{place}.py"):
            if name in self._sources:
                self.found.add(fullname)
                return importlib.util.spec_from_loader(fullname, _Loader(str(self._folder / name), self._sources[name]))
        if not any(name.startswith(f"{place}/") for name in self._sources):
            return None
        self.found.add(fullname)
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [str(self._folder / place)]
        return spec


def _where(error: BaseException, folder: Path) -> str:
    """Return at which line of the user's own files it went wrong."""
    places = traceback.extract_tb(error.__traceback__)
    own = [place for place in places if Path(place.filename).parent == folder]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
