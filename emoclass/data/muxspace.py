"""The photo collection muxspace/facial_expressions at pinned commits: found, verified, loaded."""

import hashlib
import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emoclass.data import annotations
from emoclass.data.archives import unpack_archive
from emoclass.data.images import EVERY, SUFFIXES, blob_ids, load_images, names_below
from emoclass.data.near_duplicates import SIZE, kept_together
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.files import replacing
from emoclass.paths import data_folder

URL = "https://github.com/muxspace/facial_expressions"
PATIENCE = 30  # seconds without an answer, or below 1 kB/s, until the network counts as not there
EMPTY = hashlib.sha1(b"blob 0\0").hexdigest()


@dataclass(frozen=True)
class Part:
    """Folders or files of one commit, and the sha256 of the list of all files in them."""

    commit: str
    names: tuple[str, ...]
    # A line "blob-id name" for each, as of
    # `git ls-tree -r --format='%(objectname) %(path)' COMMIT NAMES | sha256sum`
    digest: str

    @property
    def folder(self) -> str:
        return f"facial_expressions-{self.commit}"


PARTS = {
    "photos": Part(
        "5fb9c13afac07c55eae8d25eb6b50af344ad60c9",
        ("images", "data", "test"),
        "8cea2b36cf421365ad29f31ad520eb6fb4c4ce8d0d400fde5541234bd59070df",
    ),
    "new_faces": Part(
        "146098e3fd427de80796bc4fef466e2d0de9944b",
        ("images", "data"),
        "8f2004f7495df1319053413764c50eac42bf3b21a404948d119949f98c459cd5",
    ),
    "opinions_126": Part(
        "3ae862c61df4729165f5600faf4f3171de875cb0",
        ("data/legend.csv",),
        "96c88e67f2529f0b54c2fd3785119b490a53391f2daddeb4658b719539a45444",
    ),
    "opinions_nmg": Part(
        "ec3d7d9882d8e1c7c93f1047d3de7584beabffb9",
        ("data/image_emotions.csv",),
        "9d85e549e036fc8f609f88a07663e043b04b18af0bdee76bc7471691c63dbc7b",
    ),
    "opinions_cBuckley": Part(
        "832890ce80e1aa7d38129cae70c156e52ef4cec4",
        ("data/legend.csv",),
        "369bdca2d4eebf74ffbc1171251ad4c0d3365e61d5aa62be529fb36157ec4a8b",
    ),
}
PHOTOS = PARTS["photos"]
NEW_FACES = PARTS["new_faces"]
# What results depend on, known without the photos.
PINNED = hashlib.sha256(repr(PARTS).encode()).hexdigest()


class Unreachable(InputError):
    """The photos can be neither found nor fetched."""


def load(size: int = 48) -> Faces:
    """The labelled photos as Faces named "muxspace", sorted by photo.

    Pixels are (13681, size, size) uint8. `source` is "film" where the label is in capitals, "stock"
    for four numbered pictures of an agency, else "newspaper". Raises InputError if the collection
    is not under `paths.data_folder()` or not the pinned one.
    """
    rows = read_annotations()
    collection = find()
    images = below("images", verify(collection))
    rows["subject"] = rows.photo.map(subject_of)
    rows["source"] = "newspaper"
    rows.loc[rows.photo.str.startswith("facial-expressions_"), "source"] = "stock"
    rows.loc[rows.label.str.isupper(), "source"] = "film"
    table, cleaned = annotations.clean(rows, images, str(collection / "data" / "legend.csv"))

    paths = [collection / "images" / photo for photo in table.photo]
    ids = table.photo.map(images)
    table, near_duplicates = kept_together(table, load_images(paths, SIZE, ids))
    *steps, photos, subjects = cleaned
    report = (*steps, near_duplicates, photos, subjects)
    return Faces(load_images(paths, size, ids), table, "muxspace", report)


