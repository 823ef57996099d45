#!/usr/bin/env bash
# One short line per artefact of the paper; the first call sets up .venv. See ./run_experiments.sh --help
set -euo pipefail

script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do # one link at a time: before macOS 12.3 readlink has no -f
    link=$(readlink -- "$script")
    if [[ $link == /* ]]; then script=$link; else script=$(dirname -- "$script")/$link; fi
done
root=$(CDPATH='' cd -P -- "$(dirname -- "$script")" && pwd)
venv=$root/.venv
platforms='Linux with glibc on x86_64 or aarch64, macOS on Apple silicon, or Windows through WSL2'

# What is no experiment; experiments and ablations are found by their files.
commands='  ablations      485 min  all ablations below
  all           1215 min  all experiments and ablations but methods_search; what several share is trained once
  labs           140 min  the labs of the course, solved, in full: results/labs; or one of them: labs music
  report           1 min  every table, figure and results/index.html again from the rows in results/
  compare          0 min  how far your own rows are from those in results/, run by run
  benchmark       20 min  speed and memory of training, resampling and rendering, each beside its peer; --quick: 4 min
  detection        2 min  sliding windows on real photographs, by the models of quick: results/detection
  photographs      5 min  models of transfer tested on adults of UTKFace: --faces utkface.h5 --negatives tiny.h5
  list             0 min  every experiment with its runs and minutes
  test             6 min  all but the slowest tests; test --all: all, 16 min; other words go to pytest'

main() {
    case ${1:-quick} in
        -h | --help | help) show_help ;;
        test) run_tests "${@:2}" ;;
        -*) run_artefact quick "$@" ;;
        *) run_artefact "${1:-quick}" "${@:2}" ;;
    esac
}

show_help() {
    cat <<EOF
Usage: ./run_experiments.sh [ARTEFACT] [OPTIONS]; without an artefact: quick

Artefact, minutes on two cores, what it makes:
$(experiments_in experiments)
$commands

One ablation alone:
$(experiments_in experiments/ablations)

The first call also sets up .venv (1 to 5 minutes, 4 GiB), on $platforms.
PYTHON=/path/to/python3 chooses its Python: 3.11, 3.12 or 3.13.
GPU=1 adds CUDA for NVIDIA cards on Linux (4 GiB more); without it everything runs on the CPU, as the minutes above did.
Finished work is kept: a second call, or one after an interruption, does only what is missing.

  ./run_experiments.sh                                 everything the README's first screen shows
  ./run_experiments.sh --data path/to/train_face.h5    the same job on the course's faces; or: --data digits
  ./run_experiments.sh ablations --smoke               every ablation at toy size
  ./run_experiments.sh quick --help                    the options of an artefact
  ./run_experiments.sh test -k resampling              some of the tests, slow ones too
EOF
}

# Name, minutes and first sentence of each file in a folder that holds an EXPERIMENT, the shortest first.
experiments_in() {
    awk 'FNR == 1 { name = FILENAME; gsub(/.*\/|[.]py$/, "", name); gsub(/"""/, ""); about[name] = $0 }
        match($0, /minutes=[0-9]+/) { minutes[name] = substr($0, RSTART + 8, RLENGTH - 8) }
        /^EXPERIMENT *[:=]/ { found[name] }
        END { for (name in found) printf "  %-14s %3d min  %s\n", name, minutes[name], about[name] }' \
        "$root/$1"/*.py | LC_ALL=C sort -k 2,2n -k 1,1
}

# The caller stays in their own folder, so that relative paths mean what they say.
run_artefact() {
    show_help | awk -v name="$1" '$1 == name && $3 == "min" { found = 1 } END { exit !found }' ||
        fail "unknown artefact '$1': ./run_experiments.sh --help lists them"
    set_up
    case $1 in
        report | compare | benchmark | detection | photographs | list) exec "$venv/bin/python" -m experiments "$@" ;;
        labs) exec "$venv/bin/python" -m labs run "${@:2}" ;;
        *) exec "$venv/bin/python" -m experiments run "$@" ;;
    esac
}

run_tests() {
    local style=0 chosen=(-m 'not slow') # without words: what a newcomer waits for
    if [[ ${1:-} == --all ]]; then shift && chosen=("$@"); elif (($#)); then chosen=("$@"); fi
    set_up
    cd -- "$root"
    "$venv/bin/python" -m ruff check --quiet || style=$?
    # One process a file: what the tests of a file share is made once. What takes longest first: see tests/conftest.py.
    "$venv/bin/python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
        ${chosen[@]+"${chosen[@]}"} && return "$style" # so written for Bash 3.2, where an empty list is no list
}

fail() {
    echo "error: $*" >&2
    exit 2
}

# experiments/environment.py makes .venv: kill this at any moment and call it again, it goes on where it stopped.
set_up() {
    unset PYTHONPATH PYTHONHOME # another project's packages must not leak into ours,
    export PYTHONSAFEPATH=1     # nor modules of the caller's folder
    local python=$venv/bin/python
    if [[ -n ${PYTHON:-} || ! -f $venv/created.stamp || ! -x $python ]]; then python=$(choose_python); fi
    "$python" "$root/experiments/environment.py" "$python" || exit
    export PYTHONPATH=$root NUMBA_CACHE_DIR=${NUMBA_CACHE_DIR:-$root/.cache/numba}
    export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-3}
}

choose_python() {
    case $(uname -sm) in Linux* | 'Darwin arm64') ;; *) fail "TensorFlow has no packages for $(uname -sm): use $platforms" ;; esac
    local python version candidates=(python3.13 python3.12 python3.11 python3) found=none
    if [[ -n ${PYTHON:-} ]]; then candidates=("$PYTHON"); fi
    for python in "${candidates[@]}"; do
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        found=$version
        case $version in 3.11 | 3.12 | 3.13) ;; *) continue ;; esac
        if [[ -f $venv/created.stamp ]] || "$python" -c 'import ensurepip, venv' 2>/dev/null; then echo "$python" && return; fi
        found="$version without its venv module (Debian, Ubuntu: apt install python$version-venv)"
    done
    fail "Python 3.11, 3.12 or 3.13 is needed, found $found: install one or set PYTHON=/path/to/python3"
}

main "$@"
