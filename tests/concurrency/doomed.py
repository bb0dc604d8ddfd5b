"""Processes of their own that are killed. They come from one that has imported what they need, which takes seconds."""

from __future__ import annotations

import multiprocessing

DOOMED = multiprocessing.get_context("forkserver")
DOOMED.set_forkserver_preload(["tests.world", "app.changes.log.tallies", "app.changes.webhooks.sender"])
