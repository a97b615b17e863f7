"""What an evaluation cannot measure is told by the commands before any work, with the option that leaves it out."""

import re
import shutil

import pytest

from lightning_app.commands.disentangle import main

UNKNOWN_CLASS = (
    ["--evaluation.with_v", "[tempo]"],
    r"evaluation.with_v names tempo, and these data have the classes instrument, .*; --evaluation.with_v \[\] names",
)
OTHER_MODEL = (
    ["--evaluation", "lightning_app.callbacks.LatentEvaluation", "--evaluation.control_clips", "5"],
    r"DSAE has no attribute_names, .*; leave it out with --evaluation null",
)
OF_A_FIT = {
    "with_v": UNKNOWN_CLASS,
    "control_clips": OTHER_MODEL,
    "mixture": (
        ["--evaluation.judge", "true"],
        r"evaluation.mixture_components is 10; .* half of the 6 training clips. --evaluation.judge false leaves",
    ),
    "no components": (
        ["--evaluation.judge", "true", "--evaluation.mixture_components", "0"],
        r"evaluation.mixture_components is 0; it must be 1 or more.* --evaluation.judge false leaves",
    ),
    "one class": (
        ["--evaluation.judge", "true", "--data.instruments", "[violin]"],
        r"this data has one instrument, violin; .* leave it out with --evaluation null",
    ),
    "one clip a class": (
        ["--evaluation.leakage", "true"],
        r"the 2 clips that are evaluated have none of them; take more clips. --evaluation.leakage false leaves",
    ),
    "no clip": (
        ["--evaluation.counterfactuals", "0"],
        r"evaluation.counterfactuals is 0; it is a number of clips, 1 or more, or null for none",
    ),
}
OF_A_TEST = {
    "with_v": UNKNOWN_CLASS,
    "control_clips": OTHER_MODEL,
    "mixture": (
        ["--evaluation.judge", "true", "--evaluation.mixture_components", "13"],
        r"evaluation.mixture_components is 13; .* half of the 24 training clips. --evaluation.judge false leaves",
    ),
}


@pytest.fixture
def refused(capsys):
    """Runs what should be refused; returns the message."""

    def run(call, code=1):
        with pytest.raises(SystemExit) as exit_:
            call()
        assert exit_.value.code == code
        err = capsys.readouterr().err
        (message,) = [line for line in err.splitlines() if line.startswith("error: ")]
        return message

    return run


@pytest.mark.parametrize(("options", "message"), OF_A_FIT.values(), ids=OF_A_FIT)
def test_before_training(disentangle, tmp_path, refused, options, message):
    assert re.search(message, refused(lambda: disentangle("fit", *options)))

    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize(("options", "message"), OF_A_TEST.values(), ids=OF_A_TEST)
def test_before_a_test(two_octave_run, tmp_path, refused, options, message):
    run = shutil.copytree(two_octave_run, tmp_path / "run")

    assert re.search(message, refused(lambda: main(["test", "--run", str(run), *options])))

    assert not (run / "evaluation.json").exists()


def test_true_swaps_of_recordings(tmp_path, sound_file, refused):
    for name in ("horn/a.wav", "horn/b.wav", "viola/a.wav", "viola/b.wav"):
        sound_file(f"music/{name}", 4.0, frequency=220.0 + 20.0 * len(list(tmp_path.rglob("*.wav"))))
    options = [
        *["--trainer.default_root_dir", str(tmp_path / "run"), "--trainer.accelerator", "cpu"],
        *["--data", "audio_folder", "--data.root", str(tmp_path / "music"), "--trainer.logger", "false"],
    ]

    message = refused(lambda: main(["fit", "-c", "ts_dsae", *options, "--evaluation.counterfactuals", "5"]))

    assert "these data cannot make any, as they do not render their clips" in message
    assert message.endswith("--evaluation.counterfactuals null leaves them out.")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_option_of_another_evaluation(disentangle, refused):
    message = refused(lambda: disentangle("fit", "--evaluation.control_clips", "5"), code=2)

    assert "there is no option --evaluation.control_clips" in message
