"""What this machine has written is known by its signature."""

import stat
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
import yaml

from lightning_app.errors import RunError
from lightning_app.runs.signature import is_signed_here, signed

ROOT = Path(__file__).parents[3]


@pytest.fixture
def key(tmp_path, monkeypatch):
    """Where the key of a new user is kept."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return Path(platformdirs.user_config_dir("disentangle")) / "key"


@pytest.fixture
def record(tmp_path, key):
    path = tmp_path / "config.yaml"
    path.write_text(signed("name: é\nz: 1\n"), encoding="utf-8")
    return path


def test_signed_text_says_what_it_said(record):
    assert yaml.safe_load(record.read_text(encoding="utf-8")) == {"name": "é", "z": 1}
    assert is_signed_here(record)


def test_any_change_is_noticed(record):
    text = record.read_text(encoding="utf-8")
    for changed in (
        text.replace("z: 1", "z: 2"),
        f"{text}more: 1\n",
        f"more: 1\n{text}",
        text[:-2],
        "name: é\nz: 1\n",
        "",
    ):
        record.write_text(changed, encoding="utf-8")
        assert not is_signed_here(record), changed


def test_copy_is_known_and_that_of_another_user_is_not(record, tmp_path, monkeypatch):
    copy = tmp_path / "elsewhere.yaml"
    copy.write_bytes(record.read_bytes())
    assert is_signed_here(copy)

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another"))
    assert not is_signed_here(record)
    assert not (tmp_path / "another").exists()  # looking makes no key
    signed("a\n")
    assert not is_signed_here(record)


def test_files_that_are_none(tmp_path, record):
    (tmp_path / "bytes").write_bytes(b"\xff\x00")

    assert not is_signed_here(tmp_path / "nowhere")
    assert not is_signed_here(tmp_path / "bytes")
    assert not is_signed_here(tmp_path)


def test_key_is_its_owners_alone(record, key):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in key.parent.iterdir()] == ["key"]


def test_processes_that_start_together_have_one_key(tmp_path, key):
    """None signs with a key that another's replaces."""
    code = "import sys; from lightning_app.runs.signature import signed; print(signed('a\\n'), end='')"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    written = {process.communicate()[0] for process in started}

    assert len(written) == 1
    assert written == {signed("a\n")}


def test_no_place_for_a_key(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))

    with pytest.raises(RunError, match=r"cannot keep a key in .*file.disentangle.key: "):
        signed("a\n")
