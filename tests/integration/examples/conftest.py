"""Collects the test of the replayed solutions only where their file is named."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("PROMPTOPS_TEST_GSM8K") else ["test_replay_gsm8k.py"]
