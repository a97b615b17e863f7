"""Paths that move with a run's folder."""

from omegaconf import OmegaConf

from lightning_app.runs.portable_paths import with_portable_paths

CONFIG = {
    "name": "mine",
    "trainer": {
        "default_root_dir": "runs/mine",
        "logger": [{"init_args": {"save_dir": "runs/mine", "name": "logs"}}],
    },
    "checkpoint": {"init_args": {"dirpath": "runs/mine/checkpoints", "monitor": "val/loss", "mode": None}},
    "data": {"root": "runs/mine2/notes", "cache_dir": "/home/me/cache", "size": 3},
}


def moved(config, root):
    portable = with_portable_paths(config)
    portable["trainer"]["default_root_dir"] = root
    return OmegaConf.to_container(OmegaConf.create(portable), resolve=True)


def test_references_stand_for_what_was_there():
    assert moved(CONFIG, "runs/mine") == CONFIG


def test_paths_in_the_folder_follow_it():
    config = moved(CONFIG, "/new/place")

    assert config["checkpoint"]["init_args"]["dirpath"] == "/new/place/checkpoints"
    assert config["trainer"]["logger"][0]["init_args"] == {"save_dir": "/new/place", "name": "logs"}
    assert config["data"] == CONFIG["data"]


def test_a_name_is_no_path():
    config = {"name": "mine", "trainer": {"default_root_dir": "mine", "logger": {"save_dir": "mine", "name": "mine"}}}

    assert moved(config, "new")["name"] == "mine"
    assert moved(config, "new")["trainer"]["logger"] == {"save_dir": "new", "name": "mine"}


def test_run_in_no_folder_of_its_own():
    for root in (None, "."):
        config = {"trainer": {"default_root_dir": root}, "checkpoint": {"dirpath": "./checkpoints"}}
        assert with_portable_paths(config) == config
