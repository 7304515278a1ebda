"""One fit: what it learns, that it repeats itself, resumes, stays in memory, stops early and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from labeler.data.errors import ModelError
from labeler.data.progress import Advance, reporting
from labeler.models.loading.device import Compute
from labeler.models.training.fit import callbacks
from labeler.models.training.fit.batches import Examples
from labeler.models.training.fit.fitting import fit_classifier
from labeler.models.training.fit.losses import SoftLoss
from labeler.models.training.fit.schedule import Fit, Schedule
from labeler.models.training.fit.setup import TrainedModel, make_optimizer
from labeler.models.training.fit.trainer import SoftLabelTrainer
from labeler.models.training.history import TrainingLog, read_history

CPU = Compute("cpu", "float32")
FAST = Schedule(epochs=2, batch_size=16, learning_rate=1e-2, head_learning_rate=2e-2)
N = 120


class Tiny(torch.nn.Module):
    """A bag of words with all that matters here: frozen weights, a norm, dropout, an encoder and a head."""

    labels = ("negative", "positive")
    pad_token_id = 0

    def __init__(self, *, dropout: float = 0.2, frozen: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.embedding = torch.nn.Embedding(40, 12)
            self.norm = torch.nn.LayerNorm(12)
            self.dropout = torch.nn.Dropout(dropout)
            self.out = torch.nn.Linear(12, 2)
        self.encoder_frozen = frozen
        self.unused = torch.nn.Parameter(torch.zeros(10_000), requires_grad=False)
        for parameter in [*self.embedding.parameters(), *self.norm.parameters()]:
            parameter.requires_grad_(not frozen)
        self.shapes: list[tuple[int, ...]] = []
        self.dtypes: set[torch.dtype] = set()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(input_ids.shape))
        mask = attention_mask.unsqueeze(-1)
        return self.classify(self.norm((self.embedding(input_ids) * mask).sum(dim=1) / mask.sum(dim=1)))

    def classify(self, vectors: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.out(self.dropout(vectors))
        self.dtypes.add(logits.dtype)
        return logits

    def encoder_parameters(self) -> list[torch.nn.Parameter]:
        return [] if self.encoder_frozen else [*self.embedding.parameters(), *self.norm.parameters()]

    def head_parameters(self) -> list[torch.nn.Parameter]:
        return list(self.out.parameters())

    def trainable_state(self) -> dict[str, torch.Tensor]:
        return {name: weight for name, weight in self.named_parameters() if weight.requires_grad}

    def load_trainable_state(self, state: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self.trainable_state().items():
                weight.copy_(state[name])


class Big(Tiny):
    """Runs out of memory over more than `most` tokens."""

    most = 100

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits = super().forward(input_ids, attention_mask)
        if input_ids.numel() > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")
        return logits


def make(rows: Any, targets: Any, row_weights: Any) -> Examples:
    return Examples(rows, np.asarray(targets, dtype=np.float32), np.asarray(row_weights, dtype=np.float32))


def data(n: int = N, *, seed: int = 0) -> Examples:
    """Make texts whose words tell the class; some labels are less sure."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 2, n)
    rows = [generator.integers(1 + 18 * k, 22 + 18 * k, generator.integers(2, 40)).tolist() for k in classes]
    sure = generator.uniform(0.7, 1.0, n)
    targets = np.where(np.eye(2)[classes] == 1, sure[:, None], 1 - sure[:, None])
    return make(rows, targets, generator.uniform(0.5, 1.0, n))


def contrary() -> Examples:
    """Make validation rows that say the opposite: soon their loss only grows."""
    examples = data(60, seed=1)
    return make(examples.rows, 1 - examples.targets, examples.weights)


def fit(classifier: Any, examples: Examples | None = None, **options: Any) -> Fit:
    settings: dict[str, Any] = {"schedule": FAST, "loss": SoftLoss(), "compute": CPU} | options
    return fit_classifier(classifier, data() if examples is None else examples, **settings)


def make_trainer(
    classifier: Tiny, examples: Examples, folder: Path, *, validation: Examples | None = None
) -> SoftLabelTrainer:
    return SoftLabelTrainer(
        classifier, examples, validation,
        schedule=FAST, loss=SoftLoss(), compute=CPU, folder=folder, key="",
    )  # fmt: skip


def weights(classifier: Tiny) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in classifier.trainable_state().values()])


def newest(folder: Path) -> Path:
    return max(folder.glob("checkpoint-*/"), key=lambda path: int(path.name.split("-")[1]))


