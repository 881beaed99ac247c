"""`python -m mkdocs_genimage` is `mkdocs-genimage`."""

from mkdocs_genimage.cli import main

main(prog_name="mkdocs-genimage")
