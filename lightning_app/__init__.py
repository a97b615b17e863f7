"""What runs an experiment: the command line, and the callbacks that hold schedule, evaluation, media and files."""

from importlib.metadata import version

from lightning_app.own_packages import pin_own_packages

__version__ = version("disentangle")

pin_own_packages()
