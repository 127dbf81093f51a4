"""An edges.db with its writer, for tests: what was told, and what is stored."""

import sqlite3
import threading

from timing.edge_writer import EdgeWriter
from timing.edges_db import EdgesDb, EdgesReader


class Told:
    """What the writer told, and a way to wait for the n-th record."""

    def __init__(self):
        self.batches = []
        self._changed = threading.Condition()

    @property
    def records(self):
        return [record for batch in self.batches for record in batch]

    def __call__(self, records):
        with self._changed:
            self.batches.append(records)
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.records) >= count, timeout=20)
        return self.records


def fail(error):
    raise AssertionError("the writer died") from error


class Open:
    """An open edges.db with its writer running."""

    def __init__(self, directory, boot="boot-a"):
        self.db = EdgesDb(directory)
        self.told = Told()
        self.writer = EdgeWriter(self.db, boot, self.told, fail)
        self.writer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.close()
        self.db.close()


def stored(directory):
    reader = EdgesReader(directory / "edges.db")
    try:
        return reader.after(0, 1_000_000)
    finally:
        reader.close()


def rows(directory, sql):
    connection = sqlite3.connect(f"file:{directory}/edges.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
