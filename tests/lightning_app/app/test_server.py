"""The page's server, asked as a browser asks, and as others should not."""

import json
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from lightning_app.app.server import make_server
from lightning_app.commands.disentangle import main
from lightning_app.errors import RunError


def ask(address, body=None, **headers):
    with urlopen(Request(address, data=body, headers=headers), timeout=60) as answer:
        return answer.read(), answer.headers


def refused(address, body=None, **headers):
    with pytest.raises(HTTPError) as error:
        ask(address, body, **headers)
    with error.value:
        return error.value.code, json.loads(error.value.read())["error"]


def test_page_loads_nothing_from_elsewhere(served):
    page, headers = ask(f"{served}/")

    assert b"<title>two octaves" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for name in ("app.js", "app.css"):
        content, _ = ask(f"{served}/{name}")
        assert content
        assert b"http" not in content


def test_sound_is_added_and_heard(served, two_notes):
    added = json.loads(ask(f"{served}/sounds?name={quote(two_notes.name)}", two_notes.read_bytes())[0])
    shelf = json.loads(ask(f"{served}/shelf")[0])

    (tile,) = added["shelf"]
    assert tile["title"] == two_notes.name
    assert added["sounds"][tile["sound"]].startswith("data:audio/mpeg;base64,")
    number = len(shelf["shelf"]) - 1
    assert shelf["shelf"][number] == tile
    asked = json.dumps({"source": number, "target": 0}).encode()
    (row,) = json.loads(ask(f"{served}/hear", asked)[0])["rows"]
    assert [tile["picture"][:16] for tile in row["tiles"]] == ["data:image/webp;"] * 3


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/sounds?name=a.wav", b"only words", 400, "a.wav is no audio"),
        ("/hear", b"only words", 400, 'give {"source": NUMBER'),
        ("/hear", b'{"source": "x"}', 400, 'give {"source": NUMBER'),
        ("/hear", b"[]", 400, 'give {"source": NUMBER'),
        ("/hear", b'{"source": 10000}', 400, "there is no sound 10000"),
        ("/../../etc/passwd", None, 404, "there is no"),
        ("/app.js", b"x", 404, "there is no"),
    ],
)
def test_mistakes(served, path, body, status, message):
    code, error = refused(served + path, body)

    assert code == status
    assert message in error


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "127.0.0.1:1"}],
)
def test_page_from_elsewhere_is_refused(served, headers):
    assert refused(f"{served}/shelf", None, **headers)[0] == 403
    assert refused(f"{served}/sounds", b"RIFF", **headers)[0] == 403


def test_too_large_a_sound_is_refused_before_it_is_read(served):
    code, error = refused(f"{served}/sounds", b"x", **{"Content-Length": str(2**30)})

    assert (code, error) == (400, "that is 1024 MB; give a sound of 100 MB or less.")


def test_server_is_for_this_machine_alone(swap_studio):
    with make_server(swap_studio, 0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_port_that_is_taken(swap_studio):
    with make_server(swap_studio, 0) as server, pytest.raises(RunError, match=r"cannot be had .*--port 0"):
        make_server(swap_studio, server.server_port)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["nowhere"], 1, "no folder nowhere"),
        ([], 2, "this needs RUN."),
        (["a", "--clips", "0"], 2, "--clips takes a number that is more than 0, not 0."),
    ],
)
def test_command_with_mistakes(capsys, words, status, message):
    with pytest.raises(SystemExit) as exit_:
        main(["app", *words])

    assert exit_.value.code == status
    assert message in capsys.readouterr().err
