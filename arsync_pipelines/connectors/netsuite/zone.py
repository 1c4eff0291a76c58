"""Time in the account's zone. SuiteQL renders and compares timestamps as local clock time without an offset.

Rows are converted to UTC here, and instants to filter literals. Twice a year a local clock lies: the hour that is
passed twice in autumn is read as one block (`ambiguous_hour`), the hour that is skipped in spring never starts a read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from arsync_pipelines.domain.errors import SourceContractBroken

FORMAT = "%Y-%m-%d %H:%M:%S"
SECOND = timedelta(seconds=1)
_CACHE_LIMIT = 50_000


class ZoneClock(dict[str, str]):
    """Maps local text to UTC text, both 'YYYY-MM-DD HH:MM:SS', and remembers what it has converted.

    Lines of one document share a second, and one conversion serves its whole minute: no offset since 1972 has seconds.
    Of the hour that is passed twice the earlier pass is taken: the rendering does not tell them apart.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self.zone = zone

    def __missing__(self, local: str) -> str:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        seconds = local[16:]
        if len(seconds) == 3 and seconds[0] == ":" and "00" < seconds[1:] < "60" and seconds[1:].isdigit():
            value = self[local[:16] + ":00"][:16] + seconds
        else:
            value = parse(local).replace(tzinfo=self.zone).astimezone(UTC).strftime(FORMAT)
        self[local] = value
        return value

    def local(self, instant: datetime) -> str:
        """An aware instant as the account's clock shows it."""
        return instant.astimezone(self.zone).strftime(FORMAT)

    def is_ambiguous(self, local: str) -> bool:
        """Whether the account's clock shows this time twice."""
        return _twice(parse(local), self.zone)

    def ambiguous_hour(self, local: str) -> tuple[str, str]:
        """The last second before, and the first after, the ambiguous stretch that holds `local`; both are certain."""
        moment = parse(local).replace(second=0)
        step = timedelta(minutes=1)
        begin, end = moment, moment + step
        while _twice(begin - step, self.zone):
            begin -= step
        while _twice(end, self.zone):
            end += step
        return (begin - SECOND).strftime(FORMAT), end.strftime(FORMAT)

    def lower_bound(self, local: str, overlap: timedelta) -> str:
        """A certain local time at least `overlap` before `local`, whichever pass of the clock `local` belongs to."""
        moment = parse(local) - overlap
        if _twice(moment, self.zone):
            return self.ambiguous_hour(moment.strftime(FORMAT))[0]
        if _skipped(moment, self.zone):
            moment -= timedelta(hours=1)
        return moment.strftime(FORMAT)


def parse(local: str) -> datetime:
    """'YYYY-MM-DD HH:MM:SS' as a naive datetime; raises SourceContractBroken when it is anything else."""
    try:
        if len(local) != 19:
            raise ValueError(local)
        return datetime.fromisoformat(local)
    except ValueError as error:
        raise SourceContractBroken(
            f"netsuite: {local!r} is no timestamp of the form YYYY-MM-DD HH:MM:SS; was TO_CHAR ignored?"
        ) from error


def _offsets(moment: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    first = moment.replace(tzinfo=zone, fold=0).utcoffset()
    second = moment.replace(tzinfo=zone, fold=1).utcoffset()
    return first or timedelta(), second or timedelta()


def _twice(moment: datetime, zone: ZoneInfo) -> bool:
    first, second = _offsets(moment, zone)
    return first > second


def _skipped(moment: datetime, zone: ZoneInfo) -> bool:
    first, second = _offsets(moment, zone)
    return first < second
