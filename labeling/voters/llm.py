"""Let a language model answer for the rows that the other voters leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ...data.types.corpus import Corpus
from ...data.types.label_space import LabelSpace
from ...data.types.votes import Votes
from ...models.chat.asking import Asked, ask_about
from ...models.chat.endpoint import Endpoint, check_key_variable, resolve_base_url
from ...models.chat.prompt import Prompt
from .shared.options import Confidence, Count

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=0.5)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class LlmVoter:
    """Ask a language model behind an OpenAI-compatible server, only about the rows the other voters leave open.

    All other voters vote first and the label model combines them. The model is then asked about rows that are
    without a vote, tied, in conflict or labelled with little confidence, the most doubtful and most frequent texts
    first, within a budget. Its reliability is estimated, and its answers are weighed by it; all other rows keep their
    labels. Review texts leave this machine for the server. Answers are cached, and nothing is asked twice. Texts
    are sent as data in a fenced field; those of one request could still mislead the model about one another: batch
    = 1 parts them.

    Parameters
    ----------
    labels : LabelSpace
    descriptions : Mapping[str, str]
        Class name -> what the model is told about it.
    model : str
        The model's name on the server.
    base_url : str
        Address of the server, such as "http://localhost:8000/v1"; by default OPENAI_BASE_URL, else OpenAI's.
    key_variable : str
        Environment variable that holds the key.
    budget_rows : int
        Maximum number of texts to ask about, cached answers included; 0 leaves the voter out. `--llm-budget` overrides
        it.
    budget_tokens : int, optional
        Maximum number of tokens the answers may cost, cached ones included.
    below : float
        Rows labelled with less confidence are asked about.
    audit : float
        Share of the texts that are asked about although the others agree, to learn how good the answers are.
    batch : int
        Texts in a request.
    concurrency : int
        Requests at a time.
    timeout : float
        Seconds one request may take.
    retries : int
        Further tries where the server is busy, failing or gone.
    max_characters : int
        Longer texts are cut.
    answer_tokens : int
        Maximum number of tokens of one answer; reasoning models need more.
    price_per_million : tuple[float, float], optional
        Price of a million prompt and answer tokens, to show what was spent.
    """

    needs: ClassVar = ("descriptions",)
    on_demand: ClassVar = True

    labels: LabelSpace
    descriptions: Mapping[str, str]
    model: str
    base_url: str = ""
    key_variable: str = "OPENAI_API_KEY"
    budget_rows: Count = 500
    budget_tokens: Positive | None = None
    below: Confidence = 0.7
    audit: Share = 0.1
    batch: Positive = 8
    concurrency: Positive = 4
    timeout: Seconds = 60.0
    retries: Count = 4
    max_characters: Positive = 2000
    answer_tokens: Positive = 1024
    price_per_million: tuple[Price, Price] | None = None

    def __post_init__(self) -> None:
        check_key_variable(self.key_variable)
        object.__setattr__(self, "base_url", resolve_base_url(self.base_url))

    @property
    def endpoint(self) -> Endpoint:
        """Where the model is asked."""
        return Endpoint(self.model, self.base_url, self.key_variable, self.timeout, self.retries, self.answer_tokens)

    def ask(self, texts: Sequence[str]) -> Asked:
        """Ask about distinct texts, the most important first.

        Raises
        ------
        ModelError
            If the server cannot be asked; all answers so far are kept.
        """
        prompt = Prompt(self.labels.names, self.descriptions, self.max_characters)
        return ask_about(texts, self.endpoint, prompt, self.batch, self.concurrency, self.budget_tokens)

    def votes(self, asked: Asked) -> Votes:
        """Turn answers into votes, -1 where there is none."""
        return Votes.from_scores(self.labels.encode(answer.label for answer in asked.answers))

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Price of tokens, None where no prices are given."""
        if self.price_per_million is None:
            return None
        return float(np.dot(self.price_per_million, (prompt_tokens, completion_tokens))) / 1e6

    def vote(self, corpus: Corpus) -> Votes:
        """Ask about every text within the budget, the most frequent first; in a run only about hard rows.

        Raises
        ------
        ModelError
            If the server cannot be asked.
        """
        texts = corpus.unique
        chosen = np.argsort(-texts.counts, kind="stable")[: self.budget_rows]
        votes = self.votes(self.ask(texts.texts.gather(chosen).to_list()))
        return votes.scatter(chosen, len(texts)).take(texts.inverse)
