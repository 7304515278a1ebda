"""Voting on a Ray cluster: rules as tasks, each voter with a model as a pool of actors that load it once.

Plain Ray rather than Ray Data: the rows are in the run directory of this machine, which workers on other machines do
not see. They are sent chunk by chunk, a few at a time, so that memory does not grow with the rows.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any

from ...data.errors import ConfigError, LabelerError, VoterError
from ...data.progress import progress
from ...data.types.corpus import Corpus
from ...data.types.stored_corpus import StoredCorpus
from .configured import NamedVoter
from .executor import ChunkOutput, answer
from .serialized import SerializedVoters

Slot = Callable[[Corpus], Any]
"""Takes in a chunk and returns a reference to the answers."""

CPUS_PER_ACTOR = 4
"""Threads of a model without a GPU; more of them give little."""

_RETRIES = 3  # of a chunk whose worker is lost


class RayExecutor:
    """Applies voters on the workers of a Ray cluster: that of ``RAY_ADDRESS``, one that runs here, or a new one here.

    A context manager that disconnects from the cluster.

    Parameters
    ----------
    actors : int, optional
        Workers of each voter with a model; by default one per GPU, or per `CPUS_PER_ACTOR` CPUs of a node.

    Raises
    ------
    ConfigError
        If Ray is not installed.
    """

    def __init__(self, actors: int | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ConfigError("Ray is not installed.", hint='pip install "labeler[ray]"')
        self._actors = actors
        self._connected = False

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._connected:
            import ray

            ray.shutdown()

    def answers(
        self, voters: Sequence[NamedVoter], corpus: StoredCorpus, chunks: Sequence[int], *, k: int
    ) -> Generator[list[ChunkOutput], None, None]:
        """Yield one answer per voter, chunk by chunk; raises what the voters raise.

        Raises
        ------
        ConfigError
            If the cluster is too small for the actors.
        VoterError
            If the workers are lost again and again, or cannot load labeler.
        """
        if not chunks:
            return
        self._connect()
        import ray

        serialized = ray.put(SerializedVoters.of(voters, k))
        with_model = any(named.model for named in voters)
        slots = self._actor_slots(serialized, len(chunks)) if with_model else _task_slots(serialized)
        what = voters[0].name if len(voters) == 1 else "rules"
        with progress(f"Voting ({what})", total=sum(corpus.sizes[number] for number in chunks)) as advance:
            sent = _in_order(slots, map(corpus.chunk, chunks))
            for number, answers in zip(chunks, _received(sent, what), strict=True):
                advance(corpus.sizes[number])
                yield answers

    def _connect(self) -> None:
        import ray

        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
        os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of chunks behind the one that failed
        os.environ.setdefault("RAY_worker_niceness", "0")  # a cluster that is started here is no guest
        logging.getLogger("ray").setLevel(logging.ERROR)
        _keep_stdout_clean()
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        self._connected = True

    def _actor_slots(self, serialized: Any, chunks: int) -> list[Slot]:
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        count, needs = pool_size(nodes, self._actors)
        env = {"env_vars": {"POLARS_MAX_THREADS": str(needs["num_cpus"])}}
        actor = ray.remote(VoterActor).options(max_restarts=-1, max_task_retries=_RETRIES, runtime_env=env, **needs)
        pool = [actor.remote() for _ in range(min(count, chunks))]
        return [_slot(each.answers, serialized) for each in pool] * 2  # one chunk in work, one waiting


def _keep_stdout_clean() -> None:
    """Ray reports lost workers on standard output, where only data may be; no setting of its own stops that."""
    with suppress(ImportError):
        from ray._private import worker

        worker.print_to_stdstream = lambda *args, **kwargs: None


class VoterActor:
    """A worker that keeps its voters, and so their model, from chunk to chunk."""

    def __init__(self) -> None:
        self._voters: Sequence[NamedVoter] = ()

    def answers(self, serialized: SerializedVoters, chunk: Corpus) -> list[ChunkOutput]:
        """Apply the voters to a chunk."""
        _end_at_once()
        self._voters = self._voters or serialized.restore()
        return [answer(named, chunk, serialized.k) for named in self._voters]


def pool_size(nodes: Sequence[dict[str, float]], wanted: int | None) -> tuple[int, dict[str, int]]:
    """Return how many actors there will be, and what each needs of its node.

    Parameters
    ----------
    nodes : sequence of dict
        The resources of each node, by Ray's names.
    wanted : int, optional
        How many the user wants.

    Returns
    -------
    (int, dict)
        The number, and options ``num_gpus`` and ``num_cpus``.

    Raises
    ------
    ConfigError
        If the cluster cannot hold as many.
    """
    gpus, cpus = ([int(node.get(name, 0)) for node in nodes] for name in ("GPU", "CPU"))
    most = sum(gpus) or sum(cpus)
    if wanted is not None and wanted > most:
        raise ConfigError(
            f"The Ray cluster has room for {most} actors with a {'GPU' if any(gpus) else 'CPU'} each, not for {wanted}."
        )
    if any(gpus):
        return wanted or sum(gpus), {"num_gpus": 1, "num_cpus": 1}
    count = wanted or max(sum(-(-own // CPUS_PER_ACTOR) for own in cpus), 1)
    fitting = (each for each in range(CPUS_PER_ACTOR, 1, -1) if sum(own // each for own in cpus) >= count)
    return count, {"num_gpus": 0, "num_cpus": next(fitting, 1)}


def _task_slots(serialized: Any) -> list[Slot]:
    import ray

    env = {"env_vars": {"POLARS_MAX_THREADS": "1"}}
    task = ray.remote(_answers).options(num_cpus=1, max_retries=_RETRIES, runtime_env=env)
    return [_slot(task, serialized)] * (2 * max(int(ray.cluster_resources().get("CPU", 1)), 1))


def _answers(serialized: SerializedVoters, chunk: Corpus) -> list[ChunkOutput]:
    return VoterActor().answers(serialized, chunk)


def _end_at_once() -> None:
    """Let a worker that is told to end do so: Ray would raise SystemExit in the user's code, as if it were to blame."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _slot(function: Any, serialized: Any) -> Slot:
    # A new corpus: what was derived from the texts need not travel.
    return lambda chunk: function.remote(serialized, Corpus(chunk.ids, chunk.texts, chunk.columns))


def _in_order(slots: Sequence[Slot], chunks: Iterator[Corpus]) -> Iterator[Any]:
    """Give chunks to slots in turn; yield references to the answers in the order of the chunks, one per slot open."""
    waiting: deque[Any] = deque()
    for slot, chunk in zip(cycle(slots), chunks, strict=False):
        if len(waiting) == len(slots):
            yield waiting.popleft()  # whoever gets it waits for its answers, so this slot is free
        waiting.append(slot(chunk))
    yield from waiting


def _received(references: Iterator[Any], what: str) -> Iterator[list[ChunkOutput]]:
    """Fetch answers; what went wrong with a voter is raised as if it had been called here."""
    import ray

    for reference in references:
        try:
            answers = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, LabelerError):
                raise error.cause from None
            raise
        except ray.exceptions.RayError as error:
            raise VoterError(
                f"The Ray workers of {what} were lost {_RETRIES + 1} times: {type(error).__name__}: {error}",
                hint="Do they have enough memory, and all nodes the same labeler?",
            ) from error
        yield answers
