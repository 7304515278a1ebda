"""A labelled run in Python: what comes after labelling."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import polars as pl

from ..config import TaskSource, load_config, run_config, with_flags
from ..data.distributed import is_main_process
from ..data.errors import InputError
from ..data.progress import status
from ..data.reading.files.format_detection import ReadOptions
from ..data.reading.frames import TableSource
from ..data.runs.directory import existing_run, open_run
from ..data.runs.label_options import named_source
from ..data.writing.overwriting import refuse_run_files, refuse_run_output
from .folder import RunFolder, open_voters, trained_run

if TYPE_CHECKING:
    from ..data.runs.summaries import TrainSummary
    from ..models.predict import Prediction
    from ..reports.rendering.write import WrittenReport
    from ..reports.sampling.draw import Drawn
    from ..reports.suggest import Advice


class Run(RunFolder):
    """A folder with labels and votes that `label` made, and later a model and a report.

    Without a folder of its own it goes with the object: when that is closed, garbage-collected, or Python ends.

    Parameters
    ----------
    path : str or Path, optional
        An existing run; by default the one labelled last.

    Raises
    ------
    RunError
        If it is no run, or, by each method, if the run lacks what that needs.

    Examples
    --------
    >>> run = labeler.label(["Керемет, рахмет!", "Өте нашар"], task)
    >>> run.votes.select("keywords", "thanks").rows()
    [('positive', 'positive'), ('negative', None)]
    >>> run.sample(1).frame.columns
    ['id', 'text', 'inclusion_probability', 'stratum', 'rows']
    """

    def train(
        self,
        mode: Literal["full", "lora", "frozen"] | None = None,
        *,
        head: str | None = None,
        backbone: str | None = None,
        compare: str | None = None,
        task: TaskSource = None,
        gold: str | None = None,
        epochs: float | None = None,
        learning_rate: float | None = None,
        seed: int | None = None,
        exclude_absent: bool | None = None,
        resume: bool = True,
        force: bool = False,
        log_to: Sequence[str] = (),
        push_to_hub: str | None = None,
    ) -> list[TrainSummary]:
        """Train a classifier on the labels, into the folder ``model`` of the run.

        Parameters
        ----------
        mode : "lora", "full" or "frozen", optional
            Adapters only, all weights, or a linear head alone.
        head, backbone : str, optional
            linear, beebert, mlp, lstm, bert_lstm, ngram or ensemble; auto, embedded, a folder or a hub name.
        compare : str, optional
            Names of models: train them all, and keep the best in ``model``.
        task : str, Path or Task, optional
            Whose ``[train]`` section counts; by default ``labeler.toml`` here, or else the run's own.
        gold : str, optional
            File of hand-labelled rows to use instead of those the run was made with; `label` takes tables in memory.
        epochs, learning_rate, seed, exclude_absent
            As in that section.
        resume, force : bool
            Continue an interrupted training; train again although nothing changed.
        log_to : sequence of str
            Where to send the numbers of ``history.jsonl`` too: tensorboard, mlflow or trackio.
        push_to_hub : str, optional
            Upload the model to this hub repository, ``owner/name``.

        Returns
        -------
        list of TrainSummary

        Raises
        ------
        LabelerError
            If an option or the labels cannot be used, or nothing was learned.
        """
        if not isinstance(gold, str | None):
            raise InputError(f"Hand labels to train on must be a file, found {named_source(gold)}.")
        from ..models.end_model.push import push_to_hub as push
        from ..models.training.train import train_end_models

        refuse_run_files(self._labelled.run.path, {"--gold": gold})
        given = {"mode": mode, "head": head, "backbone": backbone, "epochs": epochs, "learning_rate": learning_rate}
        given |= {"seed": seed, "exclude_absent": exclude_absent}
        settings = with_flags(run_config(task, self.path).train, given)
        with open_run(self.path, distributed=True) as directory:
            summaries = train_end_models(
                settings, directory, compare=compare, gold=gold, resume=resume, force=force, log_to=log_to
            )
        if push_to_hub is not None and is_main_process():
            status(f"uploaded: {push(directory.model, push_to_hub)}")
        return summaries

    @overload
    def predict(
        self,
        data: TableSource,
        *,
        text_column: str | Sequence[str] | None = None,
        id_column: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        with_voters: bool | None = None,
    ) -> pl.DataFrame: ...

    @overload
    def predict(
        self,
        data: TableSource,
        *,
        output: str,
        table: str | None = None,
        text_column: str | Sequence[str] | None = None,
        id_column: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        with_voters: bool | None = None,
        force: bool = False,
    ) -> Prediction: ...

    def predict(
        self,
        data: TableSource,
        *,
        output: str | None = None,
        table: str | None = None,
        text_column: str | Sequence[str] | None = None,
        id_column: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        with_voters: bool | None = None,
        force: bool = False,
    ) -> pl.DataFrame | Prediction:
        """Label other reviews with the trained model and the voters of the run.

        Parameters
        ----------
        data, text_column, id_column, encoding, delimiter
            As for `label`.
        output, table : str, optional
            Where to write: a CSV, JSONL or Parquet file, ``-`` (standard output), or the URL and table of a database.
        with_voters : bool, optional
            Let voters and label model decide too: None (default) if they can, True or else fail.
        force : bool
            Predict rows again that the output has.

        Returns
        -------
        DataFrame
            A row for each usable review: the columns of the data as text, label, confidence and p_<class>.
        Prediction
            With `output`: what was written.

        Raises
        ------
        LabelerError
            If the run has no model, the data cannot be read, or the output cannot be written.
        """
        from ..models.predict import PredictJob, check_age, predict_reviews

        refuse_run_output("--output", output)
        directory = trained_run(self.path)
        check_age(directory)
        likely = load_config(directory.config).data.text_column if directory.config.exists() else None
        with tempfile.TemporaryDirectory(prefix="labeler-") as folder:
            file = Path(folder) / "predictions.parquet"
            job = PredictJob(
                data,
                directory.model,
                output or str(file),
                directory.predict_rejected,
                table=table,
                text_column=text_column,
                likely_text=likely,
                id_column=id_column,
                options=ReadOptions(encoding, delimiter),
                force=force,
                voters=lambda sample: open_voters(directory, with_voters, sample),
            )
            done = predict_reviews(job)
            return done if output is not None else pl.read_parquet(file)

    def sample(
        self,
        n: int = 100,
        *,
        strategy: str = "mixed",
        output: str | Path | None = None,
        format: str = "csv",  # noqa: A002 - the name users see
        seed: int = 0,
    ) -> Drawn:
        """Draw reviews to label by hand, never one of an earlier sample, and write them into a file.

        Parameters
        ----------
        n, seed : int
        strategy, format : str
            mixed, random, stratified, uncertain or disagreement; csv, label-studio or argilla.
        output : str or Path, optional
            A new file; by default in the folder ``samples`` of the run, whose labels `label` uses the next time.

        Returns
        -------
        Drawn
            The reviews are its `frame`, the written files its `files`.

        Raises
        ------
        LabelerError
            If there is nothing to draw, no such strategy or format, or the file exists.
        """
        from ..reports.sampling.sample import sample_run

        refuse_run_output("--output", output)
        with open_run(self._labelled.run.path) as directory:
            return sample_run(directory, self.task.task, output, n=n, strategy=strategy, seed=seed, format=format)

    def report(
        self, *, gold: TableSource = None, against: Sequence[str | Path] = (), task: TaskSource = None
    ) -> WrittenReport:
        """Score labels, voters and models on hand-labelled rows.

        Parameters
        ----------
        gold : as for `label`, optional
            By default the hand labels of the run.
        against : sequence of str or Path
            Other runs to compare with.
        task : str, Path or Task, optional
            Whose ``[report]`` section counts; by default ``labeler.toml`` here, or else the run's own.

        Returns
        -------
        WrittenReport
            `metrics`, and the path of `html`.

        Raises
        ------
        LabelerError
            If the labels or hand labels cannot be used.
        """
        from ..data.gold.hand_labels import labels_to_score_on
        from ..models.gold_predictions import gold_predictions
        from ..reports.evaluation.evaluate import ReportJob, build_report
        from ..reports.rendering.write import write_report

        path, made_with = self._labelled.run.path, self.task
        refuse_run_files(path, {"--gold": gold})
        settings = run_config(task, path).report
        with open_run(path) as directory:
            job = ReportJob(
                run=directory,
                label_model=made_with.label_model,
                settings=settings,
                predict=gold_predictions,
                gold=labels_to_score_on(directory, made_with.task.label_space, gold),
                against=tuple(existing_run(other, needs="labels.parquet") for other in against),
            )
            return write_report(build_report(job), directory, settings)

    def suggest(self, n: int = 10) -> Advice:
        """Suggest up to `n` keywords a class that no rule covers yet, and find rules that do more harm than good.

        Raises
        ------
        LabelerError
            If the labels or rules of the run cannot be used.
        """
        from ..reports.suggest import advise

        directory, task = self._labelled.run, self.task
        return advise(directory, task.task, task.voters, task.label_model, most=n)
