"""A change of the directory from files to Asterisk: planned, proved publishable, stored, published."""

from __future__ import annotations

from ringfence.app.collector import resting
from ringfence.app.directory_import import DirectoryImport, ImportPlan, StoredDirectory
from ringfence.app.failover import Failover
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.orders import taking_out
from ringfence.app.ports import RingfenceError
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import CsvFiles
from ringfence.domain.route_table import TableError


class NotPublishable(RingfenceError):
    """The files are right, and the table they give cannot be published."""


class DirectoryChange:
    """Import and export while the daemon runs."""

    def __init__(self, files: DirectoryImport, keeper: TableKeeper, failover: Failover, desk: RosterDesk) -> None:
        self._files = files
        self._keeper = keeper
        self._failover = failover
        self._desk = desk

    async def plan(self, files: CsvFiles) -> ImportPlan:
        """Reads and compares; stores nothing. May raise StoreError."""
        with resting():
            return await self._files.plan(files)

    async def apply(self, plan: ImportPlan, who: str, why: str) -> StoredDirectory:
        """Stores what the plan showed, then publishes what it makes together with the roster. Raises ImportRefused,
        NotPublishable, StoreError; then nothing has changed."""
        with resting():
            try:
                if plan.reading.directory is not None:
                    await self._prove(plan.reading.directory)
                stored = await self._files.apply(plan, who, why)
                await self._desk.rebase(stored)
            finally:
                self._keeper.forget()
        await self._release_the_gone(stored.directory, who)
        return stored

    async def _prove(self, directory: Directory) -> None:
        effective = await self._desk.effective_with(directory)
        try:
            await self._keeper.prepare(effective.directory)
        except TableError as error:
            raise NotPublishable(str(error)) from error

    async def _release_the_gone(self, directory: Directory, who: str) -> None:
        """A DID that comes back one day, with another owner, must not inherit a word about this one."""
        named = {did for target in self._failover.overrides for did in target.listed}
        gone = {did for did in named if directory.assignment(did) is None}
        for order in taking_out(self._failover.overrides, gone, who, "the DID has left the directory"):
            await self._failover.order(order)

    async def export(self) -> dict[str, str]:
        """File name -> CSV text, private numbers in clear. May raise StoreError."""
        return await self._files.export()