@contextmanager
def interrupted(after: int, act: Callable[[], None]) -> Iterator[None]:
    """Act once so many rows are done."""

    @contextmanager
    def reporter(description: str, total: int | None) -> Iterator[Advance]:
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            if done >= after:
                act()

        yield advance

    with reporting(reporter):
        yield


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module", autouse=True)
def _cheap_collections() -> Iterator[None]:
    """Spare the objects of all imported libraries: the Trainer collects garbage at each start."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for a checkpoint every eighth of an epoch."""
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)


def test_it_learns_from_soft_labels() -> None:
    classifier = Tiny()
    result = fit(classifier, schedule=replace(FAST, epochs=4))
    held_out = data(100, seed=1)
    with torch.no_grad():
        found = classifier(**held_out.inputs(np.arange(100), 40, pad=0)).argmax(dim=1)
    assert (found.numpy() == held_out.targets.argmax(axis=1)).mean() > 0.9
    assert (result.steps, result.epochs, result.stopped_early) == (32, 4.0, False)
    assert not classifier.training
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_frozen_weights_and_the_class_stay_as_they_were() -> None:
    classifier = Tiny()
    fit(classifier)
    assert not classifier.unused.any()
    assert "forward" not in classifier.__dict__


def test_vectors_are_trained_on_where_the_encoder_is_frozen() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(N, 12)).astype(np.float32)
    classes = (vectors[:, 0] > 0).astype(int)
    classifier = Tiny(frozen=True)
    before = classifier.embedding.weight.detach().clone()
    examples = make(vectors, np.eye(2)[classes], np.ones(N))
    result = fit(classifier, examples, schedule=replace(FAST, epochs=10), validation=examples)
    with torch.no_grad():
        found = classifier.classify(torch.from_numpy(vectors)).argmax(dim=1).numpy()
    assert (found == classes).mean() > 0.9
    assert torch.equal(classifier.embedding.weight, before)
    assert result.token_budget == 16


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_bfloat16_is_what_layers_compute_in(dtype: Any) -> None:
    classifier = Tiny()
    fit(classifier, compute=Compute("cpu", dtype))
    assert classifier.dtypes == {getattr(torch, dtype)}
    assert classifier.out.weight.dtype == torch.float32


def test_a_fit_repeats_itself_and_depends_on_the_seed() -> None:
    first, same, other = Tiny(), Tiny(), Tiny()
    results = [fit(first), fit(same), fit(other, schedule=replace(FAST, seed=1))]
    assert torch.equal(weights(first), weights(same))
    assert not torch.equal(weights(first), weights(other))
    assert results[0].loss == results[1].loss


def test_global_state_is_left_alone() -> None:
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    environment = dict(os.environ)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index]  # noqa: NPY002
    fit(Tiny())
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index]  # noqa: NPY002
    assert before == after
    assert dict(os.environ) == environment


def test_nothing_is_printed_and_no_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(Tiny(), validation=data(40, seed=1))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_rows() -> None:
    told: list[int] = []
    totals: list[int | None] = []

    @contextmanager
    def reporter(description: str, total: int | None) -> Iterator[Advance]:
        totals.append(total)
        yield told.append

    with reporting(reporter):
        fit(Tiny(), schedule=replace(FAST, epochs=1.5))
    assert totals == [sum(told)] == [N + 4 * 16]
    assert sorted(set(told)) == [0, N % 16, 16]


def test_the_history_has_loss_and_rates() -> None:
    result = fit(Tiny(), validation=data(40, seed=1))
    losses = [entry for entry in result.history if "loss" in entry]
    assert len(losses) == result.steps
    assert np.mean([entry["loss"] for entry in losses]) == pytest.approx(result.loss, rel=1e-5)
    assert losses[-1]["learning_rate"] < max(entry["learning_rate"] for entry in losses) == FAST.learning_rate
    (evaluation,) = [entry for entry in result.history if "eval_loss" in entry]
    assert (result.validation_loss, result.validation_step) == (evaluation["eval_loss"], result.steps)


