import hashlib
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoclass.data import archives, load_faces, muxspace, report_table
from emoclass.data.muxspace import NEW_FACES, PHOTOS, Part, Unreachable, fetch, find, unpack, verify
from emoclass.errors import InputError

HERE = find()
real_photos = pytest.mark.skipif(HERE is None, reason="the photos are not on this machine")


def git(folder, *words) -> str:
    """What git says, untouched by whatever settings this machine has."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "core.autocrlf=false"]
    return subprocess.run(
        ["git", *who, "-C", str(folder), *words],
        env=env | nobody,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))


def pinned(repository, *names) -> Part:
    """The last commit there, with the digest that git's own list of its files gives."""
    lines = git(
        repository, "-c", "core.quotePath=false", "ls-tree", "-r", "HEAD", *names
    ).splitlines()
    listed = "".join(
        "{2} {3}\n".format(*line.replace("\t", " ", 1).split(" ", 3)) for line in lines
    )
    return Part(
        git(repository, "rev-parse", "HEAD"), names, hashlib.sha256(listed.encode()).hexdigest()
    )


@pytest.fixture(scope="session")
def upstream(tmp_path_factory):
    """A small collection in a git repository of its own: (folder, Part)."""
    repository = tmp_path_factory.mktemp("upstream")
    for number in range(4):
        path = repository / "images" / f"Jane_Doe_000{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(
            cv2.imencode(".jpg", np.full((60, 60), 50 * number, np.uint8))[1].tobytes()
        )
    (repository / "images" / "facial-expressions_1k.jpg").write_bytes(path.read_bytes())
    path.chmod(0o755)
    for folder, name, text in (
        ("data", "legend.csv", "user.id,image,emotion\r\n"
         "1,Jane_Doe_0000.jpg,happiness\r\n1,Jane_Doe_0001.jpg,SADNESS\r\n2,facial-expressions_1k.jpg,fear\r\n"),
        ("test", "x.jpg", "one\ntwo\n"),
        ("R", "code.R", "not fetched"),
    ):  # fmt: skip
        (repository / folder).mkdir()
        (repository / folder / name).write_bytes(text.encode())
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "photos")
    return repository, pinned(repository, "images", "data", "test")


@pytest.fixture
def url(upstream):
    return f"file://{upstream[0]}"


def left_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# git's ids

names = st.sampled_from(["a", "a.b", "a-b", "a0", "A", "ab", "a b", "é", "-", "a.b.c", "Z", "z~"])
trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join), st.binary(max_size=20), min_size=1
)


@settings(max_examples=25, deadline=None)
@given(tree=trees)
def test_a_part_is_pinned_by_what_git_lists_however_oddly_names_sort(tree):
    tree = {
        name: each
        for name, each in tree.items()
        if not any(other.startswith(f"{name}/") for other in tree)
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, content in tree.items():
            path = Path(folder, "images", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        git(folder, "init", "--quiet")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "-m", "photos")
        assert len(verify(Path(folder), pinned(folder, "images"))) == len(tree)


# fetching


def test_what_is_fetched_is_verified_and_nothing_else_is_kept(tmp_path, upstream, url):
    part = upstream[1]
    collection = fetch(tmp_path / "data", url, part)
    assert collection == find(tmp_path / "data", part)
    assert left_in(collection) == ["data", "images", "test"]
    assert left_in(tmp_path / "data") == [part.folder]
    assert len(verify(collection, part)) == 7


def test_fetching_inside_a_git_hook_does_not_touch_the_hooks_repository(
    tmp_path, upstream, url, monkeypatch
):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    assert fetch(tmp_path / "data", url, upstream[1]).is_dir()
    assert not (tmp_path / "elsewhere").exists()


def test_line_ends_are_not_converted_on_the_way(tmp_path, upstream, url, monkeypatch):
    (tmp_path / "config").write_text("[core]\n\tautocrlf = true\n\teol = crlf\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    collection = fetch(tmp_path / "data", url, upstream[1])
    assert (collection / "test" / "x.jpg").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    "hinder, reason",
    [
        ("no photos there", "cannot be fetched from file:///nowhere"),
        ("no such commit", "git fetch ended with status"),
        ("no git", "git is not installed"),
    ],
)
def test_photos_that_cannot_be_reached_are_one_sentence_and_leave_nothing(
    tmp_path, upstream, url, monkeypatch, hinder, reason
):
    part = upstream[1]
    if hinder == "no photos there":
        url = "file:///nowhere"
    elif hinder == "no such commit":
        part = replace(part, commit="1" * 40)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match=rf"{reason}.*--archive FILE") as caught:
        fetch(tmp_path / "data", url, part)
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path / "data") == []


