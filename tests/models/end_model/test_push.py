"""Pushing to a hub that is not there, does not want it, or takes it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from labeler.data.errors import ModelError
from labeler.models.end_model import push
from labeler.models.loading.hub import HubAwayError


class FakeApi:
    """Records the calls; `failures` maps a method's name to what it raises."""

    def __init__(self, failures: dict[str, BaseException]) -> None:
        self.failures = failures
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def _call(self, name: str, **options: Any) -> None:
        self.calls.append((name, options))
        if name in self.failures:
            raise self.failures[name]

    def whoami(self) -> dict[str, str]:
        self._call("whoami")
        return {"name": "team"}

    def create_repo(self, repo_id: str, **options: Any) -> str:
        self._call("create_repo", repo_id=repo_id, **options)
        return f"https://huggingface.co/{repo_id}"

    def upload_folder(self, **options: Any) -> None:
        self._call("upload_folder", **options)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    import huggingface_hub

    fake = FakeApi({})
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    return fake


def refusal(status: int) -> Exception:
    error = RuntimeError(f"{status} from the hub")
    error.response = type("Response", (), {"status_code": status})()  # type: ignore[attr-defined]
    return error


def test_a_folder_is_uploaded_once_the_repository_exists(api: FakeApi, tmp_path: Path) -> None:
    assert push.push_to_hub(tmp_path, "team/reviews") == "https://huggingface.co/team/reviews"
    assert [name for name, _ in api.calls] == ["whoami", "create_repo", "upload_folder"]
    assert api.calls[1][1] == {"repo_id": "team/reviews", "private": True, "exist_ok": True}
    assert api.calls[2][1]["folder_path"] == str(tmp_path)


def test_without_a_token_it_says_how_to_log_in(api: FakeApi, tmp_path: Path) -> None:
    from huggingface_hub.errors import LocalTokenNotFoundError

    api.failures["whoami"] = LocalTokenNotFoundError("no token")
    with pytest.raises(ModelError, match="no hub token") as caught:
        push.push_to_hub(tmp_path, "team/reviews")
    assert "hf auth login" in caught.value.hint


@pytest.mark.parametrize(
    ("method", "error", "kind", "message"),
    [
        ("create_repo", refusal(403), ModelError, r"token write team/reviews \(403\)"),
        ("whoami", refusal(401), ModelError, "401"),
        ("create_repo", refusal(409), ModelError, "answered 409"),
        ("upload_folder", refusal(500), HubAwayError, "cannot be reached"),
        ("whoami", ConnectionError("no route"), HubAwayError, "no route"),
    ],
)
def test_refusals_are_explained(
    method: str, error: Exception, kind: type[ModelError], message: str, api: FakeApi, tmp_path: Path
) -> None:
    api.failures[method] = error
    with pytest.raises(kind, match=message):
        push.push_to_hub(tmp_path, "team/reviews")


def test_a_silent_hub_is_noticed_soon(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "PROBE_SECONDS", 0.1)
    answers: list[bool] = []
    monkeypatch.setattr(api, "whoami", lambda: answers.append(threading.Event().wait(20)))
    with pytest.raises(HubAwayError, match="cannot be reached"):
        push.push_to_hub(tmp_path, "team/reviews")
    assert answers == []  # it did not wait for one


@pytest.mark.parametrize("name", ["reviews", "a/b/c", "team/../x", ""])
def test_a_wrong_name_is_refused_before_anything_is_asked(name: str, api: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not the name of a hub repository"):
        push.push_to_hub(tmp_path, name)
    assert api.calls == []
