"""The parser of options and configuration files: jsonargparse's, with includes and short errors."""

import re
from argparse import Action, ArgumentError
from pathlib import Path
from typing import Any, NoReturn

import torch
import yaml
from jsonargparse import get_loader, set_dumper, set_loader
from jsonargparse.typing import register_type
from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.commands.config_files import with_includes
from lightning_app.commands.parser_messages import end_with, with_nearest
from lightning_app.runs.trust import is_refusal

PARSER_MODE = "omegaconf+"
"""References in a configuration are resolved after all options are merged."""


class OneMessageParser(LightningArgumentParser):
    """A parser whose errors are one message and not preceded by pages of usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        if is_refusal(message):
            raise ArgumentError(None, message) from ex  # which `restricted` explains
        if not self.exit_on_error:  # it parses the arguments of a class; the parser outside knows where they belong
            super().error(with_nearest(message, self._actions), ex)
        end_with(message, self._actions, self.prog.replace(" [options]", ""))

    def _check_value_key(self, action: Action, value: Any, key: str, *args: Any, **kwargs: Any) -> Any:
        """Leaves a value with a reference to the check that follows when references are resolved.

        Otherwise ``--data OTHER`` would drop the arguments with references that both classes have.
        """
        try:
            return super()._check_value_key(action, value, key, *args, **kwargs)
        except (TypeError, ValueError):
            if "${" in str(value):
                return value
            raise


class _QuotingDumper(yaml.SafeDumper):
    """Quotes texts like 1e3, which PyYAML takes for texts and OmegaConf for numbers."""


_QuotingDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _dump(data: Any) -> str:
    return yaml.dump(data, Dumper=_QuotingDumper, default_flow_style=False, allow_unicode=True, sort_keys=False)


def _load(text: str) -> Any:
    return with_includes(get_loader("yaml")(text), Path.cwd())  # jsonargparse moves to the folder of the file it reads


register_type(torch.device, serializer=str)  # of callbacks like Lightning's averages of weights
set_dumper("yaml", _dump)
set_loader(PARSER_MODE, _load, (yaml.YAMLError,))
