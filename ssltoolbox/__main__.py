"""`python -m ssltoolbox` is `ssltoolbox`."""

from ssltoolbox.cli import main

main()
