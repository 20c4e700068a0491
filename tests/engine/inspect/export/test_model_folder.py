"""An exported folder is opened by timm, and taken by a server that speaks the hub's protocol."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import yaml
from helpers.runs import untrained_run, write_recipe

from ssltoolbox import load_backbone
from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.cli.main import run as command
from ssltoolbox.engine.inspect.export import export
from ssltoolbox.engine.inspect.export.hub import push


def run_of(folder: Path, network: str) -> Path:
    recipe = write_recipe(folder, ("{name: test_byobnet}", network))
    return untrained_run(recipe, folder / "run", seed=1)


@pytest.mark.parametrize("network", ["{name: test_byobnet}", "{name: test_vit, options: {depth: 1}}"])
def test_timm_opens_the_folder(network: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, network)
    done = export(run, tmp_path / "mine")
    assert {file.name for file in done.output.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    model = timm.create_model(f"local-dir:{done.output}", pretrained=True).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(images), load_backbone(run)(images))
    assert list(timm.data.resolve_data_config(model=model)["input_size"]) == [3, 32, 32]


def test_its_card_is_the_hubs(tmp_path: Path) -> None:
    done = export(run_of(tmp_path, "{name: test_byobnet}"), tmp_path / "mine")
    text = done.card.read_text()
    assert yaml.safe_load(text.split("---")[1])["library_name"] == "timm"
    assert 'timm.create_model("local-dir:mine", pretrained=True)' in text
    assert "## Licences" in text


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    run = run_of(tmp_path, "{name: test_byobnet}")
    with pytest.raises(UserError, match="not empty"):
        export(run, run)
    export(run, tmp_path / "mine")
    export(run, tmp_path / "mine")


@pytest.mark.parametrize("change", ["stem: small", 'options: {global_pool: ""}'])
def test_a_network_that_timm_cannot_make_is_refused(change: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, f"{{name: resnet18, {change}}}")
    with pytest.raises(UserError, match="export a file"):
        export(run, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as an upload needs."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.path)
        if self.headers.get("Authorization") != "Bearer mine":
            self.answer(401, {"error": "who are you?"})
        elif self.path == "/api/repos/create":
            name = json.loads(body)["name"]
            self.answer(200, {"url": f"{self.server.address}/me/{name}"})
        elif self.path.endswith("/preupload/main"):
            files = [
                {"path": file["path"], "uploadMode": self.mode_of(file["path"]), "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self.answer(200, {"files": files})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**it, "actions": {"upload": {"href": f"{self.server.address}/storage/{it['oid']}"}}}
                for it in json.loads(body)["objects"]
            ]
            self.answer(200, {"transfer": "basic", "objects": objects})
        elif self.path.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    self.server.files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    self.server.files[value["path"]] = self.server.storage[value["oid"]]
            self.answer(200, {"commitUrl": f"{self.server.address}/me/mine/commit/1", "commitOid": "1"})
        else:
            self.answer(200, {"errors": [], "warnings": []})

    def do_PUT(self) -> None:
        """Takes a large file; its name is the digest of its content."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        assert hashlib.sha256(content).hexdigest() == Path(self.path).name
        self.server.storage[Path(self.path).name] = content
        self.answer(200, {})

    def mode_of(self, path: str) -> str:
        return "lfs" if self.server.large_files and path.endswith(".safetensors") else "regular"

    def answer(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.asked, server.files, server.storage, server.large_files = [], {}, {}, False
        server.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        # Otherwise large files go by the protocol of Xet, which is a binary library.
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True, raising=False)
        monkeypatch.setenv("HF_TOKEN", "mine")
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # in the client
@pytest.mark.parametrize("large_files", [False, True], ids=["in the commit", "by LFS"])
def test_push_uploads_the_folder(hub: ThreadingHTTPServer, tmp_path: Path, large_files: bool) -> None:
    hub.large_files = large_files
    run = run_of(tmp_path, "{name: test_byobnet}")
    assert push(run, "hf:me/mine") == f"{hub.address}/me/mine"
    assert hub.asked[0] == "/api/repos/create"
    assert hub.files.keys() == {"config.json", "model.safetensors", "README.md"}
    assert bool(hub.storage) == large_files
    for name, content in hub.files.items():
        (tmp_path / name).write_bytes(content)
    model = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    assert model.state_dict().keys() == load_backbone(run).state_dict().keys()


def test_a_hub_that_refuses_is_quoted(
    hub: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "theirs")
    with pytest.raises(SslToolboxError, match="hf auth login"):
        push(run_of(tmp_path, "{name: test_byobnet}"), "hf:me/mine")


def test_a_hub_that_does_not_answer(
    hub: ThreadingHTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the client raises, the message says what to do."""
    run = run_of(tmp_path, "{name: test_byobnet}")
    hub.shutdown()
    hub.server_close()
    assert command(["push", str(run), "hf:me/mine"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("can't upload to ")
    assert line.endswith("check the connection, and run the same command again")


def test_a_place_that_is_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("mine", "hf:", "hf:a/b/c"):
        assert command(["push", str(tmp_path), place]) == 2
        assert "hf:OWNER/NAME" in capsys.readouterr().err
