"""The photo collection of muxspace/facial_expressions at pinned commits: find or fetch, verify, load."""

import hashlib
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import textwrap
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emoclass.data import annotations
from emoclass.data.images import EVERY, blob_ids, load_images
from emoclass.data.near_duplicates import SIZE, kept_together
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.paths import data_folder

URL = "https://github.com/muxspace/facial_expressions"
PATIENCE = 30  # seconds without an answer, or with less than 1 kB/s, until the network counts as not there
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
EMPTY = hashlib.sha1(b"blob 0\0").hexdigest()


@dataclass(frozen=True)
class Part:
    """Folders or files of one commit, each with the id that git must give it.

    `executable` are the files that the commit marks as programs. The mark is part of a tree id but not of a
    photo, and does not survive archives and some file systems: so it is written here and not read from disk.
    """

    commit: str
    trees: tuple[tuple[str, str], ...]
    executable: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return f"facial_expressions-{self.commit}"


PARTS = {
    "photos": Part(
        commit="5fb9c13afac07c55eae8d25eb6b50af344ad60c9",
        trees=(
            ("images", "fbff66ea2c3ae3e2663933c2fad9160366205f92"),
            ("data", "17014960bb30c061629cc5de9c175034507d5c77"),
            ("test", "51abd74dac6c03ef1dd3be0565d2b2af9c214494"),
        ),
        executable=tuple(f"images/Kim_Clijsters_{number:04}.jpg" for number in range(3, 15)),
    ),
    "new_faces": Part(
        commit="146098e3fd427de80796bc4fef466e2d0de9944b",
        trees=(
            ("images", "fd8f0024f4adf52776fe42aeb56f1c39d1529543"),
            ("data", "459855b7ddf5ca5b972bf26f4e2b567be78b9ead"),
        ),
    ),
    "opinions_126": Part(
        commit="3ae862c61df4729165f5600faf4f3171de875cb0",
        trees=(("data/legend.csv", "d6cc1bcc0f41747a877fd794a9a38d63f8c78d21"),),
    ),
    "opinions_nmg": Part(
        commit="ec3d7d9882d8e1c7c93f1047d3de7584beabffb9",
        trees=(("data/image_emotions.csv", "5170f78b290bd5114b2f4cb8ebdff70fc900e270"),),
    ),
    "opinions_cBuckley": Part(
        commit="832890ce80e1aa7d38129cae70c156e52ef4cec4",
        trees=(("data/legend.csv", "beafc4933612cf26d08e60e8313257315b36087a"),),
    ),
}
PHOTOS, NEW_FACES = PARTS["photos"], PARTS["new_faces"]
PINNED = hashlib.sha256(repr(PARTS).encode()).hexdigest()  # what results depend on, known without the photos


class Unreachable(InputError):
    """The photos can be neither found nor fetched."""


def load(size: int = 48, folder: Path | None = None) -> Faces:
    """The labelled photos as Faces named "muxspace", sorted by photo: pixels (13681, size, size) uint8.

    `source` is "film" where the label is written in capitals (the film stills), "stock" for the four numbered
    pictures of a picture agency and "newspaper" for all others; `annotator` is the user of the row. Raises InputError
    if the collection is not under `folder` (default: `paths.data_folder()`) or not the pinned one.
    """
    rows = read_annotations(folder)
    ids = verify(collection := find(folder))
    images = _below("images", ids)
    rows["source"] = "newspaper"
    rows.loc[rows.photo.str.startswith("facial-expressions_"), "source"] = "stock"
    rows.loc[rows.label.str.isupper(), "source"] = "film"
    table, report = annotations.clean(rows, images, str(collection / "data" / "legend.csv"))
    paths = [f"{collection}/images/{photo}" for photo in table.photo]
    pixels = load_images(paths, size, table.photo.map(images))
    table, found = kept_together(table, load_images(paths, SIZE, table.photo.map(images)))
    return Faces(pixels, table, "muxspace", (*report[:-2], found, *report[-2:]))


def read_annotations(folder: Path | None = None) -> pd.DataFrame:
    """The published annotation file as it stands, a row for each of its rows, as `annotations.read` gives it."""
    return annotations.read(found(folder) / "data" / "legend.csv")


def find(folder: Path | None = None, part: Part = PHOTOS) -> Path | None:
    """Where a part of the collection lies under `folder` (default: `paths.data_folder()`), None if nowhere."""
    collection = Path(folder or data_folder()) / part.folder
    return collection if collection.is_dir() else None


def found(folder: Path | None = None, part: Part = PHOTOS) -> Path:
    """As `find`; Unreachable if it is nowhere."""
    if (collection := find(folder, part)) is None:
        raise Unreachable(
            f"the photos are not in {folder or data_folder()}: run `make data` to fetch them, or name the folder that "
            f"holds {part.folder} in EMOCLASS_DATA"
        )
    return collection


