"""What an end model says of hand-labelled rows; kept in the run, since it is slow to ask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.digests import file_digest
from ..data.progress import progress
from ..data.runs.directory import RunDirectory
from ..data.runs.manifest import StageDetails, stage_key
from ..data.runs.names import safe_file_name
from ..data.types.corpus import digest_series
from ..data.types.label_space import LabelSpace
from ..data.writing.atomic import write_parquet


def gold_predictions(
    run: RunDirectory, folder: Path, name: str, texts: pl.Series
) -> tuple[npt.NDArray[np.float32], LabelSpace]:
    """Predict the classes of texts, or read what was predicted for the same texts by the same model.

    Parameters
    ----------
    run : RunDirectory
        Held by the caller (`open_run`).
    folder : Path
        Of the end model.
    name : str
        Of the end model.
    texts : Series of String, length g

    Returns
    -------
    ndarray of float32, shape (g, k), and LabelSpace
        Class probabilities, and the model's classes.

    Raises
    ------
    ModelError
        If the model cannot be opened.
    RunError
        If the predictions cannot be written.
    """
    file, stage = run.predictions / f"{safe_file_name(name)}.parquet", f"predictions/{name}"
    key = stage_key(model=file_digest(folder).digest, texts=digest_series(texts))
    if run.stage_is_current(stage, key):
        frame = pl.read_parquet(file)
        return frame.to_numpy(), LabelSpace(tuple(frame.columns))
    from .end_model.load import load_end_model

    model = load_end_model(folder)
    with progress(f"Asking {name}", total=len(texts)) as advance:
        probs = model.predict_proba(texts.to_list(), progress=advance)
    file.parent.mkdir(exist_ok=True)
    write_parquet(file, pl.DataFrame(probs, schema=list(model.labels.names)))
    run.record_stage(stage, key, outputs=(file,), details=StageDetails(rows={"gold": len(texts)}))
    return probs, model.labels
