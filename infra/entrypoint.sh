#!/bin/sh
# The image's weights and engine environments, seen from the near cache: POLYDUB_HOME is a volume that outlives the image,
# and what is linked into it is always that of the image that runs.
set -eu
baked="${POLYDUB_BAKED:-/opt/polydub}"
mkdir -p "$POLYDUB_HOME"
for name in models engines; do
    if [ -d "$baked/$name" ] && { [ -L "$POLYDUB_HOME/$name" ] || [ ! -e "$POLYDUB_HOME/$name" ]; }; then
        ln -sfn "$baked/$name" "$POLYDUB_HOME/$name"
    fi
done
exec "$@"
