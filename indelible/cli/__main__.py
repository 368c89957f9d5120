"""`python -m indelible.cli`."""

from indelible.cli.main import main

main()
