"""mkdocs-genimage: fenced ``genimage`` blocks become pictures in the built site."""
