"""Run the generator: ``python -m tools.codegen DOCUMENT --output DIRECTORY [--check]``."""

from tools.codegen.cli import main

raise SystemExit(main())