def verify(collection: Path, part: Part = PHOTOS) -> dict[str, str]:
    """Content id of every file, by its name in the collection, once all of them are found to be the pinned ones.

    Computes git's tree ids anew from what is on disk (files whose names start with a dot do not count) and
    raises InputError naming each folder whose id differs, and the files to blame as far as they can be known.
    """
    ids, faults = _compare(Path(collection), part)
    if faults:
        raise InputError(
            f"{collection} is not the pinned collection: {'; '.join(faults)}: move it away and run `make data`"
        )
    return ids


def _compare(collection: Path, part: Part) -> tuple[dict[str, str], list[str]]:
    """Content id of every file by name, and what is wrong with each folder."""
    names = [name for tree, _ in part.trees for name in _files(collection, tree)]
    ids = dict(zip(names, blob_ids([f"{collection}/{name}" for name in names])))
    if unreadable := [name for name, each in ids.items() if each is None]:
        return ids, [f"cannot read {listed(unreadable, EVERY)}"]
    faults = []
    for tree, wanted in part.trees:
        inside = _below(tree, ids)
        actual = ids.get(tree) or tree_id(inside, _below(tree, dict.fromkeys(part.executable)))
        if actual != wanted:
            what = f"file {tree} has the id" if tree in ids else f"folder {tree} has the tree id"
            faults.append(f"{what} {actual} and not {wanted}{_blame(collection, tree, inside)}")
    return ids, faults


def tree_id(ids: dict[str, str], executable: Collection[str] = ()) -> str:
    """Git's id of a folder, from the blob id of each file in it and below, by name (`a.jpg`, `sub/b.jpg`).

    `executable` are the names of the files that are marked as programs.
    """
    entries = []
    for name in ids:
        if "/" not in name:
            mode = b"100755" if name in executable else b"100644"
            entries.append((os.fsencode(name), mode + b" " + os.fsencode(name), ids[name]))
    for folder in {name.split("/")[0] for name in ids if "/" in name}:
        inside = tree_id(_below(folder, ids), _below(folder, dict.fromkeys(executable)))
        # Git sorts a folder as if its name closed with a slash: the file `a.b` comes before the folder `a`.
        entries.append((os.fsencode(f"{folder}/"), b"40000 " + os.fsencode(folder), inside))
    body = b"".join(entry + b"\0" + bytes.fromhex(each) for _, entry, each in sorted(entries))
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def _below(folder: str, names: dict) -> dict:
    """The part of `names` that lies in a folder, by the names within it."""
    return {name.removeprefix(f"{folder}/"): each for name, each in names.items() if name.startswith(f"{folder}/")}


def _files(collection: Path, tree: str) -> list[str]:
    if (collection / tree).is_file():
        return [tree]
    found = []
    for folder, below, files in os.walk(collection / tree):
        below[:] = [name for name in below if not name.startswith(".")]
        place = Path(folder).relative_to(collection).as_posix()
        found += [f"{place}/{name}" for name in files if not name.startswith(".")]
    return sorted(found)


def _blame(collection: Path, tree: str, inside: dict[str, str]) -> str:
    """The files that are empty, no photo, or named by the annotation file and not there."""
    blame = [f"{name} is empty" for name, each in inside.items() if each == EMPTY]
    if tree == "images" and (collection / "data" / "legend.csv").is_file():
        photos = annotations.read(collection / "data" / "legend.csv").photo.unique()
        there = {name.replace("-", "_") for name in inside}  # the new faces' annotation file writes _ for -
        blame += [f"{name} is missing" for name in sorted(photos) if name.replace("-", "_") not in there]
        blame += [f"{name} is no photo" for name in inside if not name.lower().endswith(annotations.SUFFIXES)]
    return f" ({listed(blame, EVERY)})" if blame else ""


def fetch(folder: Path | None = None, url: str = URL, part: Part = PHOTOS) -> Path:
    """Fetch a part of the collection with git into `folder`, verify it, and return where it lies.

    Nothing is seen in `folder` before all of it is there and verified. Raises Unreachable if git or the network
    is missing, InputError if what came is not the pinned collection or cannot be written.
    """
    with _draft(folder, part) as draft:
        # Asked first, and briefly: a connection that nobody answers would hold `git fetch` for minutes.
        _git(draft.parent, url, "ls-remote", "--quiet", url, "HEAD", patience=PATIENCE, quiet=True)
        _git(draft.parent, url, "init", "--quiet", str(draft))
        _git(draft, url, "fetch", "--depth", "1", "--no-tags", "--progress", url, part.commit)
        _git(draft, url, "checkout", "--quiet", part.commit, "--", *(tree for tree, _ in part.trees))
        shutil.rmtree(draft / ".git")
    return Path(folder or data_folder()) / part.folder


