"""What a server can be told: where its data lies, where it listens, how strict it is."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from msgspec import Struct
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.server.keys import Pepper
from promptops.server.labels import check_label
from promptops.server.rates import Limits

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_NESTING",
    "TELEMETRY_BODY_BYTES",
    "Retention",
    "Settings",
    "default_data_dir",
    "default_protected_labels",
    "load_pepper",
]

MAX_BODY_BYTES: Final = {"v1": 1024 * 1024, "v2": 16 * 1024 * 1024}
TELEMETRY_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_NESTING: Final = 64


class Retention(Struct, frozen=True, kw_only=True):
    """How long the server keeps what it is told about its use.

    Attributes:
        telemetry_days: Of batches of events.
        telemetry_bytes: Of events in one project; beyond, its oldest batches go.
        usage_days: Of counted and reported usage.
    """

    telemetry_days: int = 30
    telemetry_bytes: int = 256 * 1024 * 1024
    usage_days: int = 400


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one server.

    Attributes:
        data_dir: The directory of the database and of the pepper; made when it is missing.
        host: The address to listen on; anything but loopback needs a key.
        port: The port; 0 takes a free one.
        accept_unknown_example_ids: Store runs whose ``example_id`` is not in the dataset instead of refusing them.
        body_seconds: How long a caller may take to send a body.
        limits: What a key may send unless it says otherwise; nothing is limited while there are no keys.
        retention: How long usage and telemetry are kept.
        redis_url: The Redis on which changed prompts are published; None publishes nothing.
        protected_labels: Labels that only keys with the scope ``prompts:label`` move.

    Raises:
        ConfigurationError: A protected label cannot be a label.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8765
    accept_unknown_example_ids: bool = False
    body_seconds: float = 30.0
    limits: Limits = Limits()
    retention: Retention = Retention()
    redis_url: str | None = None
    protected_labels: tuple[str, ...] = ("production",)

    def __post_init__(self) -> None:
        for label in self.protected_labels:
            try:
                check_label(label)
            except ValidationError as error:
                raise ConfigurationError(
                    f"'{label[:64]}' cannot be a protected label: {error.validation_errors[0]['message']}."
                ) from error

    def __repr__(self) -> str:
        shown = (
            (name, "***" if name == "redis_url" and self.redis_url is not None else getattr(self, name))
            for name in self.__struct_fields__
        )
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown)})"


def default_data_dir() -> Path:
    """``PROMPTOPS_DATA_DIR``, or ``.promptops`` in the home directory."""
    named = os.environ.get("PROMPTOPS_DATA_DIR")
    return Path(named) if named else Path.home() / ".promptops"


def default_protected_labels() -> tuple[str, ...]:
    """``PROMPTOPS_PROTECTED_LABELS``, separated by commas (empty: none at all), or ``production``."""
    named = os.environ.get("PROMPTOPS_PROTECTED_LABELS")
    if named is None:
        return ("production",)
    return tuple(label for part in named.split(",") if (label := part.strip()))


def load_pepper(data_dir: Path) -> Pepper:
    """``PROMPTOPS_PEPPER``, or the file ``pepper`` of the data directory, made with mode 0600 at first use.

    Raises:
        ConfigurationError: The pepper is too short, or the file cannot be used.
    """
    given = os.environ.get("PROMPTOPS_PEPPER")
    try:
        return Pepper(given.encode() if given else _pepper_file(data_dir / "pepper"))
    except ValueError as error:
        source = "PROMPTOPS_PEPPER" if given else str(data_dir / "pepper")
        raise ConfigurationError(f"{source}: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{data_dir / 'pepper'} cannot be used: {error.strerror}") from error


def _pepper_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    # Written whole under another name first: a second process sees no file or a complete one.
    draft = path.with_name(f"pepper.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # no hard links here
            if not path.exists():
                draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()
