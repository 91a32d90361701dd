"""The first tables."""

import sqlalchemy as sa
from alembic import op

from publisher.ledger.append_only import make_append_only
from publisher.ledger.tables import Id, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the ledger."""
    op.create_table(
        "alarm",
        sa.Column("id", Id, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.Column("cleared_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_open",
        "alarm",
        ["cause"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", Id, nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("call", sa.String(length=16), nullable=False),
        sa.Column("set_number", sa.BigInteger(), nullable=True),
        sa.Column("daemon_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("limit_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=True),
        sa.Column("slot", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_rate", "attempt", ["channel", "started_at"], unique=False)
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "channel_state",
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("stopped_at", Moment(), nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_since", Moment(), nullable=True),
        sa.Column("probe_at", Moment(), nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("not_before", Moment(), nullable=True),
        sa.Column("set_number", sa.BigInteger(), nullable=False),
        sa.Column("shown_at", Moment(), nullable=True),
        sa.Column("silent_since", Moment(), nullable=True),
        sa.Column("silent_until", Moment(), nullable=True),
        sa.Column("silent_reason", sa.Text(), nullable=True),
        sa.Column("silent_by", sa.Text(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_state")),
    )
    op.create_table(
        "channel_store",
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("until", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "name", name=op.f("pk_channel_store")),
    )
    op.create_table(
        "daemon",
        sa.Column("id", Id, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("lock_path", sa.Text(), nullable=True),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("heartbeat_at", Moment(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daemon")),
    )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ledger_id", sa.String(length=32), nullable=False),
        sa.Column("real", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )
    op.create_table(
        "feed",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("modified", sa.Text(), nullable=True),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("had_entries", sa.Boolean(), nullable=False),
        sa.Column("failing_since", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feed")),
    )
    op.create_table(
        "feed_entry",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("intake_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "entry_id", "digest", name=op.f("pk_feed_entry")),
    )
    op.create_table(
        "intake",
        sa.Column("id", Id, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("sub", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("declared", sa.Text(), nullable=True),
        sa.Column("is_folder", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("problems", sa.Text(), nullable=True),
        sa.Column("warnings", sa.Text(), nullable=True),
        sa.Column("place", sa.String(length=16), nullable=False),
        sa.Column("place_name", sa.Text(), nullable=True),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("duplicate_of", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("sidecar_sha256", sa.String(length=64), nullable=True),
        sa.Column("sidecar_source", sa.Text(), nullable=True),
        sa.Column("modified_at", Moment(), nullable=True),
        sa.Column("claimed_at", Moment(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("receipt_due", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
        sa.UniqueConstraint("n", "sub", name=op.f("uq_intake_n_sub")),
    )
    op.create_index(
        "ix_intake_unmoved",
        "intake",
        ["id"],
        sqlite_where=sa.text("moved = 0"),
        postgresql_where=sa.text("moved = false"),
    )
    due = sa.text("receipt_due <> 0")
    op.create_index("ix_intake_receipt_due", "intake", ["id"], sqlite_where=due, postgresql_where=due)
    op.create_index("ix_intake_notice_id", "intake", ["notice_id"], unique=False)
    op.create_index("ix_intake_sha256", "intake", ["sha256"], unique=False)
    op.create_index("ix_intake_state", "intake", ["state"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", Id, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("project_class", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("original_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["original_id"], ["notice.id"], name=op.f("fk_notice_original_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("identity", name=op.f("uq_notice_identity")),
    )
    op.create_index("ix_notice_project", "notice", ["project"], unique=False)
    op.create_table(
        "publication_log",
        sa.Column("seq", Id, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("tier", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("form", sa.String(length=32), nullable=True),
        sa.Column("project_class", sa.String(length=16), nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("visible_day", sa.String(length=10), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_publication_log")),
    )
    counted = ["recorded_at", "channel", "tier", "kind", "form", "project_class", "project", "operator", "weight"]
    for name, columns, condition in (
        ("ix_publication_log_counted", ["visible_day", *counted, "notice_id"], "weight <> 0"),
        ("ix_publication_log_acts", ["event", "visible_day"], "visible_day is not null and weight = 0"),
        ("ix_publication_log_standing", ["notice_id", "visible_day", *counted], "weight <> 0"),
    ):
        where = sa.text(condition)
        op.create_index(name, "publication_log", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_publication_log_delivery_id", "publication_log", ["delivery_id"], unique=False)
    op.create_index("ix_publication_log_notice_id", "publication_log", ["notice_id"], unique=False)
    op.create_index("ix_publication_log_number", "publication_log", ["number"], unique=False)
    op.create_table(
        "notice_rollup",
        sa.Column("visible_day", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("project_class", sa.String(length=16), nullable=False),
        sa.Column("notices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "visible_day", "channel", "tier", "kind", "form", "project_class", name=op.f("pk_notice_rollup")
        ),
    )
    op.create_table(
        "rollup",
        sa.Column("visible_day", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("project_class", sa.String(length=16), nullable=False),
        sa.Column("publications", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "visible_day", "channel", "tier", "kind", "form", "project_class", name=op.f("pk_rollup")
        ),
    )
    op.create_table(
        "version",
        sa.Column("id", Id, nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("text_digest", sa.String(length=80), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_version_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sa.UniqueConstraint("notice_id", "ordinal", name=op.f("uq_version_notice_id_ordinal")),
    )
    op.create_index("ix_version_text_digest", "version", ["text_digest"], unique=False)
    op.create_table(
        "approval",
        sa.Column("id", Id, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_approval_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("version_id", "by", name=op.f("uq_approval_version_id_by")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("project_class", sa.String(length=16), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("delivery_key", sa.String(length=64), nullable=False),
        sa.Column("notice_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("waits_for", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("rendition_sha256", sa.String(length=64), nullable=False),
        sa.Column("rendition_media_type", sa.String(length=64), nullable=False),
        sa.Column("rendition_title", sa.Text(), nullable=False),
        sa.Column("rendition_digest", sa.String(length=80), nullable=False),
        sa.Column("predecessor_id", sa.BigInteger(), nullable=True),
        sa.Column("publish_at", Moment(), nullable=True),
        sa.Column("deadline", Moment(), nullable=False),
        sa.Column("legal_by", Moment(), nullable=True),
        sa.Column("bid_deadline", Moment(), nullable=True),
        sa.Column("until", Moment(), nullable=True),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("first_attempt_at", Moment(), nullable=True),
        sa.Column("give_up_at", Moment(), nullable=True),
        sa.Column("call_over_at", Moment(), nullable=True),
        sa.Column("daemon_id", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("receipt_sha256", sa.String(length=64), nullable=True),
        sa.Column("channel_number", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("shown_digest", sa.String(length=80), nullable=True),
        sa.Column("visible_since", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("reason_given", sa.Text(), nullable=True),
        sa.Column("approvals_needed", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_delivery_notice_id")),
        sa.ForeignKeyConstraint(["predecessor_id"], ["delivery.id"], name=op.f("fk_delivery_predecessor_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_delivery_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("delivery_key", name=op.f("uq_delivery_delivery_key")),
    )
    op.create_index("ix_delivery_due", "delivery", ["channel", "next_at"], unique=False)
    op.create_index("ix_delivery_notice", "delivery", ["notice_id", "channel"], unique=False)
    op.create_index("ix_delivery_predecessor_id", "delivery", ["predecessor_id"], unique=False)
    op.create_index("ix_delivery_state", "delivery", ["state"], unique=False)
    op.create_index("ix_delivery_version_id", "delivery", ["version_id"], unique=False)
    op.create_table(
        "attempt_delivery",
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_attempt_delivery_attempt_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_delivery_id")),
        sa.PrimaryKeyConstraint("attempt_id", "delivery_id", name=op.f("pk_attempt_delivery")),
    )
    op.create_index("ix_attempt_delivery_delivery_id", "attempt_delivery", ["delivery_id"], unique=False)
    op.create_table(
        "observation",
        sa.Column("id", Id, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("finding", sa.String(length=16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_observation_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
    )
    op.create_index("ix_observation_delivery_id", "observation", ["delivery_id"], unique=False)
    op.create_index("ix_observation_rate", "observation", ["channel", "started_at"], unique=False)
    op.create_table(
        "rule_override",
        sa.Column("id", Id, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sub", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_override")),
        sa.UniqueConstraint("sha256", "sub", "rule", name=op.f("uq_rule_override_sha256_sub_rule")),
    )
    op.create_table(
        "task",
        sa.Column("id", Id, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_task_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_delivery_id", "task", ["delivery_id"], unique=False)
    op.create_table(
        "figure",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("set_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure")),
    )
    op.create_index("ix_figure_name_year", "figure", ["name", "year"], unique=False)
    op.create_table(
        "issued_report",
        sa.Column("id", Id, nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("issued_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issued_report")),
    )
    op.create_index("ix_issued_report_period", "issued_report", ["period"], unique=False)
    for name, table, condition in (
        ("ix_attempt_payload", "attempt", "detail is not null or evidence is not null"),
        ("ix_observation_payload", "observation", "detail is not null"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, ["started_at"], sqlite_where=where, postgresql_where=where)
    for name, table, columns, condition in (
        ("ix_delivery_ending", "delivery", ["channel", "until"], "state = 'published' and until is not null"),
        ("ix_attempt_showing", "attempt", ["channel"], "\"call\" = 'show' and ended_at is null"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    make_append_only(op.get_bind())
