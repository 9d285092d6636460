"""The files of entries and blocks as holdings use them: in order on the disks' threads, or open.

What is done to one file is done in the order of asking (`ordered`); what is written of an entry can
be waited for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial

import structlog

from edge.cache.disk import TRAILER_BYTES, CorruptBlockError, Disk
from edge.cache.open_files import BlockFile, OpenFiles, is_resident, open_files_max
from edge.cache.ordered import OrderedTasks
from edge.cache.records import entry_from, record_of
from edge.entry import Entry
from edge.marks_file import KeptMarks

__all__ = ["BlockFile", "Files"]


class Files:
    """The file work of one worker; which marks are good is kept on its `first` disk."""

    entry_from = staticmethod(entry_from)

    def __init__(self, first: Disk) -> None:
        self.marks = KeptMarks(partial(self.save, first))
        self._log = structlog.get_logger("edge.files")
        self.open_files = OpenFiles(open_files_max())
        self._tasks = OrderedTasks()
        self._records: set[Future[None]] = set()

    def write_block(self, entry: Entry, block: int, content: memoryview) -> Future[BlockFile]:
        """Write a whole block."""
        writing = partial(entry.disk.write_block, entry.object_id, entry.files_name, block, content)
        return self._tasks.submit(entry.disk.writer, _place(entry, block), writing)

    def verify_block(self, entry: Entry, block: int) -> Future[BlockFile]:
        """Read a block and check it."""
        size = entry.block_size(block)
        reading = partial(entry.disk.verify_block, entry.object_id, entry.files_name, block, size)
        return self._tasks.submit(entry.disk.threads, _place(entry, block), reading)

    def reopen(self, entry: Entry, block: int) -> BlockFile:
        """Open a block's file. Raises OSError, CorruptBlockError."""
        file = entry.disk.open_block(entry.object_id, entry.files_name, block)
        if os.fstat(file.fd).st_size != entry.block_size(block) + TRAILER_BYTES:
            raise CorruptBlockError("wrong length")
        return file

    def is_resident(self, entry: Entry, block: int, file: BlockFile) -> bool:
        """Whether a block can be sent from memory."""
        return is_resident(file.fd, entry.block_size(block))

    def remove_block(self, entry: Entry, block: int) -> None:
        """Unlink a block; readers that hold it keep it."""
        self.remove_named(entry.disk, entry.object_id, entry.files_name, block)

    def remove_named(self, disk: Disk, object_id: str, files_name: str, block: int) -> None:
        """Unlink a block of whatever version."""
        removing = partial(disk.remove_block, object_id, files_name, block)
        self._in_background(disk, f"{object_id}/{files_name}-{block}", removing)

    def remove_object(self, disk: Disk, object_id: str) -> None:
        """Unlink everything of an object."""
        self._in_background(disk, object_id, partial(disk.remove_object, object_id))

    def save(self, disk: Disk, name: str, saving: Callable[[], None]) -> Future[None]:
        """Write something else down; the future is done when it is on the disk."""
        return self._in_background(disk, name, saving)

    def save_entry(self, entry: Entry) -> None:
        """Write down what is known of an entry."""
        self._in_records(entry, partial(entry.disk.write_entry, entry.object_id, record_of(entry)))

    def remove_entry(self, entry: Entry) -> None:
        """Unlink what was written down of an entry."""
        self._in_records(entry, partial(entry.disk.remove_entry, entry.object_id))

    async def recorded(self) -> bool:
        """Return once the disks know of every entry what was to be written down until now.

        False when which of them are good could not be written.
        """
        records = list(self._records)
        if records:
            await asyncio.get_running_loop().run_in_executor(None, wait, records)
        return await self.marks.recorded()

    def _in_records(self, entry: Entry, function: Callable[[], None]) -> None:
        task = self._in_background(entry.disk, entry.object_id, function)
        self._records.add(task)
        task.add_done_callback(self._records.discard)

    def _in_background(self, disk: Disk, name: str, function: Callable[[], None]) -> Future[None]:
        task = self._tasks.submit(disk.threads, name, function)
        task.add_done_callback(self._note_failure)
        return task

    def _note_failure(self, task: Future[None]) -> None:
        error = task.exception()
        if error is not None:
            self._log.warning("disk task failed", error=repr(error))


def _place(entry: Entry, block: int) -> str:
    return f"{entry.object_id}/{entry.files_name}-{block}"
