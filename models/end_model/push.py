"""Putting an end model on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from ...data.errors import ModelError
from ..loading.hub import PROBE_SECONDS, HubAwayError, is_hub_id, within

_LOGIN = "Log in with `hf auth login`, or set HF_TOKEN, with a token that may write."


def push_to_hub(folder: Path, repo_id: str, *, private: bool = True) -> str:
    """Upload a model folder, creating its repository if need be.

    Parameters
    ----------
    folder : Path
        As `TextClassifier.save` wrote it, with its README.
    repo_id : str
        ``owner/name``.
    private : bool
        Whether a new repository is private; an existing one stays as it is.

    Returns
    -------
    str
        Address of the model's page.

    Raises
    ------
    ModelError
        If there is no token, it may not write, or the hub is away (noticed within seconds).
    """
    from huggingface_hub import HfApi, errors

    if not is_hub_id(repo_id) or repo_id.count("/") != 1:
        raise ModelError(f"'{repo_id}' is not the name of a hub repository.", hint="Use the form owner/name.")
    api = HfApi()
    try:
        within(PROBE_SECONDS, api.whoami)  # the other calls would wait and retry for minutes
        url = str(api.create_repo(repo_id, private=private, exist_ok=True))
        api.upload_folder(repo_id=repo_id, folder_path=str(folder), commit_message="Add model")
    except errors.LocalTokenNotFoundError as error:
        raise ModelError(f"{repo_id} cannot be written: there is no hub token on this machine.", hint=_LOGIN) from error
    except Exception as error:  # the hub's client raises errors of its HTTP library, which differs by version
        raise _explain(repo_id, error) from error
    return url


def _explain(repo_id: str, error: Exception) -> ModelError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return ModelError(f"The hub does not let this token write {repo_id} ({status}).", hint=_LOGIN)
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if status is not None and status < 500:
        return ModelError(f"The hub answered {status} for {repo_id}: {reason}")
    return HubAwayError(
        f"{repo_id} cannot be written: the hub cannot be reached ({reason}).",
        hint="The model is complete on this machine; push it again later.",
    )
