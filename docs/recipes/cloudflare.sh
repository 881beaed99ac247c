#!/bin/sh
# Save as cloudflare.sh
#
# Cloudflare Pages: build command "sh cloudflare.sh", output directory "site", variable PYTHON_VERSION=3.13.
# It never makes pictures: give it no API key. It installs requirements.txt by itself.
set -eu

# Pages has the branch in the first variable, Workers Builds in the second.
branch=${CF_PAGES_BRANCH:-${WORKERS_CI_BRANCH:-}}
if [ "$branch" = main ]; then
  export GENIMAGE_MISSING=error # rather the site of yesterday than placeholders
else
  export GENIMAGE_MISSING=placeholder
fi
mkdocs build --strict
