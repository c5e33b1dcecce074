"""What may be given for an image, what is known of it, and what never leaves through a hash or a file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import msgspec
import PIL.Image
import pytest

from harness.errors import RunFailed
from harness.questions.images import encoded_bytes, facts, load_images
from harness.types import Image
from tests.pictures import FORMATS, picture, write_picture


@pytest.mark.parametrize("ending", FORMATS)
def test_the_bytes_say_what_it_is_whatever_it_is_called(tmp_path: Path, ending: str) -> None:
    path = write_picture(tmp_path / f"a.{ending}").rename(tmp_path / "a.txt")
    (image,) = load_images("a.txt", tmp_path)
    data = path.read_bytes()
    assert (image.media_type, image.size_bytes, image.sha256) == (
        FORMATS[ending],
        len(data),
        hashlib.sha256(data).hexdigest(),
    )
    assert (image.width, image.height) == (40, 30)
    assert image.read() == data


def test_a_photograph_of_two_pictures_is_a_jpeg(tmp_path: Path) -> None:
    """Phones write such files; Pillow has a format of its own for them."""
    picture().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[picture(1)])
    (image,) = load_images(tmp_path / "a.jpg")
    assert image.media_type == "image/jpeg"


def test_one_or_several_in_any_form(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png")
    data = path.read_bytes()
    given: list[Any] = [
        path,
        str(path),
        data,
        {"bytes": data, "path": "a.png"},
        {"bytes": None, "path": str(path)},
        None,
    ]
    loaded = load_images(given)
    assert [image.sha256 for image in loaded] == [hashlib.sha256(data).hexdigest()] * 5
    assert {image.read() for image in loaded} == {data}
    assert load_images(None) == load_images(()) == load_images([None]) == ()
    assert load_images(loaded) == loaded


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P", "CMYK", "F", "I;16"])
def test_a_decoded_picture_is_kept_without_loss(mode: str) -> None:
    given = PIL.Image.new(mode, (7, 5)) if mode == "I;16" else picture().convert(mode)
    (image,) = load_images(given)
    assert image.media_type == "image/png"
    with PIL.Image.open(io.BytesIO(image.read())) as opened:
        assert opened.size == given.size
        if mode in ("RGB", "RGBA", "L"):
            assert opened.tobytes() == given.tobytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "'a.png' is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "'a.png' is neither PNG, JPEG, GIF nor WebP"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "neither PNG"),
        (b"\x89PNG\r\n\x1a\nand then nothing", "'a.png' is broken"),
        (b"\xff\xd8\xff\xe0", "broken"),
    ],
)
def test_what_cannot_be_sent_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        load_images(["a.png"], tmp_path)


@pytest.mark.parametrize(
    ("given", "says"),
    [("none.png", "'none.png' cannot be read: No such file"), (".", "cannot be read"), ("", "an image is a path"),
     (7, "an image is a path, bytes, a PIL image"), ({"url": "x"}, "not {'url': 'x'}"), ({"path": None}, "not None")],
)  # fmt: skip
def test_what_is_no_image_is_named(tmp_path: Path, given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load_images(given, tmp_path)


def test_an_image_that_changed_or_went_is_not_sent(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png")
    (image,) = load_images("a.png", tmp_path)
    write_picture(path, seed=1)
    with pytest.raises(RunFailed, match=r"'a.png' is not what it was when the run was planned.*is kept"):
        image.read()
    path.unlink()
    with pytest.raises(RunFailed, match=r"'a.png' can no longer be read \(No such file"):
        image.read()


def test_nothing_but_facts_can_be_encoded(tmp_path: Path) -> None:
    (image,) = load_images(write_picture(tmp_path / "a.png"))
    with pytest.raises(TypeError, match="unsupported"):
        msgspec.json.encode(image)
    assert str(tmp_path) not in repr(image)
    assert facts(image) == {"media_type": "image/png", "bytes": image.size_bytes, "sha256": image.sha256}


@pytest.mark.parametrize("size", range(1, 8))
def test_base64_is_as_long_as_said(size: int) -> None:
    import base64

    image = Image("0" * 64, "image/png", size, 1, 1, bytes)
    assert encoded_bytes(image) == len(base64.b64encode(bytes(size)))
