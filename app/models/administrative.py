"""Which changes are decisions of the people who run the registry or a route."""

from app.models.enums import ChangeKind

_KINDS = ", ".join(
    f"'{kind}'"
    for kind in (
        ChangeKind.POLICY_SAVED,
        ChangeKind.ORGANIZER_SAVED,
        ChangeKind.WINDOW_SAVED,
        ChangeKind.WINDOW_WITHDRAWN,
        ChangeKind.SEASON_SAVED,
        ChangeKind.CLIENT_ISSUED,
        ChangeKind.CLIENT_ROTATED,
        ChangeKind.CLIENT_REVOKED,
        ChangeKind.CLIENT_WEBHOOK_SECRET_ISSUED,
        ChangeKind.NIK_BLOCKED,
        ChangeKind.NIK_BLOCK_LIFTED,
        ChangeKind.NIK_ALLOWANCE_SET,
        ChangeKind.NIK_ALLOWANCE_USED,
        ChangeKind.NIK_ALARM_RAISED,
        ChangeKind.CASE_DECIDED,
        ChangeKind.QUOTA_RELEASED,
        ChangeKind.QUOTA_RELEASE_CANCELLED,
        ChangeKind.STAFF_ADDED,
        ChangeKind.STAFF_REMOVED,
        ChangeKind.SWEEP_HALTED,
        ChangeKind.SWEEP_ALLOWED,
    )
)
ADMINISTRATIVE = f"kind IN ({_KINDS}) AND registrant_id IS NULL"
"""The condition for changes that people decide who run the registry or a route. The index on these changes and the
statements that read them must have the same condition.
"""
