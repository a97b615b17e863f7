import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from datamodules import NSynthDataModule
from datamodules.errors import DataError
from datamodules.nsynth.index import FAMILIES, SOURCES, NSynthIndex
from datamodules.nsynth.notes import NoteFormat
from datamodules.nsynth.rendered import INSTRUMENTS, Note, RenderedNotes, render_nsynth, render_to
from datamodules.synthesis import fluidsynth, general_midi
from lightning_app.commands.disentangle import main
from modules.audio.representation import LogMagnitudePicture
from tests.processes import of_session, wait_until

ROOT = Path(__file__).parents[3]

RATE = 16_000
LEADS = RenderedNotes(families=("synth_lead",), pitches=(48, 60), velocities=(60, 110))
LEAD_NAMES = {
    f"synth_lead_synthetic_{number:03d}-{pitch:03d}-{velocity:03d}"
    for number in range(3)
    for pitch in (48, 60)
    for velocity in (60, 110)
}
SHORT = NoteFormat(n_samples=4000)


@pytest.fixture(scope="module")
def leads(tmp_path_factory):
    """Notes of full length, rendered by one process."""
    folder = tmp_path_factory.mktemp("leads")
    assert render_nsynth(folder, LEADS, NoteFormat(), fluidsynth.find_soundfont(), 1) == []
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the command line writes, with notes of its own choice."""
    folder = tmp_path_factory.mktemp("written") / "new" / "notes"
    notes = ["--notes.families=[synth_lead]", "--notes.pitches=[60]", "--notes.velocities=[60,110]", "--notes.seed=3"]
    main(["render-nsynth", "--destination", str(folder), *notes, "--n_workers=1"])
    return folder


def entries(folder: Path) -> dict[str, dict[str, object]]:
    return {
        name: entry
        for split in ("train", "valid")
        for name, entry in json.loads((folder / f"nsynth-{split}" / "examples.json").read_text()).items()
    }


def waves(folder: Path) -> dict[str, np.ndarray]:
    paths = sorted(folder.glob("nsynth-*/audio/*.wav"))
    return {path.stem: soundfile.read(path)[0] for path in paths}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def instruments(notes: list[Note]) -> set[tuple[str, str]]:
    return {(note.family, note.instrument) for note in notes}


def test_the_layout_is_nsynths(leads):
    assert {path.name for path in leads.iterdir()} == {"nsynth-train", "nsynth-valid"}
    names = set()
    for split in ("train", "valid"):
        folder = leads / f"nsynth-{split}"
        assert {path.name for path in folder.iterdir()} == {"audio", "examples.json"}
        listed = set(json.loads((folder / "examples.json").read_text()))
        assert {path.name for path in (folder / "audio").iterdir()} == {f"{name}.wav" for name in listed}
        assert len(listed) == {"train": 8, "valid": 4}[split]
        names |= listed
    assert names == LEAD_NAMES


def test_files_are_as_nsynths(leads):
    for path in leads.glob("nsynth-*/audio/*.wav"):
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate, info.channels, info.frames) == (
            *("WAV", "PCM_16", RATE, 1, 64_000),
        )


def test_entries_are_as_nsynths(leads):
    played = ("square_lead", "sawtooth_lead", "charang_lead")
    for name, entry in entries(leads).items():
        number, pitch, velocity = (int(part) for part in name.removeprefix("synth_lead_synthetic_").split("-"))
        assert entry == {
            "note_str": name,
            "instrument_str": f"synth_lead_synthetic_{number:03d}",
            "instrument_family": 9,
            "instrument_family_str": "synth_lead",
            "instrument_source": 2,
            "instrument_source_str": "synthetic",
            "pitch": pitch,
            "velocity": velocity,
            "sample_rate": RATE,
            "general_midi": played[number],
        }


def test_the_index_reads_them(leads):
    index = NSynthIndex.read(leads / "nsynth-train")
    assert set(index.family.tolist()) == {9}
    assert set(index.source.tolist()) == {2}
    assert sorted(zip(index.pitch.tolist(), index.velocity.tolist(), strict=True)) == sorted(
        [(48, 60), (48, 110), (60, 60), (60, 110)] * 2
    )


def test_the_strongest_frequency_of_a_note_is_its_pitch(leads, strongest_frequency):
    heard = waves(leads)
    assert len(heard) == 12
    for name, wave in heard.items():
        pitch = int(name.split("-")[1])
        frequency = strongest_frequency(wave[RATE // 2 : 5 * RATE // 2], RATE)
        assert abs(69 + 12 * math.log2(frequency / 440) - pitch) < 0.1, name


def test_a_note_is_held_for_three_of_four_seconds(leads):
    wave = waves(leads)["synth_lead_synthetic_001-060-110"]
    held = fluidsynth.render(
        np.array([60]),
        general_midi.program("sawtooth_lead"),
        **{"soundfont": fluidsynth.find_soundfont(), "sample_rate": RATE, "n_samples": 64_000, "velocity": 110},
    )
    apart = np.abs(wave * (held[:40_000] @ held[:40_000]) / (wave[:40_000] @ held[:40_000]) - held)
    assert apart[:47_990].max() < 1e-4
    assert apart[48_000:48_800].max() > 0.1


def test_a_note_ends_within_its_last_second(leads):
    for name, wave in waves(leads).items():
        level = np.sqrt((wave.reshape(40, -1) ** 2).mean(axis=1))  # of each tenth of a second
        assert level[20:30].max() > 0.25 * level.max(), name
        assert level[33:].max() < 0.01 * level.max(), name


def test_each_note_is_divided_by_its_peak(leads):
    for name, wave in waves(leads).items():
        assert np.abs(wave).max() == pytest.approx(1, abs=2**-15), name


def test_the_velocity_changes_the_sound(leads):
    heard = waves(leads)
    for number in (0, 1):  # square and sawtooth; the third sounds the same at any velocity, but for its level
        for pitch in ("048", "060"):
            soft, loud = (heard[f"synth_lead_synthetic_{number:03d}-{pitch}-{v}"] for v in ("060", "110"))
            spectra = [np.abs(np.fft.rfft(wave[: 3 * RATE])) for wave in (soft, loud)]
            centres = [(spectrum * np.arange(len(spectrum))).sum() / spectrum.sum() for spectrum in spectra]
            assert centres[1] > 1.1 * centres[0]


def test_a_note_is_what_the_soundfonts_instrument_plays(leads):
    wave = fluidsynth.render(
        np.array([60, -1]),
        general_midi.program("sawtooth_lead"),
        soundfont=fluidsynth.find_soundfont(),
        sample_rate=RATE,
        n_samples=64_000,
        durations=(3.0, 1.0),
        velocity=110,
    )
    assert np.abs(waves(leads)["synth_lead_synthetic_001-060-110"] - wave).max() <= 2**-15


def test_files_do_not_depend_on_the_number_of_processes(leads, tmp_path):
    render_nsynth(tmp_path, LEADS, NoteFormat(), fluidsynth.find_soundfont(), 2)
    assert len(contents(leads)) == 12 + 2
    assert contents(tmp_path) == contents(leads)


def test_what_an_instrument_cannot_play_is_named_and_left_out(tmp_path):
    font = fluidsynth.find_soundfont()
    notes = RenderedNotes(families=("bass",), pitches=(48, 96), velocities=(100,))
    left_out = render_nsynth(tmp_path, notes, SHORT, font, 1)

    def plays(note: Note) -> bool:
        try:
            fluidsynth.render(
                *(np.array([note.pitch]), general_midi.program(note.instrument)),
                **{"soundfont": font, "sample_rate": RATE, "n_samples": 400},
            )
        except DataError:
            return False
        return True

    wanted = [note for split in ("train", "valid") for note in notes.notes()[split]]
    silent = [note for note in wanted if not plays(note)]
    assert 0 < len(silent) < len(wanted)
    assert left_out == [note.name for note in silent]
    assert set(entries(tmp_path)) == {note.name for note in wanted} - {note.name for note in silent}
    assert set(waves(tmp_path)) == set(entries(tmp_path))
    assert {len(wave) for wave in waves(tmp_path).values()} == {4000}


def test_the_command_line_writes_a_folder_that_the_data_module_reads(written):
    assert {path.name for path in written.parent.iterdir()} == {"notes"}
    names = {name for name in LEAD_NAMES if "-060-" in name}
    assert set(waves(written)) == names
    chosen = RenderedNotes(families=("synth_lead",), pitches=(60,), velocities=(60, 110), seed=3).notes()["valid"]
    assert {path.stem for path in (written / "nsynth-valid" / "audio").iterdir()} == {note.name for note in chosen}
    data = NSynthDataModule(root=written, attributes=("velocity",), batch_size=4, representation=LogMagnitudePicture())
    data.prepare_data()
    data.setup("fit")
    (batch,) = data.train_dataloader()
    assert batch["audio"].shape == (4, 64_000)
    assert sorted(batch["attributes"].tolist()) == [[60], [60], [110], [110]]
    assert batch["pitch"].tolist() == [60] * 4


def test_the_notes_of_the_command_line_are_those_of_the_same_settings_elsewhere(written, leads):
    here, there = waves(written), waves(leads)
    assert len(here) == 6
    assert all(np.array_equal(wave, there[name]) for name, wave in here.items())


def test_a_folder_that_exists_is_not_touched(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("kept")
    with pytest.raises(DataError, match=r"notes exists already; name another folder, or remove it first"):
        render_to(tmp_path / "notes")
    assert contents(tmp_path) == {"notes/mine.txt": b"kept"}


def test_a_second_process_at_the_same_folder_is_refused_and_the_first_is_left_alone(tmp_path):
    draft = tmp_path / "notes.draft-of-the-first"
    draft.mkdir()
    with FileLock(tmp_path / ".notes.lock"), pytest.raises(DataError) as refused:
        render_to(tmp_path / "notes", LEADS, n_workers=1)
    assert str(refused.value) == (
        f"another process is rendering to {tmp_path}/notes; wait for it, or name another folder."
    )
    assert draft.is_dir()


RENDER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have it ignored in the background
from lightning_app.commands.disentangle import main
main(["render-nsynth", "--destination", sys.argv[1], "--n_workers", "2"])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes there are")
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGTERM, 143, "Ended by SIGTERM."),
        (signal.SIGINT, 130, "Stopped."),
        (signal.SIGKILL, -signal.SIGKILL, None),
    ],
    ids=["SIGTERM", "SIGINT", "SIGKILL"],
)
def test_a_command_that_is_ended_leaves_no_process_and_no_draft(tmp_path, number, status, said):
    command = [sys.executable, "-c", RENDER, str(tmp_path / "notes")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_until(lambda: any(tmp_path.glob("notes.draft-*/nsynth-train/audio/*.wav")), "notes are rendered")
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == status
    wait_until(lambda: not of_session(process.pid), "all processes have ended", seconds=20)
    if said is not None:
        assert errors.splitlines()[-1:] == [said]
        assert list(tmp_path.iterdir()) == []
    render_to(tmp_path / "notes", LEADS, n_workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_failure_leaves_nothing_behind(tmp_path):
    # Of the voices, the choir alone is for validation, and that note is far too high for it.
    choices = (RenderedNotes(("vocal",), pitches=(127,), velocities=(100,), seed=seed) for seed in range(100))
    notes = next(choice for choice in choices if choice.notes()["valid"][0].instrument == "choir_aahs")
    with pytest.raises(DataError, match=r"all notes of nsynth-valid are out of .* choose other pitches"):
        render_to(tmp_path / "notes", notes, n_workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_soundfont_that_is_not_there_is_one_message(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["render-nsynth", "--destination", str(tmp_path / "notes"), "--soundfont", str(tmp_path / "absent.sf2")])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"error: no soundfont at {tmp_path / 'absent.sf2'}")
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_processes_below_one_is_one_message(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["render-nsynth", "--destination", str(tmp_path / "notes"), "--n_workers=-1"])
    assert ended.value.code == 1
    assert "n_workers" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_instrument_is_on_both_sides(seed):
    parts = RenderedNotes(seed=seed).notes()
    train, valid = instruments(parts["train"]), instruments(parts["valid"])
    assert not train & valid
    everything = {
        (family, name) for family, sources in INSTRUMENTS.items() for programs in sources.values() for name in programs
    }
    assert train | valid == everything
    for family in FAMILIES:
        n_instruments = sum(map(len, INSTRUMENTS[family].values()))
        n_valid = sum(of == family for of, _ in valid)
        assert abs(n_valid - 0.2 * n_instruments) <= 0.5 or n_valid == 1


def test_every_instrument_plays_every_pitch_at_every_velocity():
    notes = RenderedNotes(families=("organ", "vocal"), pitches=(50, 40), velocities=(127, 1, 64))
    everything = [note for part in notes.notes().values() for note in part]
    played = {(note.instrument, note.pitch, note.velocity) for note in everything}
    assert len(everything) == len(played) == (4 + 3) * 2 * 3
    assert len({note.name for note in everything}) == len(everything)
    assert {note.source for note in everything} <= set(SOURCES)


def test_the_choice_depends_on_the_seed_alone():
    sides = [instruments(RenderedNotes(seed=seed).notes()["valid"]) for seed in (0, 0, 1, 2)]
    assert sides[0] == sides[1]
    assert len({frozenset(side) for side in sides}) == 3


def test_all_instruments_are_general_midis():
    names = [name for sources in INSTRUMENTS.values() for programs in sources.values() for name in programs]
    assert set(names) <= set(general_midi.INSTRUMENTS)
    assert len(names) == len(set(names))
    assert tuple(INSTRUMENTS) == FAMILIES
    assert {source for sources in INSTRUMENTS.values() for source in sources} == set(SOURCES)


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.95])
def test_neither_side_is_left_without_an_instrument(fraction):
    for family in FAMILIES:
        parts = RenderedNotes(families=(family,), validation_fraction=fraction).notes()
        assert parts["train"], family
        assert parts["valid"], family


def test_a_family_named_twice_is_refused_or_taken_once():
    try:
        notes = RenderedNotes(families=("brass",) * 4)
    except DataError:
        return
    parts = notes.notes()
    assert not instruments(parts["train"]) & instruments(parts["valid"])


def test_the_key_holds_what_the_files_depend_on():
    font = fluidsynth.find_soundfont()
    base = LEADS.key(NoteFormat(), font)
    assert json.loads(json.dumps(base)) == json.loads(json.dumps(LEADS.key(NoteFormat(), font)))
    for other in (
        replace(LEADS, families=("vocal",)),
        replace(LEADS, pitches=(48,)),
        replace(LEADS, velocities=(60,)),
        replace(LEADS, validation_fraction=0.4),
        replace(LEADS, seed=1),
    ):
        assert other.key(NoteFormat(), font) != base
    assert LEADS.key(NoteFormat(n_samples=32_000), font) != base
    assert LEADS.key(NoteFormat(sample_rate=22_050), font) != base


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"families": ("bass", "kazoo")}, r"families has 'kazoo'; choose from bass, brass, .*vocal"),
        ({"families": ()}, r"families is empty; name one or more"),
        ({"pitches": ()}, r"pitches is \[\]; it needs MIDI numbers from 0 to 127"),
        ({"pitches": (60, 128)}, r"pitches is \[60, 128\]; it needs MIDI numbers from 0 to 127"),
        ({"pitches": (-1,)}, r"pitches is \[-1\]; it needs MIDI numbers from 0 to 127"),
        ({"velocities": ()}, r"velocities is \[\]; it needs MIDI numbers from 1 to 127"),
        ({"velocities": (0,)}, r"velocities is \[0\]; it needs MIDI numbers from 1 to 127"),
        ({"velocities": (128,)}, r"velocities is \[128\]; it needs MIDI numbers from 1 to 127"),
        ({"validation_fraction": 0.0}, r"validation_fraction is 0\.0; it must lie between 0 and 1"),
        ({"validation_fraction": 1.0}, r"validation_fraction is 1\.0; it must lie between 0 and 1"),
        ({"validation_fraction": math.nan}, r"validation_fraction is nan; it must lie between 0 and 1"),
        ({"seed": -1}, r"seed is -1"),
    ],
)
def test_settings_that_cannot_be_had_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        RenderedNotes(**options)


def test_the_lowest_and_the_highest_are_taken():
    notes = RenderedNotes(families=("flute",), pitches=(0, 127), velocities=(1, 127)).notes()
    assert {note.pitch for note in notes["train"]} == {0, 127}
    assert {note.velocity for note in notes["valid"]} == {1, 127}
