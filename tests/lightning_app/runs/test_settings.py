"""What was chosen for runs, and in what they differ."""

from lightning_app.runs.settings import differing, flattened, of_the_data, without_seeds

CONFIG = {
    "name": "mine",
    "seed_everything": 3,
    "model": {"class_path": "modules.DSAE", "init_args": {"z_dim": 8, "posterior": "full"}},
    "data": {
        "class_path": "datamodules.DMelodiesDataModule",
        "init_args": {
            "octaves": [4, 5],
            "seed": 3,
            "batch_size": 4,
            "cache_dir": "/somewhere",
            "wav_dir": None,
            "representation": {"class_path": "modules.audio.LogMelSequence", "init_args": {"n_mels": 40}},
        },
    },
    "trainer": {"max_epochs": 5, "enable_progress_bar": False, "default_root_dir": "runs/mine"},
    "schedule": None,
}


def test_settings_have_the_names_of_the_options_and_leave_out_places():
    assert flattened(CONFIG) == {
        "seed_everything": "3",
        "model": "DSAE",
        "model.z_dim": "8",
        "model.posterior": "full",
        "data": "DMelodiesDataModule",
        "data.octaves": "4, 5",
        "data.seed": "3",
        "data.batch_size": "4",
        "data.representation": "LogMelSequence",
        "data.representation.n_mels": "40",
        "trainer.max_epochs": "5",
    }


def test_runs_differ_in_what_one_has_and_another_has_not():
    one = flattened(CONFIG)
    other = {**{key: value for key, value in one.items() if key != "model.posterior"}, "model.z_dim": "16"}

    assert differing([one, one]) == []
    assert differing([one, other]) == ["model.z_dim", "model.posterior"]


def test_seeds_and_sizes_of_batches_do_not_make_other_data():
    one = flattened(CONFIG)
    other = {**one, "data.seed": "4", "seed_everything": "4", "data.batch_size": "8", "model.z_dim": "16"}

    assert of_the_data(one) == of_the_data(other)
    assert differing([without_seeds(one), without_seeds(other)]) == ["model.z_dim", "data.batch_size"]
