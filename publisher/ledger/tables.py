"""The tables of the ledger, the same on SQLite and PostgreSQL.

Instants are whole microseconds since 1970-01-01T00:00Z in a big integer, so that both databases
sort and compare them alike; local days are text `YYYY-MM-DD`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC instant of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=micros)


def _stored(value: datetime | None) -> int | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"naive instant {value!r}")
    return to_micros(value)


def _read(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware instant, stored as microseconds; a naive value is refused."""

    impl = BigInteger
    cache_ok = True

    # The processors themselves, not what they would be made of: they run for a dozen columns of every row.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        """To microseconds."""
        return _stored

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:
        """From microseconds."""
        return _read


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite gives rising row ids only to INTEGER primary keys.
Id = BigInteger().with_variant(Integer, "sqlite")


def _where(condition: str) -> dict[str, Any]:
    """The condition of a partial index, for both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


blob = Table(
    "blob",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("stored_at", Moment, nullable=False),
)

intake = Table(
    "intake",
    metadata,
    Column("id", Id, primary_key=True),
    Column("n", BigInteger, nullable=False),  # the number staff know
    Column("sub", Integer, nullable=False),  # 0: the file itself; 1…: its rows
    Column("file_name", Text, nullable=False),  # as shown; repaired where the bytes are no UTF-8
    Column("source", Text, nullable=False),  # path under the drop folder, file-system encoded with surrogates escaped
    Column("declared", Text),  # the folder it was dropped in, if that names a kind or form
    Column("is_folder", Boolean, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the file, or of the folder's manifest
    Column("state", String(16), nullable=False),
    Column("reason", String(40)),
    Column("problems", Text),  # JSON list
    Column("warnings", Text),  # JSON list
    Column("place", String(16), nullable=False),  # staff folder in which the file belongs
    Column("place_name", Text),  # where it lies there, relative to the staff folder
    Column("moved", Boolean, nullable=False),  # whether the file was seen to lie there
    Column("notice_id", BigInteger),
    Column("version_id", BigInteger),
    Column("duplicate_of", BigInteger),
    Column("answer", String(16)),  # of staff to a question: version, change, duplicate, publish, settled
    Column("answered_by", Text),
    Column("sidecar_sha256", String(64)),  # of what staff state beside the file
    Column("sidecar_source", Text),  # where that lay, as `source`
    Column("modified_at", Moment),  # when the file was last written, as the file system tells
    Column("claimed_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("receipt_due", SmallInteger, nullable=False, server_default="0"),  # 0 no, 1 yes, 2 being written
    UniqueConstraint("n", "sub"),
    Index("ix_intake_sha256", "sha256"),
    Index("ix_intake_state", "state"),
    # Few rows at a time: the program looks for them at every tick.
    Index("ix_intake_unmoved", "id", sqlite_where=text("moved = 0"), postgresql_where=text("moved = false")),
    Index("ix_intake_receipt_due", "id", **_where("receipt_due <> 0")),
    Index("ix_intake_notice_id", "notice_id"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Id, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    Column("project", Text, nullable=False),  # the project part of the identity
    Column("kind", String(32), nullable=False),
    Column("form", String(32), nullable=False),
    Column("project_class", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("original_id", BigInteger, ForeignKey("notice.id")),
    Column("created_at", Moment, nullable=False),
    Index("ix_notice_project", "project"),
)

version = Table(
    "version",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notice_id", BigInteger, ForeignKey("notice.id"), nullable=False),
    Column("number", String(32), nullable=False),  # intake number
    Column("ordinal", Integer, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("content", Text, nullable=False),  # the Notice as JSON
    Column("content_sha256", String(64), nullable=False),
    Column("text_digest", String(80), nullable=False),
    Column("superseded", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("notice_id", "ordinal"),
    Index("ix_version_text_digest", "text_digest"),
)

ENDING = "state = 'published' and until is not null"
"""What of a set channel will end by itself. Queries must say it in these words, or the index is not used."""
SHOWING = "\"call\" = 'show' and ended_at is null"
"""The changes of a set that are under way, in the words of queries and of their index."""

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notice_id", BigInteger, ForeignKey("notice.id"), nullable=False),
    Column("version_id", BigInteger, ForeignKey("version.id"), nullable=False),
    Column("number", String(32), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("kind", String(32), nullable=False),  # of its notice, as the log repeats it
    Column("form", String(32), nullable=False),
    Column("project_class", String(16), nullable=False),
    Column("project", Text, nullable=False),  # of its notice too
    Column("operator", Text),  # who approved or confirmed it; None: nobody had to
    Column("operation", String(16), nullable=False),
    Column("mandatory", Boolean, nullable=False),
    Column("delivery_key", String(64), nullable=False, unique=True),
    Column("notice_key", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("waits_for", String(16)),
    Column("reason", String(40)),
    Column("detail", Text),
    Column("rendition_sha256", String(64), nullable=False),
    Column("rendition_media_type", String(64), nullable=False),
    Column("rendition_title", Text, nullable=False),
    Column("rendition_digest", String(80), nullable=False),
    Column("predecessor_id", BigInteger, ForeignKey("delivery.id")),
    Column("publish_at", Moment),
    Column("deadline", Moment, nullable=False),
    Column("legal_by", Moment),  # by when the law has the notice public; None: no rule says
    Column("bid_deadline", Moment),
    Column("until", Moment),
    Column("next_at", Moment),  # when the program next acts on it by itself
    Column("tries", Integer, nullable=False),  # failed tries since it last became ready
    Column("asks", Integer, nullable=False),  # finds since the last attempt
    Column("first_attempt_at", Moment),
    Column("give_up_at", Moment),
    Column("call_over_at", Moment),  # when the last call is known to be over
    Column("daemon_id", BigInteger),  # who is sending or asking
    Column("lease_until", Moment),
    Column("receipt", Text),  # JSON
    Column("receipt_sha256", String(64)),
    Column("channel_number", Text),
    Column("url", Text),
    Column("shown_digest", String(80)),
    Column("visible_since", Moment),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("reason_given", Text),  # of a withdraw or update; of a publication: why it was withdrawn
    Column("approvals_needed", SmallInteger, nullable=False, server_default="0"),  # as the rules said when it was made
    Index("ix_delivery_due", "channel", "next_at"),
    Index("ix_delivery_notice", "notice_id", "channel"),
    Index("ix_delivery_state", "state"),
    Index("ix_delivery_version_id", "version_id"),
    Index("ix_delivery_predecessor_id", "predecessor_id"),
    Index("ix_delivery_ending", "channel", "until", **_where(ENDING)),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("call", String(16), nullable=False),  # submit | show
    Column("set_number", BigInteger),
    Column("daemon_id", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("limit_at", Moment, nullable=False),
    Column("ended_at", Moment),  # when the call is known to be over
    Column("outcome", String(16)),
    Column("reason", String(40)),
    Column("detail", Text),
    Column("evidence", Text),
    Column("request_digest", String(64)),
    Column("slot", Boolean, nullable=False),  # whether it counts against the rate limit
    Index("ix_attempt_rate", "channel", "started_at"),
    Index("ix_attempt_showing", "channel", **_where(SHOWING)),
    Index("ix_attempt_payload", "started_at", **_where("detail is not null or evidence is not null")),
)

attempt_delivery = Table(
    "attempt_delivery",
    metadata,
    Column("attempt_id", BigInteger, ForeignKey("attempt.id"), primary_key=True),
    Column("delivery_id", BigInteger, ForeignKey("delivery.id"), primary_key=True),
    Column("outcome", String(16)),
    Index("ix_attempt_delivery_delivery_id", "delivery_id"),
)

observation = Table(
    "observation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", BigInteger, ForeignKey("delivery.id")),  # None: the channel's own list was read
    Column("channel", String(64), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("finding", String(16)),
    Column("detail", Text),
    Column("digest", String(80)),
    Index("ix_observation_rate", "channel", "started_at"),
    Index("ix_observation_payload", "started_at", **_where("detail is not null")),
    Index("ix_observation_delivery_id", "delivery_id"),
)

COUNTED = ("recorded_at", "channel", "tier", "kind", "form", "project_class", "project", "operator", "weight")
"""Columns of the log that a count may need beside the day and the notice."""
_ACTS = _where("visible_day is not null and weight = 0")
_WEIGHTED = _where("weight <> 0")

publication_log = Table(
    "publication_log",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("payload", Text, nullable=False),  # the exact text that is hashed
    Column("event", String(32), nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("number", String(32)),
    Column("notice_id", BigInteger),
    Column("delivery_id", BigInteger),
    Column("channel", String(64)),
    Column("tier", String(16)),
    Column("kind", String(32)),
    Column("form", String(32)),
    Column("project_class", String(16)),
    Column("project", Text),
    Column("operator", Text),  # of a row with a weight: whose publication it is
    Column("visible_day", String(10)),
    Column("weight", Integer, nullable=False),  # +1 a publication, -1 one taken back, 0 anything else
    Column("by", Text, nullable=False),
    # The rows that count, by day and by notice, with everything that counts ask for: their queries read no row.
    Index("ix_publication_log_counted", "visible_day", *COUNTED, "notice_id", **_WEIGHTED),
    Index("ix_publication_log_acts", "event", "visible_day", **_ACTS),
    Index("ix_publication_log_standing", "notice_id", "visible_day", *COUNTED, **_WEIGHTED),
    Index("ix_publication_log_notice_id", "notice_id"),
    Index("ix_publication_log_delivery_id", "delivery_id"),
    Index("ix_publication_log_number", "number"),
)

rollup = Table(
    "rollup",
    metadata,
    Column("visible_day", String(10), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("tier", String(16), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("form", String(32), primary_key=True),
    Column("project_class", String(16), primary_key=True),
    Column("publications", BigInteger, nullable=False),
)

# Distinct notices by the smallest day still standing: anywhere (channel and tier ""), on a tier (channel ""),
# on a channel. The three are counted apart, because a notice on two channels of a tier is one notice of the tier.
notice_rollup = Table(
    "notice_rollup",
    metadata,
    Column("visible_day", String(10), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("tier", String(16), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("form", String(32), primary_key=True),
    Column("project_class", String(16), primary_key=True),
    Column("notices", BigInteger, nullable=False),
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("ledger_id", String(32), nullable=False),
    Column("real", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

channel_state = Table(
    "channel_state",
    metadata,
    Column("channel", String(64), primary_key=True),  # "*": all channels
    Column("stopped_at", Moment),
    Column("stop_reason", Text),
    Column("stopped_by", Text),
    Column("failures", Integer, nullable=False),  # in a row
    Column("open_since", Moment),  # the breaker; None: closed
    Column("probe_at", Moment),
    Column("probes", Integer, nullable=False),
    Column("not_before", Moment),  # the channel itself asked us to wait
    Column("set_number", BigInteger, nullable=False),
    Column("shown_at", Moment),  # sets: when one was last shown, or begun to be
    Column("silent_since", Moment),  # the last silence, over or not: no call from here
    Column("silent_until", Moment),  # … to here
    Column("silent_reason", Text),
    Column("silent_by", Text),
    Column("closed_at", Moment),  # when the breaker last closed
)

channel_store = Table(
    "channel_store",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("value", Text, nullable=False),
    Column("until", Moment),
)

rule_override = Table(
    "rule_override",
    metadata,
    Column("id", Id, primary_key=True),
    # bound to the exact file (and row of a workbook): other bytes are judged anew
    Column("sha256", String(64), nullable=False),
    Column("sub", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_at", Moment, nullable=False),
    UniqueConstraint("sha256", "sub", "rule"),
)

task = Table(
    "task",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", BigInteger, ForeignKey("delivery.id"), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("what", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("done_at", Moment),
    Column("done_by", Text),
    Column("proof", Text),
    Index("ix_task_delivery_id", "delivery_id"),
)

approval = Table(
    "approval",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version_id", BigInteger, ForeignKey("version.id"), nullable=False),
    Column("by", Text, nullable=False),
    Column("account", Text, nullable=False),  # OS user and host
    Column("digests", Text, nullable=False),  # JSON: version and renditions that were approved
    Column("given_at", Moment, nullable=False),
    UniqueConstraint("version_id", "by"),
)

feed = Table(
    "feed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("etag", Text),
    Column("modified", Text),  # Last-Modified, as it came
    Column("next_at", Moment),
    Column("had_entries", Boolean, nullable=False),
    Column("failing_since", Moment),
)

feed_entry = Table(
    "feed_entry",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("digest", String(64), primary_key=True),  # of the entry's page
    Column("intake_id", BigInteger),  # null: there before the feed was first read, too old to be taken
    Column("seen_at", Moment, nullable=False),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", Id, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("channel", String(64)),
    Column("raised_at", Moment, nullable=False),
    Column("cleared_at", Moment),
    # one open alarm per cause
    Index(
        "uq_alarm_open",
        "cause",
        unique=True,
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
)

daemon = Table(
    "daemon",
    metadata,
    Column("id", Id, primary_key=True),  # the epoch: a later daemon has a larger one
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("lock_path", Text),  # free on its host: the daemon is dead
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("lease_until", Moment),
    Column("ended_at", Moment),  # when it stopped, or was proven dead
)

figure = Table(
    "figure",
    metadata,
    Column("id", Id, primary_key=True),  # append-only: of one name and year the newest row stands
    Column("name", String(120), nullable=False),
    Column("year", Integer, nullable=False),
    Column("value", Text, nullable=False),  # as typed: a number, or text
    Column("by", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("source", Text),  # where it was taken from
    Column("set_at", Moment, nullable=False),
    Index("ix_figure_name_year", "name", "year"),
)

issued_report = Table(
    "issued_report",
    metadata,
    Column("id", Id, primary_key=True),
    Column("period", String(10), nullable=False),  # YYYY or YYYY-MM
    Column("seq", BigInteger, nullable=False),  # the head of the log it was drawn from
    Column("hash", String(64), nullable=False),
    Column("figures", Text, nullable=False),  # JSON: name → value as text
    Column("by", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Index("ix_issued_report_period", "period"),
)
