"""The hub path, for real: the hub's own client against a small server that also misbehaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.data.errors import ModelError
from labeler.models.loading.hub import is_hub_id
from labeler.models.loading.resolve import auto_model, resolve_model
from labeler.models.scoring.embedding_cache import load_encoder


def test_a_hub_model_is_fetched_and_embeds(hub: Any) -> None:
    ref = resolve_model("team/tiny")
    assert (ref.source, ref.digest) == ("hub", hub.commit)
    vectors = load_encoder(ref).encode(["жақсы тауар", "нашар"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_a_fetched_model_is_used_without_asking_again(hub: Any) -> None:
    first = resolve_model("team/tiny")
    hub.requests.clear()
    hub.fail = 500
    assert resolve_model("team/tiny") == first
    assert hub.requests == []


def test_a_revision_can_be_named(hub: Any) -> None:
    assert resolve_model("team/tiny", revision=hub.commit).digest == hub.commit
    with pytest.raises(ModelError, match="no such revision"):
        resolve_model("team/tiny", revision="v9")


def test_an_unknown_repository_is_named(hub: Any) -> None:
    with pytest.raises(ModelError, match="no model team/nothing") as caught:
        resolve_model("team/nothing")
    assert "embedded" in caught.value.hint


def test_a_gated_repository_is_named(hub: Any) -> None:
    hub.gated = True
    with pytest.raises(ModelError, match="gated"):
        resolve_model("team/tiny")


@pytest.mark.parametrize(("status", "found"), [(401, "team/tiny"), (403, "refused"), (500, "500"), (503, "503")])
def test_a_refusing_hub_is_an_error_at_once(hub: Any, status: int, found: str) -> None:
    hub.fail = status
    with pytest.raises(ModelError, match=found):
        resolve_model("team/tiny")
    assert len(hub.requests) == 1


def test_a_silent_hub_is_asked_once(hub: Any) -> None:
    hub.silent = True
    with pytest.raises(ModelError, match="cannot be reached"):
        resolve_model("team/tiny")
    assert len(hub.requests) == 1


def test_an_absent_hub_is_noticed_at_once(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        resolve_model("team/tiny")
    assert "--models embedded" in caught.value.hint
    assert "--backbone embedded" in caught.value.hint


@pytest.mark.parametrize(("typo", "meant"), [("embeded", "embedded"), ("atuo", "auto")])
def test_a_misspelt_name_is_not_looked_for_on_the_hub(hub: Any, typo: str, meant: str) -> None:
    with pytest.raises(ModelError, match=f"no model '{typo}'") as caught:
        resolve_model(typo)
    assert meant in caught.value.hint
    assert not hub.requests


def test_offline_mode_asks_nobody(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        resolve_model("team/tiny")
    assert hub.requests == []


def test_a_short_break_is_resumed(hub: Any) -> None:
    hub.breaks = 1
    assert resolve_model("team/tiny").digest == hub.commit
    assert load_encoder(resolve_model("team/tiny")).encode(["а"]).shape == (1, 32)


def test_a_hopeless_connection_ends_and_a_later_call_succeeds(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
    monkeypatch.setattr("labeler.models.loading.hub._MAX_WASTE", 1)
    hub.breaks, hub.ranges = 1000, False  # the client would fetch the first half for ever
    with pytest.raises(ModelError, match="again and again"):
        resolve_model("team/tiny")
    hub.breaks = 0
    hub.fail = 500  # what the broken download left must not pass for a model
    with pytest.raises(ModelError, match="500"):
        resolve_model("team/tiny")
    hub.fail = 0
    assert load_encoder(resolve_model("team/tiny")).encode(["а"]).shape == (1, 32)


def test_pickled_weights_are_refused(hub: Any, bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(bert, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    hub.repositories = {"team/pickled": folder}
    with pytest.raises(ModelError, match=r"only as pickles \(pytorch_model.bin\)"):
        resolve_model("team/pickled")


def test_a_copy_by_another_tool_serves_when_the_hub_is_away(hub: Any) -> None:
    ref = resolve_model("team/tiny")
    refs = ref.path.parents[1] / "refs"
    refs.mkdir(exist_ok=True)
    (refs / "main").write_text(hub.commit)
    shutil.rmtree(Path(os.environ["LABELER_CACHE"]) / "hub")  # without our record: as if another tool had fetched it
    hub.fail = 500
    assert resolve_model("team/tiny").path == ref.path


def test_auto_takes_the_mission_model_when_the_hub_has_it(hub: Any) -> None:
    ref = auto_model("team/tiny")
    assert (ref.source, ref.name) == ("hub", "team/tiny")
    assert "fetched" in ref.reason
    assert "local cache" in auto_model("team/tiny").reason


def test_auto_falls_back_to_embedded_and_says_why(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.models.loading.resolve.embedded_folder", lambda: Path("converted"))
    hub.fail = 500
    ref = auto_model("team/tiny")
    assert ref.source == "embedded"
    assert "team/tiny" in ref.reason
    assert "500" in ref.reason


def test_auto_without_a_connection_says_nothing_that_reads_like_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.models.loading.resolve.embedded_folder", lambda: Path("converted"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    description = auto_model("team/tiny").description
    assert description == "multilingual-e5-small (built in; team/tiny needs a connection to the hub)"


def test_the_endpoint_comes_from_the_environment(hub: Any, tmp_path: Path) -> None:
    code = "from labeler.models.loading.resolve import resolve_model\nprint(resolve_model('team/tiny').digest, end='')"
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == hub.commit


@pytest.mark.parametrize("name", ["a", "owner/name", "kz-transformers/kaz-roberta-conversational"])
def test_hub_ids_are_recognised(name: str) -> None:
    assert is_hub_id(name)


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "/abs/path", "./rel", "a b"])
def test_other_names_are_not_hub_ids(name: str) -> None:
    assert not is_hub_id(name)
