"""The command: what it writes, where, and what it refuses."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lightning_app.commands.disentangle import main
from lightning_app.commands.report import report
from lightning_app.report.page import GENERATOR
from lightning_app.runs.run_folder import RunFolder
from tests.lightning_app.report.conftest import FEW

FEW_OPTIONS = [f"--{name}={value}" for name, value in FEW.items()]


class _Page(HTMLParser):
    """The elements of a page, with its text."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.headings, self._texts = [], [], []
        self._heading = False
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._heading = tag in ("h2", "h3")

    def handle_endtag(self, tag):
        self._heading = False

    def handle_data(self, data):
        self._texts.append(data)
        if self._heading and data.strip():
            self.headings.append(" ".join(data.split()))

    def all(self, attribute):
        return [attributes for _, attributes in self.elements if attribute in attributes]


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["report", *map(str, arguments)])
    assert exit_.value.code in (1, 2)
    message = capsys.readouterr().err
    assert "error: " in message
    assert "Traceback" not in message
    return message


@pytest.fixture
def run(tmp_path, swap_runs):
    """A copy of a run, to be changed."""
    return Path(shutil.copytree(swap_runs[0], tmp_path / "mine"))


def test_each_run_has_what_its_model_can_do_and_the_page_says_what_it_cannot(page):
    read = _Page(page)

    assert read.headings == [
        *("What was run", "Scores"),
        *("seed0", "Every source as every instrument", "Map of the global latent v"),
        "Pairs, and all that the model makes of them",
        *("ar_vae", "Map of the posterior means of the regularised dimensions", "Regularised dimensions, moved"),
        "Curves",
    ]
    assert "DSAE has no regularised dimensions here, so that there are no traversals" in read.text
    assert "BetaVAE has no global and local latents to swap, so that there is no audio matrix" in read.text


def test_every_sound_that_is_named_is_there_and_none_is_there_in_vain(page):
    named = {element["data-sound"] for element in _Page(page).all("data-sound")}
    kept = json.loads(re.search(r'id="sounds">(.*?)</script>', page.read_text()).group(1))

    assert named == set(kept)
    assert all(sound.startswith("data:audio/mpeg;base64,") for sound in kept.values())


def test_matrix_has_every_source_on_every_instrument_and_true_swaps_where_the_instrument_differs(page):
    titles = [element["data-title"] for element in _Page(page).all("data-title")]

    sources = [title.removeprefix("source ") for title in titles if title.startswith("source ")]
    assert [source.split(",")[0] for source in sources] == ["violin", "trumpet"]
    for source in sources:
        assert [f"{source}, swapped to {to}" in titles for to in ("violin", "trumpet")] == [True, True]
        other = "trumpet" if source.startswith("violin") else "violin"
        assert [title for title in titles if title.startswith(f"true swap: {source}")] == [
            f"true swap: {source} as {other}"
        ]


def test_terms_are_drawn_with_the_change_of_stage_and_scores_are_labelled(page):
    read = _Page(page)

    described = [element["aria-label"] for tag, element in read.elements if element.get("role") == "img"]
    # KL of z is of the second stage alone, from epoch 2 on.
    kl_z = next(line for line in described if line.startswith("kl z"))
    assert kl_z.startswith("kl z over epochs 2 to 3: seed0, training from ")
    assert "the second stage begins" in read.text
    assert "macro F1 after the global swap (the target's instrument)" in read.text
    assert "DMIG, brightness" in read.text


def test_same_runs_give_the_same_page(page, swap_runs, vae_run, tmp_path):
    report([swap_runs[0], vae_run], tmp_path / "again.html", **FEW)

    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_page_names_nothing_outside_itself(page):
    for tag, attributes in _Page(page).elements:
        for name in ("src", "href", "action", "srcset", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert "url(" not in page.read_text()


def test_runs_that_differ_in_their_seed_share_a_column_and_the_page_lies_beside_them(swap_runs, capsys):
    main(["report", *map(str, swap_runs), *FEW_OPTIONS])

    path = swap_runs[0].parent / "report.html"
    assert f"Wrote {path} (" in capsys.readouterr().out
    text = _Page(path).text
    assert "seed0, seed1 2 seeds, 8 clips" in text
    assert "Settings that differ seed_everything 0 1" in text


def test_run_that_is_not_evaluated_has_a_page_that_says_how(run, capsys):
    RunFolder(run).evaluation.unlink()
    RunFolder(run).report.write_text(f"<!doctype html>{GENERATOR}")  # a report may be replaced

    main(["report", str(run), *FEW_OPTIONS, "--factor", "arp_chord1"])

    assert f"Wrote {run / 'report.html'}" in capsys.readouterr().out
    read = _Page(run / "report.html")
    assert f"mine is not evaluated yet: disentangle test --run {run} scores it." in read.text
    assert "Every source as every arp_chord1" in read.headings
    RunFolder(run).clear()
    assert not RunFolder(run).report.exists()


def test_names_are_text_and_no_markup(run, tmp_path):
    named = run.rename(tmp_path / '<script>alert("1")&')

    report([named], tmp_path / "page.html", **FEW)

    assert "<script>alert" not in (tmp_path / "page.html").read_text()
    assert '<script>alert("1")&' in _Page(tmp_path / "page.html").text


# What is refused


def test_no_run(capsys):
    assert "this needs RUNS" in fails(capsys)


def test_folder_that_is_not_there(capsys, tmp_path):
    assert f"no folder {tmp_path / 'nowhere'}" in fails(capsys, tmp_path / "nowhere")


def test_run_without_a_checkpoint(capsys, run):
    shutil.rmtree(run / "checkpoints")

    message = fails(capsys, run)

    assert f"{run} has no checkpoints/best.ckpt" in message
    assert f"disentangle fit --run {run} --ckpt_path last" in message


def test_record_of_an_evaluation_that_cannot_be_read(capsys, run):
    RunFolder(run).evaluation.write_text("{}")

    message = fails(capsys, run)

    assert "evaluation.json is not a record of this version" in message
    assert f"disentangle test --run {run}" in message


def test_second_run_is_checked_before_the_first_is_opened(capsys, run, tmp_path):
    (run / "checkpoints" / "best.ckpt").write_bytes(b"not whole")

    assert "no folder" in fails(capsys, run, tmp_path / "nowhere")


def test_run_named_twice(capsys, run):
    assert f"{run} is named twice" in fails(capsys, run, run)


def test_page_that_is_a_folder(capsys, run, tmp_path):
    assert f"{tmp_path} is a folder; name a file in it" in fails(capsys, run, "--out", tmp_path)


def test_page_that_is_something_else(capsys, run, tmp_path):
    (tmp_path / "thesis.html").write_text("<html>years of work</html>")

    assert "thesis.html is no report and is not replaced" in fails(capsys, run, "--out", tmp_path / "thesis.html")
    assert (tmp_path / "thesis.html").read_text() == "<html>years of work</html>"


def test_class_that_no_run_has(capsys, run):
    message = fails(capsys, run, "--factor", "instrumnt")

    assert "no run has a class 'instrumnt' of two or more values to swap by; there are instrument, " in message
    assert "Did you mean instrument?" in message
    assert not RunFolder(run).report.exists()


def test_number_of_clips_below_one(capsys, run):
    assert "sources" in fails(capsys, run, "--sources", "0")
