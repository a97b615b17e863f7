"""``python -m lightning_app`` is the console script ``disentangle``."""

from lightning_app.commands.disentangle import main

if __name__ == "__main__":
    main()
