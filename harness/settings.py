"""Where settings come from: bundled files, then ``./configs``, then flags; later ones win.

An unknown key is an error that names the nearest valid one, with the file that it stands in.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UnknownName, UsageError

T = TypeVar("T")


def bundled(room: str) -> Path:
    """Folder ``configs``, ``tasks`` or ``demo`` as shipped: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "bundled" / room
    return inside if inside.is_dir() else package.parent / room


def config_folders() -> list[Path]:
    """Folders that are read, in order of rising precedence."""
    folders = [bundled("configs"), Path.cwd() / "configs"]
    unique = dict.fromkeys(folder.resolve() for folder in folders)
    return [folder for folder in unique if folder.is_dir()]


def store_folder(flag: str | None = None) -> Path:
    """The results store: the flag, else ``OPENGAP_STORE``, else ``./results``."""
    return Path(flag or os.environ.get("OPENGAP_STORE") or "results")


def data_folder(flag: str | None = None) -> Path | None:
    """Local copies of task data: the flag, else ``OPENGAP_DATA``, else none. UsageError if it is no folder."""
    text = flag or os.environ.get("OPENGAP_DATA")
    if not text:
        return None
    if not Path(text).is_dir():
        raise UsageError(f"data folder {text!r} does not exist; give --data (or OPENGAP_DATA) an existing folder")
    return Path(text)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping with dates as ISO strings. UsageError names the file and line of a mistake."""
    import yaml

    try:
        # Where the parser in C was built it takes an eighth of the time.
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path}: expected a mapping of names at the top")
    return {str(key): _plain(value) for key, value in loaded.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


@functools.cache
def _load(name: str, folders: tuple[Path, ...], completes: bool) -> dict[str, tuple[Any, Path]]:
    merged: dict[str, tuple[Any, Path]] = {}
    for folder in folders:
        path = folder / f"{name}.yaml"
        if path.is_file():
            for key, value in read_yaml(path).items():
                earlier = merged[key][0] if completes and key in merged else None
                both = isinstance(earlier, dict) and isinstance(value, dict)
                merged[key] = (dict(earlier or {}, **value) if both else value, path)
    return merged


def load(name: str, *, completes: bool = False) -> Mapping[str, tuple[Any, Path]]:
    """Entries of ``<name>.yaml`` from all folders, each with the file that it (last) came from.

    ``completes``: a later entry of the same name changes the keys that it has, instead of standing for the earlier one.
    """
    return _load(name, tuple(config_folders()), completes)


def build(cls: type[T], data: Any, where: str) -> T:
    """Turn a mapping into the dataclass ``cls``. UsageError names unknown keys and wrong types; ``where`` locates them."""
    import msgspec

    if not isinstance(data, dict):
        raise UsageError(f"{where}: expected a mapping of settings, found {type(data).__name__}")
    _check_keys(cls, data, where)
    try:
        return msgspec.convert(data, cls)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from error


def _check_keys(cls: type[Any], data: Mapping[str, Any], where: str) -> None:
    names = [field.name for field in dataclasses.fields(cls)]
    for key in data:
        if key not in names:
            raise UnknownName("key", key, names, hint=f"(in {where})")