def subject_of(photo: str) -> str:
    """The file name without suffix and closing number: `Jane_Doe` for `Jane_Doe_0003.jpg`.

    A name that is a number stays as it is.
    """
    stem = photo.rsplit(".", 1)[0]
    return re.sub(r"[\s_.-]*\(?\d+\)?$", "", stem) or stem


def read_annotations(part: Part = PHOTOS, file: str = "legend.csv") -> pd.DataFrame:
    """A part's annotation file as published, as `annotations.read` gives it.

    Raises Unreachable if the part is not there.
    """
    collection = find(part=part)
    if collection is None:
        what = "second opinions"
        if part.commit == PHOTOS.commit:
            what = "photos"
        elif part.commit == NEW_FACES.commit:
            what = "new faces"
        place = f"name the folder that holds {part.folder} in EMOCLASS_DATA"
        advice = f"run `make data` to fetch them, or {place}"
        raise Unreachable(f"the {what} are not in {data_folder()}: {advice}")
    return annotations.read(collection / "data" / file)


def find(folder: Path | None = None, part: Part = PHOTOS) -> Path | None:
    """Where a part of the collection lies under `folder`, None if nowhere.

    By default that is `paths.data_folder()`.
    """
    collection = Path(folder or data_folder()) / part.folder
    return collection if collection.is_dir() else None


def verify(collection: Path, part: Part = PHOTOS, advice: str = "") -> dict[str, str]:
    """Content id of every file by name.

    Raises InputError, with `advice`, naming the culprits, if they are not the pinned ones.
    """
    names = []
    for name in part.names:
        if (collection / name).is_file():
            names.append(name)
        for inside in names_below(collection / name):
            names.append(f"{name}/{inside}")
    names.sort()
    ids = dict(zip(names, blob_ids([f"{collection}/{name}" for name in names])))
    lines = "".join(f"{ids[name]} {name}\n" for name in names)
    actual = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    if actual != part.digest:
        advice = advice or f"move {collection} away and run `make data`"
        blame = _blame(collection, ids)
        culprits = f" ({listed(blame, EVERY)})" if blame else ""
        what = f"its {len(ids):,} files have the sha256 {actual} and not {part.digest}{culprits}"
        raise InputError(f"{collection.name} is not the pinned collection: {what}: {advice}")
    return ids


def below(folder: str, names: dict) -> dict:
    """The part of `names` that lies in a folder, by the names within it."""
    start = f"{folder}/"
    return {name.removeprefix(start): names[name] for name in names if name.startswith(start)}


def _blame(collection: Path, ids: dict[str, str | None]) -> list[str]:
    """Files that are unreadable, empty, no photo, or missing (the annotation file names them)."""
    blame = [f"{name} is empty" for name, content in ids.items() if content == EMPTY]
    blame += [f"{name} cannot be read" for name, content in ids.items() if content is None]
    photos = below("images", ids)
    annotation_file = collection / "data" / "legend.csv"
    if not photos or not annotation_file.is_file():
        return blame
    # The new faces' annotation file writes _ for -.
    there = {name.replace("-", "_") for name in photos}
    for name in sorted(annotations.read(annotation_file).photo.unique()):
        if name.replace("-", "_") not in there:
            blame.append(f"{name} is missing")
    for name in photos:
        if not name.lower().endswith(SUFFIXES):
            blame.append(f"{name} is no photo")
    return blame


def fetch(folder: Path | None = None, url: str = URL, part: Part = PHOTOS) -> Path:
    """Fetch a part with git into `folder`, whole and verified or not at all.

    Raises Unreachable without git or network.
    """
    with _draft(folder, part) as draft:
        # Asked first, and briefly: `git fetch` waits minutes for a connection.
        _git(draft.parent, url, "ls-remote", "--quiet", url, "HEAD", patience=PATIENCE)
        _git(draft.parent, url, "init", "--quiet", str(draft))
        _git(draft, url, "fetch", "--depth", "1", "--no-tags", "--progress", url, part.commit)
        _git(draft, url, "checkout", "--quiet", part.commit, "--", *part.names)
        shutil.rmtree(draft / ".git")
    return find(folder, part)