def test_a_network_that_does_not_answer_is_given_up_soon(tmp_path, upstream, url, monkeypatch):
    fake_git(tmp_path, "sleep 30", monkeypatch)
    monkeypatch.setattr(muxspace, "PATIENCE", 0.3)
    start = time.monotonic()
    with pytest.raises(Unreachable, match=r"no answer within 0\.3 seconds"):
        fetch(tmp_path / "data", url, upstream[1])
    assert time.monotonic() - start < 10


def test_other_photos_than_the_pinned_ones_are_not_kept(tmp_path, upstream, url):
    with pytest.raises(
        InputError, match=f"its 7 files have the sha256 {upstream[1].digest} and not 0000"
    ):
        fetch(tmp_path / "data", url, replace(upstream[1], digest="0" * 64))
    assert left_in(tmp_path / "data") == []


def fake_git(tmp_path, script, monkeypatch):
    """A git that runs `script` before it does anything."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_fetch_leaves_nothing_half_and_can_be_repeated(
    tmp_path, upstream, url, blow
):
    part, data = upstream[1], tmp_path / "data"
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # tests may run in the background
        "from emoclass.data import muxspace\n"
        "real = muxspace._git\n"
        "def slow(folder, url, *words, **options):\n"
        "    real(folder, url, *words, **options)\n"
        "    if words[0] == 'checkout':\n"
        "        print('half way', flush=True)\n"
        "        time.sleep(60)\n"
        "muxspace._git = slow\n"
        f"muxspace.fetch({str(data)!r}, {url!r}, muxspace.{part!r})\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdout.readline() == b"half way\n"
    child.send_signal(blow)
    child.wait(20)
    child.stdout.close()
    assert find(data, part) is None
    assert left_in(data) == [] or blow == signal.SIGKILL  # which no program lives to clean up after
    assert verify(fetch(data, url, part), part)


def test_a_collection_that_is_there_is_not_written_over(tmp_path, upstream, url):
    fetch(tmp_path, url, upstream[1])
    with pytest.raises(InputError, match="is there already"):
        fetch(tmp_path, url, upstream[1])


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, upstream, url):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"cannot be written to .*EMOCLASS_DATA"):
        fetch(tmp_path / "data", url, upstream[1])


# verifying


@pytest.fixture
def collection(tmp_path, upstream, url):
    return fetch(tmp_path / "data", url, upstream[1])


@pytest.mark.parametrize(
    "damage, named",
    [
        (lambda c: flip_a_bit(c / "images" / "Jane_Doe_0001.jpg"), "its 7 files have the sha256"),
        (lambda c: flip_a_bit(c / "test" / "x.jpg"), "its 7 files have the sha256"),
        (lambda c: (c / "images" / "Jane_Doe_0001.jpg").unlink(), "Jane_Doe_0001.jpg is missing"),
        (
            lambda c: (c / "images" / "Jane_Doe_0001.jpg").write_bytes(b""),
            "images/Jane_Doe_0001.jpg is empty",
        ),
        (lambda c: (c / "images" / "notes.txt").write_text("!"), "notes.txt is no photo"),
        (
            lambda c: (c / "test" / "x.jpg").rename(c / "test" / "y.jpg"),
            "its 7 files have the sha256",
        ),
        (lambda c: (c / "data" / "legend.csv").unlink(), "its 6 files have the sha256"),
        (lambda c: (c / "data" / "more").symlink_to("nowhere"), "data/more cannot be read"),
    ],
)
def test_any_damage_is_noticed_and_named_as_far_as_it_can_be(collection, upstream, damage, named):
    damage(collection)
    with pytest.raises(InputError, match="is not the pinned collection") as caught:
        verify(collection, upstream[1])
    assert named in str(caught.value) and "\n" not in str(caught.value)


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_marks_of_programs_and_what_a_desktop_leaves_behind_do_not_count(collection, upstream):
    for path in (collection / "images").iterdir():
        path.chmod(0o644 if os.access(path, os.X_OK) else 0o755)
    (collection / "images" / ".DS_Store").write_bytes(b"!")
    assert verify(collection, upstream[1])


# unpacking


@pytest.fixture(params=["filter", "no filter"])
def python(request, monkeypatch):
    """Python as it is, and Python 3.11.0 to 3.11.3, where `tarfile` knows no filter."""
    if request.param == "no filter" and hasattr(tarfile, "data_filter"):
        extractall = tarfile.TarFile.extractall

        def without_filter(self, path=".", members=None, *, numeric_owner=False):
            trusted = {"filter": "fully_trusted"}
            extractall(self, path, members, numeric_owner=numeric_owner, **trusted)

        monkeypatch.delattr(tarfile, "data_filter")
        monkeypatch.setattr(tarfile.TarFile, "extractall", without_filter)


def pack(upstream, path, top="facial_expressions-of-that-commit/"):
    git(upstream[0], "archive", f"--prefix={top}", "-o", str(path), "HEAD")
    return path


def packed(path, *members):
    """A tar archive of a photo that is fine and of members as (name, kind, name linked to)."""
    with tarfile.open(path, "w") as file:
        for name, kind, linked in [("top/images/fine.jpg", tarfile.REGTYPE, ""), *members]:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = linked
            file.addfile(info)
    return path


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
@pytest.mark.parametrize("top", ["", "facial_expressions-of-that-commit/"])
def test_an_archive_that_somebody_brought_serves_as_well(tmp_path, upstream, python, suffix, top):
    archive = pack(upstream, tmp_path / f"photos{suffix}", top)
    collection = unpack(archive, tmp_path / "data", upstream[1])
    assert left_in(collection) == ["data", "images", "test"]
    assert left_in(tmp_path / "data") == [upstream[1].folder]


def test_photos_that_an_archive_has_as_links_to_each_other_are_taken(tmp_path, upstream, python):
    archive = tmp_path / "linked.tar"
    with tarfile.open(archive, "w") as file:
        for name in ("images", "data", "test"):
            file.add(upstream[0] / name, f"top/{name}", filter=as_link)
    assert unpack(archive, tmp_path / "data", upstream[1]).is_dir()


def as_link(info):
    """The picture that is there twice, as a tar archive has the second name of a file."""
    if info.name.endswith("facial-expressions_1k.jpg"):
        info.type = tarfile.LNKTYPE
        info.linkname = "top/images/Jane_Doe_0003.jpg"
        info.size = 0
    return info


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_an_archive_that_is_cut_short_is_one_sentence_and_leaves_nothing(
    tmp_path, upstream, python, suffix
):
    archive = pack(upstream, tmp_path / f"photos{suffix}")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(InputError) as caught:
        unpack(archive, tmp_path / "data", upstream[1])
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path / "data") == []


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_an_archive_that_would_fill_the_disk_is_not_unpacked(
    tmp_path, upstream, suffix, monkeypatch
):
    monkeypatch.setattr(archives, "LARGEST", 10)
    with pytest.raises(InputError, match=r"cannot unpack .* \(it would be more than 0 GB\)"):
        unpack(pack(upstream, tmp_path / f"photos{suffix}"), tmp_path / "data", upstream[1])
    assert left_in(tmp_path / "data") == []


def test_an_archive_of_something_else_is_refused(tmp_path, upstream):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("top/images/cat.jpg", b"meow")
    with pytest.raises(InputError, match=r"is not the pinned collection: .*: try another source"):
        unpack(tmp_path / "x.zip", tmp_path / "data", upstream[1])
    with pytest.raises(InputError, match="there is no archive"):
        unpack(tmp_path / "absent.zip", tmp_path / "data", upstream[1])
    (tmp_path / "words.tar.gz").write_text("not an archive")
    with pytest.raises(InputError, match="cannot unpack"):
        unpack(tmp_path / "words.tar.gz", tmp_path / "data", upstream[1])
    assert left_in(tmp_path / "data") == []


def test_every_member_that_leads_out_is_named_and_nothing_is_left(tmp_path, upstream, python):
    bad = ["../images/a.jpg", "/images/b.jpg", "top/images/../../../c.jpg"]
    archive = packed(tmp_path / "bad.tar", *((name, tarfile.REGTYPE, "") for name in bad))
    with pytest.raises(InputError, match="cannot unpack") as caught:
        unpack(archive, tmp_path / "data", upstream[1])
    assert all(f"{name} leads out of the archive" in str(caught.value) for name in bad)
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path / "data") == [] and left_in(tmp_path) == ["bad.tar", "data"]


@pytest.mark.parametrize(
    "members, named",
    [
        ([("top/a", tarfile.SYMTYPE, "/etc/passwd")], "top/a is a link"),
        ([("top/a", tarfile.SYMTYPE, "../../b")], "top/a is a link"),
        ([("top/a", tarfile.LNKTYPE, "/etc/passwd")], "top/a is a link"),
        ([("top/a", tarfile.LNKTYPE, "../b")], "top/a is a link"),
        # Links that stay inside one by one, and lead out together.
        (
            [
                ("top/up", tarfile.SYMTYPE, ".."),
                ("out", tarfile.SYMTYPE, "top/up/.."),
            ],
            "out is a link",
        ),
        (
            [
                ("top/images/up", tarfile.SYMTYPE, "../fine"),
                ("up", tarfile.LNKTYPE, "top/images/up"),
            ],
            "up is a link",
        ),
        (
            [
                ("top/up", tarfile.SYMTYPE, "images"),
                ("top/up/a.jpg", tarfile.REGTYPE, ""),
            ],
            "top/up/a.jpg lies behind a link",
        ),
        ([("top/a", tarfile.FIFOTYPE, "")], "top/a is a device"),
        ([("top/a", tarfile.CHRTYPE, "")], "top/a is a device"),
    ],
)
def test_links_that_lead_out_and_devices_are_refused_by_name(
    tmp_path, upstream, python, members, named
):
    archive = packed(tmp_path / "bad.tar", *members)
    with pytest.raises(InputError, match="cannot unpack") as caught:
        unpack(archive, tmp_path / "data", upstream[1])
    assert named in str(caught.value)
    assert left_in(tmp_path / "data") == []


def test_nothing_in_a_zip_archive_gets_out(tmp_path, upstream):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        for name in ("../images/a.jpg", "/images/b.jpg", "top/images/../../../c.jpg"):
            file.writestr(name, b"")
        link = zipfile.ZipInfo("top/images/a.jpg")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is not the pinned collection"):
        unpack(tmp_path / "bad.zip", tmp_path / "data", upstream[1])
    assert left_in(tmp_path / "data") == [] and left_in(tmp_path) == ["bad.zip", "data"]


# loading, and the command


def test_capitals_mark_film_stills_and_the_agency_pictures_are_stock(
    collection, upstream, monkeypatch
):
    monkeypatch.setattr(muxspace, "PHOTOS", upstream[1])
    monkeypatch.setattr(muxspace.verify, "__defaults__", (upstream[1], ""))
    monkeypatch.setattr(muxspace.find, "__defaults__", (None, upstream[1]))
    monkeypatch.setattr(muxspace.read_annotations, "__defaults__", (upstream[1], "legend.csv"))
    monkeypatch.setenv("EMOCLASS_DATA", str(collection.parent))
    faces = muxspace.load(16)
    assert faces.table.source.tolist() == ["newspaper", "film", "stock"]
    assert faces.table.emotion.tolist() == ["happiness", "sadness", "fear"]
    assert faces.table.subject.tolist() == ["Jane_Doe", "Jane_Doe", "facial-expressions_1k"]
    assert faces.table.annotator.tolist() == ["1", "1", "2"] and faces.name == "muxspace"


@real_photos
@pytest.mark.skipif(find(part=NEW_FACES) is None, reason="the new faces are not on this machine")
def test_what_is_there_is_found_and_each_part_reported(decoded, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", decoded)
    lines = []
    muxspace.fetch_all(progress=lines.append)
    assert any("13,690  rows in the" in line for line in lines)
    assert sum("files verified" in line for line in lines) == len(muxspace.PARTS)


@pytest.mark.parametrize(
    "name, part", [("photos.zip", PHOTOS), (f"x-{NEW_FACES.commit[:7]}.zip", NEW_FACES)]
)
def test_an_archive_is_taken_for_the_part_whose_commit_its_name_bears(
    tmp_path, monkeypatch, name, part
):
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "data"))
    with zipfile.ZipFile(tmp_path / name, "w") as file:
        file.writestr("top/images/cat.jpg", b"meow")
    with pytest.raises(InputError, match=f"and not {part.digest}"):
        muxspace.fetch_all(tmp_path / name)


def test_each_part_is_fetched_if_it_is_not_there_without_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "data"))
    fetched = []

    def fetch(part):
        fetched.append(part)
        (tmp_path / "data" / part.folder).mkdir(parents=True)
        return part.folder

    nothing = SimpleNamespace(report=())
    for name, stub in (("fetch", fetch), ("load", lambda: nothing), ("verify", lambda *_: {})):
        monkeypatch.setattr(muxspace, name, stub)
    muxspace.fetch_all()
    muxspace.fetch_all()
    assert fetched == list(muxspace.PARTS.values())
    assert capsys.readouterr().out == ""


def test_a_dash_for_an_underscore_in_a_legend_is_no_missing_photo(tmp_path):
    for name, content in (
        ("images/a-1.jpg", "x"),
        ("data/legend.csv", "photo,emotion\na_1.jpg,fear\nb_1.jpg,fear\n"),
    ):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r"\(b_1\.jpg is missing\)"):
        verify(tmp_path, NEW_FACES)


# the real photos


@pytest.fixture(scope="module")
def faces(decoded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOCLASS_BUILD", decoded)
        return load_faces("muxspace")


@real_photos
def test_the_report_counts_what_is_known_of_the_collection(faces):
    count = dict(zip(report_table(faces)["what"], report_table(faces)["count"]))
    assert list(count.values()) == [13_690, 921, 7, 13_682, 1, 36, 2, 0, 96, 13_681, 5_618]
    which = dict(zip(report_table(faces)["what"], report_table(faces)["which"]))
    assert (
        which["photos that two rows label differently, dropped"]
        == "Avinash_30.jpg (surprise or sadness)"
    )
    assert which["pictures that bear several names, one cluster each"] == (
        "Bart_Hendricks_0001.jpg = Ricky_Ray_0001.jpg, Carlos_Beltran_0001.jpg = Raul_Ibanez_0001.jpg"
    )


@real_photos
def test_the_table_holds_what_is_known_of_the_collection(faces):
    table = faces.table
    assert len(faces) == 13_681 and table.photo.is_monotonic_increasing
    assert faces.counts.tolist() == [252, 9, 208, 21, 5_693, 6_864, 267, 367]
    assert table.source.value_counts().to_dict() == {"newspaper": 12_758, "film": 919, "stock": 4}
    assert table[table.source == "film"].subject.nunique() == 8
    assert table.subject.value_counts().iloc[0] == 520
    assert table.duplicate_id.nunique() == 13_679 and table.near_duplicate_id.nunique() == 13_597


@real_photos
def test_every_real_photo_shows_something(faces):
    assert (faces.pixels.reshape(len(faces), -1).std(axis=1) > 1).all()