def test_the_log_has_what_the_history_has_and_a_resumed_fit_appends(
    often: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TrainingLog(tmp_path / "history.jsonl", "tiny", "key", "all", log_to=("trackio",))
    validation = data(40, seed=1)
    tracked: list[dict[str, float]] = []
    monkeypatch.setitem(INTEGRATION_TO_CALLBACK, "trackio", Tracker(tracked))
    with interrupted(after=100, act=interrupt), pytest.raises(KeyboardInterrupt):
        fit(Tiny(), checkpoints=tmp_path / "fit", key="key", validation=validation, log=log)
    stopped = read_history(log.file)
    result = fit(Tiny(), checkpoints=tmp_path / "fit", key="key", validation=validation, log=log)
    lines = read_history(log.file)
    whose = {"model": "tiny", "training": "key", "phase": "all"}
    assert lines == [whose | dict(entry) for entry in result.history]
    assert 0 < len(stopped) < len(lines)
    assert lines[: len(stopped) - 1] == stopped[:-1]
    (evaluation,) = [numbers for numbers in tracked if "eval_agreement" in numbers]
    assert evaluation["ended"] == 0


class Tracker(TrainerCallback):  # type: ignore[misc]
    """Keeps what it is told, as an experiment tracker would, and whether its run had ended by then."""

    def __init__(self, told: list[dict[str, float]]) -> None:
        self.told, self.ended = told, 0

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.told.append(logs | {"ended": self.ended})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.ended = 1


def test_biases_and_norms_do_not_decay() -> None:
    classifier = Tiny()
    groups = make_optimizer(classifier, FAST).param_groups
    decay = {id(weight): group["weight_decay"] for group in groups for weight in group["params"]}
    rate = {id(weight): group["lr"] for group in groups for weight in group["params"]}
    for name, weight in classifier.trainable_state().items():
        matrix = name in ("embedding.weight", "out.weight")
        assert decay[id(weight)] == (FAST.weight_decay if matrix else 0)
        assert rate[id(weight)] == (FAST.head_learning_rate if name.startswith("out") else FAST.learning_rate)


def test_a_step_in_parts_has_the_gradients_of_the_whole(tmp_path: Path) -> None:
    examples, rows = data(), np.arange(48)
    found = []
    for tokens in (10_000, 200, 40):
        classifier = Tiny(dropout=0.0)
        trainer = make_trainer(classifier, examples, tmp_path)
        trainer.model.train()
        loss = trainer._gradients(trainer.model, rows, tokens)
        found.append([float(loss), *[weight.grad for weight in classifier.trainable_state().values()]])
    assert len(classifier.shapes) > 20
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def test_the_loss_of_a_step_is_the_weighted_mean(tmp_path: Path) -> None:
    examples, rows = data(), np.arange(48)
    classifier = Tiny(dropout=0.0)
    loss = make_trainer(classifier, examples, tmp_path)._gradients(TrainedModel(classifier), rows, 100)
    logits = classifier(**examples.inputs(rows, 40, pad=0))
    expected = SoftLoss()(logits, torch.from_numpy(examples.targets[rows]), torch.from_numpy(examples.weights[rows]))
    torch.testing.assert_close(loss, expected.detach())


def test_when_memory_runs_out_the_step_is_repeated_in_smaller_parts(said: list[str]) -> None:
    small, big = Tiny(dropout=0.0), Big(dropout=0.0)
    fit(small)
    result = fit(big, validation=data(40, seed=1))
    assert result.token_budget == 64
    assert said[0] == "Memory ran out: the step is repeated with 1024 tokens at a time instead of 2048."
    torch.testing.assert_close(weights(big), weights(small), rtol=1e-3, atol=1e-5)


def test_a_row_that_does_not_fit_is_an_error() -> None:
    classifier = Big()
    classifier.most = 10
    with pytest.raises(ModelError, match="Memory ran out over a single row"):
        fit(classifier)


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"Training broke down: the loss at step \d+ is nan") as error:
        fit(Tiny(), schedule=replace(FAST, learning_rate=1e30))
    assert "Lower the learning rate" in error.value.hint


def test_nothing_to_learn_is_an_error() -> None:
    with pytest.raises(ModelError, match="no rows to train on"):
        fit(Tiny(), make([], np.zeros((0, 2)), np.zeros(0)))
    classifier = Tiny(frozen=True)
    classifier.head_parameters = list  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="no trainable parameters"):
        fit(classifier)


def test_patience_stops_early_and_returns_to_the_best_weights(tmp_path: Path) -> None:
    against = contrary()
    classifier = Tiny()
    result = fit(classifier, schedule=replace(FAST, epochs=5, patience=2), validation=against)
    assert result.stopped_early
    assert result.validation_step is not None
    assert result.steps == result.validation_step + 2 * 2  # an evaluation every second step
    again = make_trainer(classifier, data(), tmp_path).validated(against)
    assert again["eval_loss"] == pytest.approx(result.validation_loss)
    found = [entry["eval_agreement"] for entry in result.history if "eval_agreement" in entry]
    assert again["eval_agreement"] == pytest.approx(max(found))


