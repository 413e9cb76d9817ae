"""Workers of a Dask cluster: photos are sent to each once, runs come back over the wire, no disk need be shared."""

import gc
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import numpy as np

from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.study.store import versions

PATIENCE = 30  # seconds until a scheduler that does not answer counts as not there


class Cluster(Executor):
    """An Executor over the workers of a Dask client; runs that die with their worker are begun again by Dask."""

    def __init__(self, client):
        self.client, self.sent = client, {}
        self.submit = client.get_executor(pure=False).submit
        self.workers = len(client.nthreads())  # each trains one net at a time, whatever its threads

    def share(self, faces: Faces):
        """What stands for these photos among the arguments; each worker is sent them once."""
        key = faces.digest, faces.split_digest
        if key not in self.sent:
            bare = Faces(np.array(faces.pixels), faces.table, faces.name)
            self.sent[key] = self.client.scatter(bare, broadcast=True, hash=False)
        return self.sent[key]


@contextmanager
def connected(scheduler: str) -> Iterator[Cluster]:
    """A Cluster for the address of a scheduler, such as tcp://127.0.0.1:8786.

    Raises InputError if Dask is not installed, nobody answers, nobody works there, or a worker has another version of
    anything that decides a run: its bits would not be those of a run at home.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("EMOCLASS_CLUSTER needs Dask: pip install 'emoclass[cluster]'") from error
    where = f"EMOCLASS_CLUSTER={scheduler}"
    try:
        client, why = Client(scheduler, timeout=PATIENCE), ""
    except (OSError, ValueError, TypeError) as error:  # of no answer, and of no address
        client, why = None, str(error)
    if not client:  # what is left of it goes now: collected while another Client starts, it would wait for ever
        gc.collect()
        raise InputError(f"{where}: no Dask scheduler answers there ({why})")
    with client:
        try:
            theirs = client.run(versions)
        except Exception as error:  # whatever a worker raises that cannot import this
            raise InputError(f"{where}: its workers do not answer, or lack emoclass ({error})") from error
        if not theirs:
            raise InputError(f"{where}: no worker is there; start some with `dask worker {scheduler}`")
        other = [
            f"{worker} has {name} {found.get(name, 'missing')[:12]}, not {version[:12]}"
            for worker, found in theirs.items() for name, version in versions().items() if found.get(name) != version
        ]  # fmt: skip
        if other:
            raise InputError(f"{where}: {listed(other)}: install the same on all, or bits differ")
        yield Cluster(client)