def _git(folder: Path, url: str, *words: str, patience: float | None = None, quiet: bool = False) -> None:
    # Inside a git hook these would point at the repository that the hook belongs to.
    ours = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
    env = {name: value for name, value in os.environ.items() if name not in ours} | {"GIT_TERMINAL_PROMPT": "0"}
    settings = ("core.autocrlf=false", "http.lowSpeedLimit=1000", f"http.lowSpeedTime={PATIENCE}")
    command = ["git", *(word for setting in settings for word in ("-c", setting)), "-C", str(folder), *words]
    with tempfile.TemporaryFile() as predicted:  # a file, because a pipe would be held open by git's own children
        try:
            subprocess.run(
                command, env=env, check=True, timeout=patience, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=predicted if quiet else None,
            )  # fmt: skip
            return
        except FileNotFoundError:
            reason = "the program git is not installed"
        except subprocess.TimeoutExpired:
            reason = f"no answer within {patience:g} seconds"
        except subprocess.CalledProcessError as error:
            predicted.seek(0)
            lines = predicted.read().decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"git {words[0]} ended with status {error.returncode}"
    raise Unreachable(
        f"the photos cannot be fetched from {url} ({reason}): try again with a network, or bring an archive and run "
        "`python -m emoclass fetch --archive FILE`"
    )


def unpack(archive: Path, folder: Path | None = None, part: Part = PHOTOS) -> Path:
    """Take a part of the collection out of a tar or zip archive of its commit, verify it, return where it lies.

    Raises InputError if the archive is damaged, holds something else, or holds links or names that lead out.
    """
    archive = Path(archive)
    if not archive.is_file():
        raise InputError(f"there is no archive {archive}: name a .tar.gz or .zip of the commit")
    with _draft(folder, part) as draft:
        opened = draft.with_name("opened")
        try:
            _extract(archive, opened)
        except DAMAGED as error:
            reason = str(error).partition("\n")[0].rstrip(":")
            raise InputError(f"the archive {archive} cannot be read ({reason}): bring it again") from error
        draft.mkdir()
        for tree, _ in part.trees:  # at the top, or in the archive's one folder
            for there in [*opened.glob(tree), *opened.glob(f"*/{tree}")][:1]:
                (draft / tree).parent.mkdir(exist_ok=True)
                there.rename(draft / tree)
    return Path(folder or data_folder()) / part.folder


def _extract(archive: Path, target: Path) -> None:
    """All files of an archive, none before all members are known to be safe."""
    if zipfile.is_zipfile(archive):
        file = zipfile.ZipFile(archive)
        members = {info.filename: stat.S_ISLNK(info.external_attr >> 16) for info in file.infolist()}
        how = {}
    else:
        file = tarfile.open(archive)
        members = {member.name: not (member.isfile() or member.isdir()) for member in file}
        how = {"filter": "data"}
    with file:
        faults = [f"{name} leads out of the folder" for name in members if not name or annotations.climbs(name)]
        faults += [f"{name} is a link" for name, is_link in sorted(members.items()) if is_link]
        if faults:
            raise InputError(f"the archive {archive} is not safe to unpack: {listed(faults, EVERY)}")
        file.extractall(target, **how)


@contextmanager
def _draft(folder: Path | None, part: Part) -> Iterator[Path]:
    """Where to build a part; at the end it is verified and moved into place, all of it or nothing."""
    folder = Path(folder or data_folder())
    if (final := folder / part.folder).exists():
        raise InputError(f"{final} is there already: move it away to make it anew")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".draft-") as beside:
            yield (draft := Path(beside) / part.folder)
            if faults := _compare(draft, part)[1]:
                raise InputError(f"what came is not the pinned collection: {'; '.join(faults)}: try another source")
            os.replace(draft, final)
    except OSError as error:
        raise InputError(
            f"the photos cannot be written to {folder} ({error.strerror or error}): make room there, or name "
            "another folder in EMOCLASS_DATA"
        ) from error


def fetch_all(archive: os.PathLike | str | None = None, say=print) -> None:
    """Find, fetch or unpack each part, verify it, and tell what cleaning found.

    archive    a .tar.gz or .zip of a pinned commit, instead of fetching: of the part whose commit the file's name
               bears, of the photos otherwise
    Raises InputError if that fails.
    """
    if archive:
        part = next((part for part in PARTS.values() if part.commit[:7] in Path(archive).name), PHOTOS)
        if find(part=part) is None:
            unpack(Path(archive), part=part)
    for part in PARTS.values():
        collection = find(part=part) or fetch(part=part)
        say(f"{collection}: {len(verify(collection, part)):,} files verified")
    for what, count, which in load().report:
        line = textwrap.shorten(f"{what}: {which}" if which else what, 100, placeholder=" ...")
        say(f"{count:>7,}  {line}")
