"""``python -m promptops.cli``."""

from promptops.cli import main

main()
