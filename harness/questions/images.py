"""Images that go with a question: what may be given for one, and what is known of it without holding its bytes.

Everything that is hashed or stored of an image is :func:`facts`: its content's hash, its type and its size, so that a
folder that was moved is still the same questions, and no path of this machine is told.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import RunFailed
from harness.types import Image, ImageType

MAGIC: tuple[tuple[ImageType, bytes, bytes], ...] = (
    ("image/png", b"\x89PNG\r\n\x1a\n", b""),
    ("image/jpeg", b"\xff\xd8\xff", b""),
    ("image/gif", b"GIF8", b""),
    ("image/webp", b"RIFF", b"WEBP"),
)
"""Type, first bytes, and the bytes from the eighth on."""


def load_images(given: Any, folder: Path | None = None) -> tuple[Image, ...]:
    """One image or several, in order; None among them is left out. Relative paths start in ``folder``.

    An image is a path, bytes, a PIL image, or what ``datasets`` yields undecoded (``bytes`` and ``path``). Bytes are
    put into a temporary folder (``TMPDIR``) that is removed with the process.

    Raises: ValueError with what is wrong (missing, unreadable, empty, not PNG, JPEG, GIF or WebP).
    """
    several = given if isinstance(given, (list, tuple)) else [given]
    return tuple(_load(one, folder or Path()) for one in several if one is not None)


def facts(image: Image) -> dict[str, Any]:
    """What is hashed and stored of an image."""
    return {"media_type": image.media_type, "bytes": image.size_bytes, "sha256": image.sha256}


def encoded_bytes(image: Image) -> int:
    """Length of the image in base64, as every protocol sends it."""
    return (image.size_bytes + 2) // 3 * 4


def _load(given: Any, folder: Path) -> Image:
    if isinstance(given, Image):
        return given
    if isinstance(given, Mapping) and {"bytes", "path"} & set(given):
        given = given.get("path") if given.get("bytes") is None else given["bytes"]
    if (
        hasattr(given, "tobytes") and hasattr(given, "mode") and hasattr(given, "save")
    ):  # PIL, which is not imported for this
        given = _png(given)
    if isinstance(given, (bytes, bytearray)):
        return _known(bytes(given), None, "given as bytes")
    if isinstance(given, (str, os.PathLike)) and str(given):
        try:
            return _known((folder / given).read_bytes(), folder / given, repr(str(given)))
        except OSError as error:
            raise ValueError(f"the image {str(given)!r} cannot be read: {error.strerror}") from error
    raise ValueError(f"an image is a path, bytes, a PIL image or a row of `datasets`, not {given!r:.60}")


def _png(picture: Any) -> bytes:
    buffer = io.BytesIO()
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "F"):  # which PNG does not have
        picture = picture.convert("RGB")
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _known(data: bytes, path: Path | None, shown: str) -> Image:
    import PIL.Image

    if not data:
        raise ValueError(f"the image {shown} is empty")
    kind = next((kind for kind, first, eighth in MAGIC if data.startswith(first) and data[8:].startswith(eighth)), None)
    if kind is None:
        raise ValueError(f"the image {shown} is neither PNG, JPEG, GIF nor WebP, which are what all providers take")
    try:
        with PIL.Image.open(io.BytesIO(data), formats=[kind.removeprefix("image/")]) as opened:
            width, height = opened.size
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise ValueError(f"the image {shown} is broken: {error}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    if path is None:
        path = _spool() / sha256
        path.write_bytes(data)
    return Image(sha256, kind, len(data), width, height, partial(_read, path.absolute(), sha256, shown))


@functools.cache
def _spool() -> Path:
    folder = tempfile.mkdtemp(prefix="opengap-images-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _read(path: Path, sha256: str, shown: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunFailed(
            f"the image {shown} can no longer be read ({error.strerror}). Every answer so far is kept: put it back and give "
            "the same command again"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RunFailed(
            f"the image {shown} is not what it was when the run was planned. Every answer so far is kept: put the old file "
            "back and give the same command again, or leave the new one for a new run"
        )
    return data
