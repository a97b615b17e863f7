"""``python -m lightning_app`` is the console script ``disentangle``."""

from lightning_app.commands.disentangle import main
from lightning_app.parent_process import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    main()
