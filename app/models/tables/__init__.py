"""Tables, vocabularies and constraints, a file per noun."""

# ruff: noqa: E402 - a constraint gets its name when its table is made, so the names come first.

from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

from app.models.tables.case import CaseClaim, DuplicateCase
from app.models.tables.change import Change, LogKey, LogSeal
from app.models.tables.client import (
    CheckBudget,
    Client,
    ClientSecret,
    RevokedToken,
    SignInLink,
    Staff,
    StaffSession,
    UsedAssertion,
)
from app.models.tables.figures import Publication, PublicCount, PublicFile, PublicStage
from app.models.tables.job import ImportChunk, ImportErased, ImportFile, ImportJob, ImportMissing
from app.models.tables.nik import NikAccess, NikBlock, PeopleRead
from app.models.tables.organizer import Organizer, Policy, RegistrationWindow
from app.models.tables.projection import Projection
from app.models.tables.registrant import EarlyEnd, Registrant
from app.models.tables.request import ClientWebhookSecret, KeyedRequest, SignedMessage
from app.models.tables.route import QuotaRelease, Route, SeatHold
from app.models.tables.season import Heartbeat, Prolongation, Season, SweepHalt
from app.models.tables.tally import Pulse, Tally, TallyDay, TallyDeadline, TallyDuplicate, TallyPair, TallyRoute
from app.models.tables.terminal import Terminal
from app.models.tables.webhook import EndedDelivery, Reminder, ReminderRound, Webhook, WebhookAttempt, WebhookDelivery

__all__ = [
    "CaseClaim",
    "Change",
    "CheckBudget",
    "Client",
    "ClientSecret",
    "ClientWebhookSecret",
    "DuplicateCase",
    "EarlyEnd",
    "EndedDelivery",
    "Heartbeat",
    "ImportChunk",
    "ImportErased",
    "ImportFile",
    "ImportJob",
    "ImportMissing",
    "KeyedRequest",
    "LogKey",
    "LogSeal",
    "NikAccess",
    "NikBlock",
    "Organizer",
    "PeopleRead",
    "Policy",
    "Projection",
    "Prolongation",
    "PublicCount",
    "PublicFile",
    "PublicStage",
    "Publication",
    "Pulse",
    "QuotaRelease",
    "Registrant",
    "RegistrationWindow",
    "Reminder",
    "ReminderRound",
    "RevokedToken",
    "Route",
    "Season",
    "SeatHold",
    "SignInLink",
    "SignedMessage",
    "Staff",
    "StaffSession",
    "SweepHalt",
    "Tally",
    "TallyDay",
    "TallyDeadline",
    "TallyDuplicate",
    "TallyPair",
    "TallyRoute",
    "Terminal",
    "UsedAssertion",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
]
