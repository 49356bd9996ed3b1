"""A folder of heat maps: whole or not there, named as the images are, the same every time."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from vae_runtime import Runner
from vae_runtime.batch.heat_maps import MARK, check_model, write_heat_maps
from vae_runtime.batch.run import NothingDone
from vae_runtime.explain.heat_maps import draw, scale_of
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.pixels import picture, read_pixels
from vae_runtime.rows.input_files import plan


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture(scope="module")
def runner(photos_bundle):
    return Runner.load(photos_bundle)


@pytest.fixture
def write(runner, tmp_path):
    """Writes heat maps of inputs; gives the folder."""

    def make(*inputs, out="maps", **options):
        given = plan([str(each) for each in inputs], Wanted.of(runner.manifest.model))
        write_heat_maps(runner, given, tmp_path / out, **options)
        return tmp_path / out

    return make


def pictures_in(folder):
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*.png")}


def test_each_image_has_a_picture_of_its_name(write, photos, runner):
    out = write(photos)
    images = {f.relative_to(photos).as_posix() for f in photos.rglob("[0-9]*.png")}
    assert set(pictures_in(out)) == images
    said = json.loads((out / MARK).read_text())
    assert set(said) == {"transparent_to", "red_from", "largest"}
    assert set(said["largest"]) == images
    model, file = runner.manifest.model, photos / "scratched" / "001.png"
    x = read_pixels(file, model.input_shape, model.image).x[None]
    scale = scale_of(runner.explain(runner.probe_rows()))
    nats = runner.explain(x.repeat(16, 0))[0]
    expected = draw(picture(file, model.image), nats, scale)
    with Image.open(out / "scratched" / "001.png") as found:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    assert (said["transparent_to"], said["red_from"]) == (scale.most, scale.full)


def test_scratches_are_coloured_and_good_parts_hardly(write, photos):
    coloured = {"good": [], "scratched": []}
    out = write(photos)
    for kind, shares in coloured.items():
        for file in (out / kind).iterdir():
            pixels = np.asarray(Image.open(file)).astype(int)
            is_coloured = pixels[..., 0] != pixels[..., 2]
            shares.append(is_coloured.mean())
            if kind == "scratched":
                rows = np.flatnonzero(is_coloured.mean(axis=1) > 0.5) / len(pixels)
                assert 0.3 < rows.min() < rows.max() < 0.8
    assert np.mean(coloured["good"]) < 0.02
    assert min(coloured["scratched"]) > 0.08


def test_they_are_the_same_every_time_and_whatever_is_beside(write, photos):
    all_of_them = pictures_in(write(photos, threads=2))
    assert pictures_in(write(photos, threads=1)) == all_of_them  # in place of the first
    file = photos / "good" / "003.png"
    assert pictures_in(write(file, out="one")) == {"003.png": all_of_them["good/003.png"]}


def test_names_of_other_endings_and_of_several_inputs(write, photos, tmp_path):
    for folder in ("a", "b/c"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        Image.open(photos / "good" / "000.png").save(tmp_path / "in" / folder / "x.jpg")
    Image.open(photos / "good" / "000.png").save(tmp_path / "in" / "a" / "X.PNG")
    found = pictures_in(write(tmp_path / "in" / "a", tmp_path / "in" / "b" / "c" / "x.jpg"))
    assert set(found) - {"a/X.PNG"} == {"a/x.jpg.png", "b/c/x.jpg.png"}
    assert (tmp_path / "maps" / "a" / "X.PNG").exists()


def test_rows_of_arrays_have_numbers(write, photos, runner, tmp_path):
    model = runner.manifest.model
    files = sorted((photos / "scratched").iterdir())
    x = np.stack([read_pixels(file, model.input_shape, model.image).x for file in files])
    np.save(tmp_path / "rows.npy", x)
    found = pictures_in(write(tmp_path / "rows.npy"))
    assert list(sorted(found)) == [f"{i:06}.png" for i in range(6)]
    np.savez(tmp_path / "more.npz", x=x[:2])
    found = pictures_in(write(tmp_path / "rows.npy", tmp_path / "more.npz"))
    assert {"rows.npy/000005.png", "more.npz/000001.png"} < set(found)
    assert len(found) == 8


def test_an_image_that_is_none_stops_it_or_is_listed(write, photos, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    with refuses("bad.png is not a readable image"):
        write(tmp_path / "in")
    assert not (tmp_path / "maps").exists()
    rejects = tmp_path / "rejects.csv"
    with refuses("expected an image that can be explained. Received: 1, all", NothingDone):
        write(tmp_path / "in", rejects=rejects)
    assert not (tmp_path / "maps").exists()
    Image.open(photos / "good" / "000.png").save(tmp_path / "in" / "good.png")
    out = write(tmp_path / "in", rejects=rejects)
    assert set(pictures_in(out)) == {"good.png"}
    assert "bad.png is not a readable image" in rejects.read_text()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["in", "maps", "rejects.csv"]


def test_what_is_not_of_heat_maps_is_never_replaced(write, photos, tmp_path):
    out = write(photos / "scratched")
    (out / "notes.txt").write_text("mine")
    with refuses("expected a folder of heat maps alone, to replace it. Received: also notes.txt"):
        write(photos / "scratched")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with refuses("expected a new path, or an earlier folder of heat maps"):
        write(photos / "scratched", out="mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"


def test_models_of_other_rows_are_refused(golden):
    with refuses("expected a model of images, to draw heat maps. Received: one of rows of shape"):
        check_model(Runner.load(golden).manifest.model)
