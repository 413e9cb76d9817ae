"""Archives that somebody brought: unpacked into a folder, and nothing may lead out of it."""

import shutil
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from emoclass.data.annotations import climbs
from emoclass.errors import listed

LARGEST = 5_000_000_000  # bytes that an archive may unpack to; the collection has 0.3 GB


def unpack_archive(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip archive into a folder that is not there yet.

    Raises ValueError if it would be too large, or naming every member of a tar archive that leads
    out of the folder or is a device; and whatever `tarfile` and `zipfile` raise on an archive that
    is damaged. A zip archive's members that lead out are skipped.
    """
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            _check_size(member.file_size for member in opened.infolist())
        shutil.unpack_archive(archive, folder, "zip")
        return
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
        _check_size(member.size for member in members)
        if faults := _faults(members):
            raise ValueError(listed(faults))
        if hasattr(tarfile, "data_filter"):
            opened.extractall(folder, filter="data")
            return
        # Python 3.11.0 to 3.11.3 know no filter: the members were checked, and what the filter does
        # to their permissions is done here, so that all can be read and moved.
        for member in members:
            executable = member.isdir() or member.mode & 0o100
            member.mode = 0o755 if executable else 0o644
        opened.extractall(folder)


def _check_size(sizes) -> None:
    if sum(sizes) > LARGEST:
        raise ValueError(f"it would be more than {LARGEST / 1e9:.0f} GB")


def _faults(members: list[tarfile.TarInfo]) -> list[str]:
    """What is wrong with each member of a tar archive that must not be unpacked."""
    links = {_tidy(member.name) for member in members if member.issym()}
    faults = []
    for member in members:
        if climbs(member.name):
            faults.append(f"{member.name} leads out of the archive")
        elif _leaves(PurePosixPath(), _tidy(member.name), links):
            faults.append(f"{member.name} lies behind a link")
        elif member.issym():
            beside = PurePosixPath(_tidy(member.name)).parent
            if _leaves(beside, member.linkname, links):
                faults.append(f"{member.name} is a link that leads out of the archive")
        elif member.islnk():
            # A link to a link would lead elsewhere than that link does.
            linked = _tidy(member.linkname)
            if linked in links or _leaves(PurePosixPath(), member.linkname, links):
                faults.append(f"{member.name} is a link that leads out of the archive")
        elif not (member.isfile() or member.isdir()):
            faults.append(f"{member.name} is a device")
    return faults


def _tidy(name: str) -> str:
    """A member's name without `./` in front and `/` behind."""
    return PurePosixPath(name).as_posix()


def _leaves(folder: PurePosixPath, target: str, links: Collection[str]) -> bool:
    """Whether going from `folder` along `target` leaves the archive, or passes through a link."""
    if PurePosixPath(target).is_absolute():
        return True
    at = folder
    passed = []
    for step in PurePosixPath(target).parts:
        if step != "..":
            at = at / step
        elif at.parts:
            at = at.parent
        else:
            return True
        passed.append(at.as_posix())
    return any(place in links for place in passed[:-1])