def test_without_patience_the_last_weights_stay() -> None:
    plain, watched = Tiny(), Tiny()
    fit(plain)
    assert not fit(watched, validation=contrary()).stopped_early
    assert torch.equal(weights(plain), weights(watched))


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("after", [40, N, N + 20, 2 * N - 1])
def test_an_interrupted_fit_resumes_as_if_nothing_had_happened(tmp_path: Path, after: int, said: list[str]) -> None:
    whole, resumed, folder = Tiny(), Tiny(), tmp_path / "checkpoints"
    options: dict[str, Any] = {"validation": data(40, seed=1), "schedule": replace(FAST, patience=9)}
    expected = fit(whole, **options)
    with interrupted(after, interrupt), pytest.raises(KeyboardInterrupt):
        fit(Tiny(), checkpoints=folder, key="a", **options)
    assert folder.exists()
    result = fit(resumed, checkpoints=folder, key="a", **options)
    assert said[0].startswith("Training continues after step ")
    assert torch.equal(weights(resumed), weights(whole))
    assert (result.loss, result.validation_loss, result.steps) == (
        expected.loss, expected.validation_loss, expected.steps,
    )  # fmt: skip


@pytest.mark.usefixtures("often")
def test_early_stopping_survives_an_interruption(tmp_path: Path) -> None:
    options: dict[str, Any] = {"validation": contrary(), "schedule": replace(FAST, epochs=5, patience=2)}
    whole, resumed = Tiny(), Tiny()
    expected = fit(whole, **options)
    with interrupted(5 * 16, interrupt), pytest.raises(KeyboardInterrupt):
        fit(Tiny(), checkpoints=tmp_path, key="a", **options)
    result = fit(resumed, checkpoints=tmp_path, key="a", **options)
    assert (result.steps, result.validation_step) == (expected.steps, expected.validation_step)
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.usefixtures("often")
def test_checkpoints_hold_what_is_trained_only(tmp_path: Path) -> None:
    with interrupted(90, interrupt), pytest.raises(KeyboardInterrupt):
        fit(Tiny(), checkpoints=tmp_path)
    files = {path.name for path in newest(tmp_path).iterdir()}
    assert files == {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"}
    assert set(load_file(newest(tmp_path) / "model.safetensors")) == set(Tiny().trainable_state())


@pytest.mark.usefixtures("often")
def test_a_damaged_checkpoint_means_the_one_before(tmp_path: Path, said: list[str]) -> None:
    whole, resumed = Tiny(), Tiny()
    fit(whole)
    with interrupted(90, interrupt), pytest.raises(KeyboardInterrupt):
        fit(Tiny(), checkpoints=tmp_path)
    last = newest(tmp_path)
    content = (last / "optimizer.pt").read_bytes()
    (last / "optimizer.pt").write_bytes(content[: len(content) // 2])
    fit(resumed, checkpoints=tmp_path)
    assert said[0] == f"{last.name} is damaged and is removed: {last}."
    assert said[1].startswith("Training continues after step ")
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("options", [{"key": "b"}, {"key": "a", "resume": False}])
def test_checkpoints_of_another_fit_are_not_resumed(tmp_path: Path, options: dict[str, Any], said: list[str]) -> None:
    with interrupted(90, interrupt), pytest.raises(KeyboardInterrupt):
        fit(Tiny(), checkpoints=tmp_path, key="a")
    whole = Tiny()
    result = fit(whole, checkpoints=tmp_path, **options)
    fresh = Tiny()
    fit(fresh)
    assert torch.equal(weights(whole), weights(fresh))
    assert result.rows_per_second > 0
    assert all("belongs to other data or settings" in text for text in said)
    assert bool(said) == (options["key"] == "b")


@pytest.mark.usefixtures("often")
def test_a_checkpoint_that_cannot_be_written_does_not_end_the_fit(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("labeler.models.training.fit.trainer.save_file", full)
    assert fit(Tiny(), checkpoints=tmp_path / "c").steps == 16
    assert "No checkpoint could be written after step 2: [Errno 28] No space left on device" in said
    assert not list((tmp_path / "c").iterdir())


@pytest.mark.slow
def test_kill_9_in_the_middle_of_an_epoch_changes_nothing(tmp_path: Path, said: list[str]) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_fitting; test_fitting.die(sys.argv[2])"
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    died = subprocess.run(command, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert list(tmp_path.glob("checkpoint-*.json"))
    whole, resumed = Tiny(), Tiny()
    expected = fit(whole)
    result = fit(resumed, checkpoints=tmp_path)
    assert said[0].startswith("Training continues after step ")
    assert torch.equal(weights(resumed), weights(whole))
    assert result.loss == expected.loss


def die(folder: str) -> None:
    """Train in a process that is killed in the second epoch."""
    callbacks.SECONDS_BETWEEN_CHECKPOINTS = 0.0
    with interrupted(N + 70, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        fit(Tiny(), checkpoints=Path(folder))
