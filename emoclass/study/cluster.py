"""Workers of a Dask cluster: no disk need be shared.

Photos are sent to each worker once, and runs come back over the wire.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.study.store import versions

PATIENCE = 30  # seconds until a scheduler that does not answer counts as not there


class Cluster:
    """Trainers (see `workers`): those of a Dask client.

    Dask begins the runs that die with their worker again.
    """

    def __init__(self, client):
        self.client = client
        self.sent = {}
        self.submit = client.get_executor(pure=False).submit
        self.count = len(client.nthreads())  # each trains one net at a time, whatever its threads

    def share(self, faces: Faces):
        """What stands for these photos among the arguments; each worker is sent them once."""
        key = (faces.digest, faces.split_digest)
        if key not in self.sent:
            bare = Faces(np.array(faces.pixels), faces.table, faces.name)
            self.sent[key] = self.client.scatter(bare, broadcast=True, hash=False)
        return self.sent[key]


@contextmanager
def connected(scheduler: str) -> Iterator[Cluster]:
    """A Cluster for the address of a scheduler, such as tcp://127.0.0.1:8786.

    Raises InputError if Dask is not installed, nobody answers, nobody works there, or a worker has
    another version of anything that decides a run: its bits would not be those of a run at home.
    """
    where = f"EMOCLASS_CLUSTER={scheduler}"
    with _client(scheduler, where) as client:
        try:
            found = client.run(versions)
        except Exception as error:  # whatever a worker raises that cannot import this
            fault = f"its workers do not answer, or lack emoclass ({error})"
            raise InputError(f"{where}: {fault}") from error
        if not found:
            advice = f"start some with `dask worker {scheduler}`"
            raise InputError(f"{where}: no worker is there; {advice}")
        differences = _differences(found)
        if differences:
            advice = "install the same on all, or bits differ"
            raise InputError(f"{where}: {listed(differences)}: {advice}")
        yield Cluster(client)


def _client(scheduler: str, where: str):
    """A Dask client of the scheduler. Raises InputError."""
    try:
        from distributed import Client
    except ImportError as error:
        advice = "pip install 'emoclass[cluster]'"
        raise InputError(f"EMOCLASS_CLUSTER needs Dask: {advice}") from error
    reason = ""
    try:
        return Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, TypeError) as error:  # of no answer, and of no address
        reason = str(error)
    # What is left of the client goes now: collected while another one starts, it would wait for
    # ever.
    gc.collect()
    raise InputError(f"{where}: no Dask scheduler answers there ({reason})")


def _differences(found: dict[str, dict[str, str]]) -> list[str]:
    """What each worker has in another version than this process."""
    differences = []
    for worker, theirs in found.items():
        for name, version in versions().items():
            other = theirs.get(name, "missing")
            if other != version:
                differences.append(f"{worker} has {name} {other[:12]}, not {version[:12]}")
    return differences
