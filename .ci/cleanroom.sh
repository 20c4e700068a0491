#!/usr/bin/env bash
# Installs what a user would get into an empty environment, and runs the fast tests on it: without network but this
# machine's own, with a home that is empty and can't be written to, and without a terminal.
#
#   cleanroom.sh [PYTHON] [lowest-direct|highest] [wheel|sdist]
#
# PYTHON is whatever `uv venv --python` takes. uv is on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-3.11} versions=${2:-lowest-direct} built=${3:-wheel}
room=$PWD/build/cleanroom/$(basename "$python")-$versions-$built
environment=$room/environment

rm -rf "$room"
mkdir -p "$room/home"
uv build --quiet --out-dir "$room/dist"
uv venv --quiet --python "$python" "$environment"
# As direct requirements: those of a wheel are none to uv, and it would take their newest versions.
VIRTUAL_ENV=$environment uv pip install --quiet --resolution "$versions" --requirements pyproject.toml \
    --extra video --extra saliency --extra onnx --extra remote 'pytest>=8.2' 'pytest-xdist>=3.6' 'hypothesis>=6.100'
case $built in wheel) file=("$room"/dist/*.whl) ;; sdist) file=("$room"/dist/*.tar.gz) ;; esac
VIRTUAL_ENV=$environment uv pip install --quiet --no-deps "${file[@]}"
VIRTUAL_ENV=$environment uv pip list --quiet > "$room/versions.txt"

# The tests come from the sdist; PYTHONSAFEPATH keeps the modules that lie beside them from being imported.
mkdir "$room/source"
tar -xzf "$room"/dist/*.tar.gz --strip-components 1 -C "$room/source"
cd "$room/source"
tests=(env -i PATH="$environment/bin:/usr/bin:/bin" HOME="$room/home" LANG=C.UTF-8 PYTHONSAFEPATH=1
    setsid --wait "$environment/bin/pytest" -q -m "not slow" -p no:cacheprovider --durations=5
    --numprocesses auto --maxprocesses 4 --dist loadfile
    -W ignore::DeprecationWarning -W ignore::FutureWarning tests plugins)
apart=(unshare --user --map-root-user --mount --net)
if "${apart[@]}" true; then
    "${apart[@]}" bash -euo pipefail -c '
        ip link set lo up
        mount -t tmpfs -o ro tmpfs "$1"
        shift
        exec "$@" < /dev/null 2>&1
    ' - "$room/home" "${tests[@]}" | tee "$room/tests.txt"
else
    echo "Nothing may be cut off here: the tests have the network, and a home that can be written to."
    "${tests[@]}" < /dev/null 2>&1 | tee "$room/tests.txt"
fi
