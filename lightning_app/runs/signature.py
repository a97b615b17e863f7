"""Tells the records of this machine's runs from those of others, by a signature with a key that never leaves it."""

import hmac
import os
import secrets
from pathlib import Path

import platformdirs

from lightning_app.errors import RunError

_MARK = "# Signed by the machine that wrote it: "


def signed(text: str) -> str:
    """Returns a text with its signature as the last line, a comment of YAML.

    The key is made on first use, where only its owner can read it.

    Args:
        text: The text, which ends in a newline.

    Raises:
        RunError: There is no key, and none can be kept.
    """
    return f"{text}{_MARK}{_signature(text, _key_to_sign_with())}\n"


def is_signed_here(path: Path) -> bool:
    """Tells whether a file was signed with the key of this machine and user, and is unchanged since.

    Args:
        path: The file.
    """
    try:
        text, key = path.read_text(encoding="utf-8"), _key_file().read_bytes()
    except (OSError, UnicodeDecodeError):
        return False
    body, mark, signature = text.rpartition(_MARK)
    return bool(mark) and hmac.compare_digest(signature.rstrip("\n").encode(), _signature(body, key).encode())


def _signature(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _key_file() -> Path:
    return Path(platformdirs.user_config_dir("disentangle")) / "key"


def _key_to_sign_with() -> bytes:
    path = _key_file()
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"key.{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            try:
                os.link(draft, path)  # whole at once, and of two processes that make one only the first counts
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot keep a key in {path}: {error.strerror}.") from error