def _git(folder: Path, url: str, *words: str, patience: float | None = None) -> None:
    """Run git, which speaks to stderr.

    Raises Unreachable if it fails, or takes longer than `patience` seconds.
    """
    env = dict(os.environ, GIT_TERMINAL_PROMPT="0")
    # Inside a git hook these would point at the repository that the hook belongs to.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        env.pop(name, None)
    settings = (
        "core.autocrlf=false",
        "http.lowSpeedLimit=1000",
        f"http.lowSpeedTime={PATIENCE}",
    )
    command = ["git"]
    for setting in settings:
        command += ["-c", setting]
    command += ["-C", str(folder), *words]
    try:
        subprocess.run(command, env=env, check=True, timeout=patience, stdout=subprocess.DEVNULL)
        return
    except FileNotFoundError:
        reason = "the program git is not installed"
    except subprocess.TimeoutExpired:
        reason = f"no answer within {patience:g} seconds"
    except subprocess.CalledProcessError as error:
        reason = f"git {words[0]} ended with status {error.returncode}"
    archive = "bring an archive and run `python -m emoclass fetch --archive FILE`"
    advice = f"try again with a network, or {archive}"
    raise Unreachable(f"the photos cannot be fetched from {url} ({reason}): {advice}")


def unpack(archive: Path, folder: Path | None = None, part: Part = PHOTOS) -> Path:
    """Take a part out of a tar or zip archive instead.

    Raises InputError as `fetch` does, and if the archive is damaged or leads out of the folder.
    """
    archive = Path(archive)
    if not archive.is_file():
        raise InputError(f"there is no archive {archive}: name a .tar.gz or .zip of the commit")
    with _draft(folder, part) as draft:
        opened = draft.with_name("opened")
        try:
            unpack_archive(archive, opened)
        except Exception as error:  # each kind of archive has its own
            reason = str(error).partition("\n")[0].rstrip(":")
            what = f"cannot unpack {archive} ({reason})"
            raise InputError(f"{what}: make room, or bring it again") from error
        for name in part.names:
            # At the top, or in the archive's one folder.
            found = [*opened.glob(name), *opened.glob(f"*/{name}")]
            if found:
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                found[0].rename(draft / name)
    return find(folder, part)


@contextmanager
def _draft(folder: Path | None, part: Part) -> Iterator[Path]:
    """Where to build a part, to be verified and moved into place, all of it or nothing."""
    final = Path(folder or data_folder()) / part.folder
    if final.exists():
        raise InputError(f"{final} is there already: move it away to make it anew")
    try:
        with replacing(final) as draft:
            yield draft
            verify(draft, part, "try another source")
    except OSError as error:
        reason = error.strerror or error
        advice = "make room there, or name another folder in EMOCLASS_DATA"
        what = f"the photos cannot be written to {final.parent} ({reason})"
        raise InputError(f"{what}: {advice}") from error


def fetch_all(
    archive: os.PathLike | str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> None:
    """Find, fetch or unpack each part, verify it, and tell `progress`, line by line, what is in it.

    An archive bears the commit of its part in its name, else it is taken for the photos. Raises
    InputError as `fetch`, `unpack`, `verify` and `load` do.
    """
    if archive:
        brought = PHOTOS
        for part in PARTS.values():
            if part.commit[:7] in Path(archive).name:
                brought = part
                break
        if find(part=brought) is None:
            unpack(archive, part=brought)
    for part in PARTS.values():
        collection = find(part=part) or fetch(part=part)
        files = verify(collection, part)
        progress(f"{collection}: {len(files):,} files verified")
    for what, count, which in load().report:
        line = f"{what}: {which}" if which else what
        progress(f"{count:>7,}  {textwrap.shorten(line, 100, placeholder=' ...')}")
