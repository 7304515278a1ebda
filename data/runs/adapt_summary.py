"""The numbers of an adapted model."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AdaptSummary:
    """The numbers of one adapted model, kept in its ``adaptation.json``.

    Parameters
    ----------
    backbone, source, digest : str
        The model it began with: its name, ``embedded``, ``folder`` or ``hub``, and its content.
    mode : str
        lora or full.
    data : dict of str to str
        Name of the input file and digest of its distinct texts; no text.
    texts : dict of str to int
        Reviews read, distinct ones, those trained on, and held out.
    tokens : dict of str to int
        Tokens masked in the held-out texts; those of the vocabulary that the others have, and all of them.
    settings : dict of str to float
        epochs, learning_rate, head_learning_rate (of a new head), batch_size, seed, max_length.
    new_head : bool
        Whether the masked-language-model head began at random.
    trained_parameters, total_parameters : int
        Weights that were trained, and all of them.
    loss : float
        Mean training loss: cross-entropy of a masked token.
    before, after : dict of str to float
        ``loss``, the mean cross-entropy of the masked tokens of the held-out texts over the whole vocabulary, and its
        exponential ``pseudo_perplexity``; the same tokens are masked before and after.
    key : str
        Digest of all that the result depends on.
    files : dict of str to str
        Digests of the other files in the folder, by name.
    folder : str
        Where the model is; not kept.
    seconds, texts_per_second : float
        Of training in this call, 0 if the model was there already; not kept: equal models have equal files.
    """

    backbone: str
    source: str
    digest: str
    mode: str
    data: dict[str, str]
    texts: dict[str, int]
    tokens: dict[str, int]
    settings: dict[str, float]
    new_head: bool
    trained_parameters: int
    total_parameters: int
    loss: float
    before: dict[str, float]
    after: dict[str, float]
    key: str
    files: dict[str, str] = field(default_factory=dict)
    folder: str = ""
    seconds: float = 0.0
    texts_per_second: float = 0.0
