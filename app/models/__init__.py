"""Tables, vocabularies and constraints, a file per noun."""

from app.models.case import CaseClaim, DuplicateCase
from app.models.change import Change, LogKey, LogSeal
from app.models.client import (
    CheckBudget,
    Client,
    ClientSecret,
    RevokedToken,
    SignInLink,
    Staff,
    StaffSession,
    UsedAssertion,
)
from app.models.job import ImportChunk, ImportErased, ImportFile, ImportJob, ImportMissing
from app.models.nik import NikAccess, NikBlock, PeopleRead
from app.models.organizer import Organizer, Policy, RegistrationWindow
from app.models.projection import Projection
from app.models.registrant import EarlyEnd, Registrant
from app.models.request import ClientWebhookSecret, KeyedRequest, SignedMessage
from app.models.route import QuotaRelease, Route
from app.models.season import Heartbeat, Prolongation, Season, SweepHalt
from app.models.tally import Tally, TallyDay, TallyDeadline, TallyDuplicate, TallyPair, TallyRoute
from app.models.terminal import Terminal
from app.models.webhook import Webhook, WebhookAttempt, WebhookDelivery

__all__ = [
    "CaseClaim",
    "Change",
    "CheckBudget",
    "Client",
    "ClientSecret",
    "ClientWebhookSecret",
    "DuplicateCase",
    "EarlyEnd",
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
    "QuotaRelease",
    "Registrant",
    "RegistrationWindow",
    "RevokedToken",
    "Route",
    "Season",
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
