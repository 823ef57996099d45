#!/usr/bin/env bash
# One short line per artefact of the paper; the first call sets up .venv. See ./run_experiments.sh --help
set -euo pipefail

root=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
venv=$root/.venv
created=$venv/created.stamp     # Python's version, written once the empty environment is whole
installed=$venv/installed.stamp # checksum of requirements.txt, written once every package is in
log=$root/.cache/setup.log
needed_gib=5
supported='3.11 3.12 3.13'

# artefact, minutes on two cores after the set-up, what it makes
artefacts='
quick         8  the comparison of five methods on four groups: table, figures and rows in results/quick (default)
table1       75  the table of the paper: two rules, four values of alpha, two numbers of latents, ten seeds
figures       5  the figures of the paper, and what it does not show; with table1 done, else 12 minutes more
ablations    90  fifteen ablations, five to ten seeds each; with table1 done, else as much again
calibration  15  the benchmark shows the bias of the paper: ten seeds of the CNN and of the oracle
all         190  all of the above
labs        130  the labs of the course, solved, in full: tables, figures and tunes in results/labs; or one: labs music
report        1  every table, figure and results/index.html again from the rows in results/
benchmark     8  images per second of training, resampling and rendering, each beside its peer: results/benchmark
detection     2  sliding windows on real photographs, by the models of quick: results/detection
list          0  every experiment with its runs and minutes
test          8  the tests; further words go to pytest
'
# the ablations one by one
ablations='alpha rule threshold k histogram latents bins reconstruction refresh kl encoder darker size lighter epochs'

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
Usage: ./run_experiments.sh [ARTEFACT] [OPTIONS]

Artefact, minutes on two cores, what it makes:
$(awk 'NF { minutes = $2; name = $1; $1 = $2 = ""; printf "  %-12s %3d min%s\n", name, minutes, $0 }' <<<"$artefacts")

One ablation alone: $ablations

The first call also sets up .venv (2 to 5 minutes, 4 GiB); PYTHON=/path/to/python3 chooses its Python (${supported// /, }).
Finished work is kept: a second call, or one after an interruption, does only what is missing.

Examples:
  ./run_experiments.sh                                 everything the README's first screen shows
  ./run_experiments.sh --data digits                   the same job on handwritten digits
  ./run_experiments.sh --data path/to/train_face.h5    the same job on the course's faces
  ./run_experiments.sh table1 --train celeba.h5 --test ppb.h5   the paper's own data, see README
  ./run_experiments.sh table1 --seeds 3 --jobs 1       fewer seeds, one run at a time
  ./run_experiments.sh ablations --smoke               every ablation at toy size
  ./run_experiments.sh quick --help                    the options of an artefact
  ./run_experiments.sh labs music                      one lab, solved, from start to end
  ./run_experiments.sh test -k resampling              some of the tests
EOF
}

# The caller stays in their own folder, so that relative paths mean what they say.
run_artefact() {
    check_artefact "$1"
    set_up
    use_repository
    case $1 in
        report | benchmark | detection | list) exec "$venv/bin/python" -m experiments "$@" ;;
        labs) exec "$venv/bin/python" -m labs run "${@:2}" ;;
        *) exec "$venv/bin/python" -m experiments run "$@" ;;
    esac
}

check_artefact() {
    if [[ " $ablations " == *" $1 "* || ($1 =~ ^[a-z_]+$ && -f $root/experiments/ablations/$1.py) ]]; then return; fi
    awk -v name="$1" '$1 == name { found = 1 } END { exit !found }' <<<"$artefacts" ||
        fail "unknown artefact '$1': ./run_experiments.sh --help lists them"
}

run_tests() {
    local style=0
    set_up
    use_repository
    cd -- "$root"
    "$venv/bin/python" -m ruff check --quiet || style=$?
    # One process a file: what the tests of a file share is made once.
    "$venv/bin/python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "$@" && return "$style"
}

use_repository() {
    export PYTHONPATH=$root PYTHONSAFEPATH=1 # the caller's folder must not shadow our packages
    export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-3}
}

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "error: $*"
    exit 2
}

# --- the environment ---------------------------------------------------------------------------------------------

# Kill it at any moment and call it again: it goes on from the last stamp.
set_up() {
    if is_complete; then return; fi
    { mkdir -p "$root/.cache" && : >>"$log"; } 2>/dev/null || fail "cannot write to $root: clone to a folder of your own"
    (
        take_turn
        if ! is_complete; then make_environment; fi
    ) 9>>"$root/.cache/setup.lock"
}

is_complete() {
    has_environment && [[ -f $installed && $(<"$installed") == "$(requirements)" ]]
}

has_environment() {
    [[ -f $created && -x $venv/bin/python ]] || return
    [[ -z ${PYTHON:-} || $(version_of "$PYTHON") == "$(<"$created")" ]]
}

requirements() {
    sha256sum <"$root/requirements.txt"
}

take_turn() {
    if ! command -v flock >/dev/null || flock --nonblock 9; then return; fi
    say 'Another call is setting up: waiting for it.'
    flock 9
}

make_environment() {
    : >"$log"
    if ! has_environment; then create_environment; fi
    rm -f "$installed"
    forget_half_installed
    install_packages
    requirements >"$installed.part"
    mv "$installed.part" "$installed"
}

create_environment() {
    local python
    python=$(choose_python)
    check_disk
    rm -f "$created"
    "$python" -m venv --clear "$venv" >>"$log" 2>&1 || fail "$python could not create $venv: see $log"
    version_of "$python" >"$created.part"
    mv "$created.part" "$created"
}

choose_python() {
    local candidate version candidates=(python3.13 python3.12 python3.11 python3) wrong='' without_venv=''
    if [[ -n ${PYTHON:-} ]]; then candidates=("$PYTHON"); fi
    for candidate in "${candidates[@]}"; do
        version=$(version_of "$candidate") || continue
        if [[ " $supported " != *" $version "* ]]; then
            wrong=$version
        elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            without_venv=$version
        else
            echo "$candidate"
            return
        fi
    done
    explain_no_python "$wrong" "$without_venv"
}

explain_no_python() {
    local wrong=$1 without_venv=$2
    if [[ -n $without_venv ]]; then
        fail "Python $without_venv lacks its venv module: install it (Debian, Ubuntu: apt install python$without_venv-venv)"
    fi
    fail "Python ${supported// /, } is needed, found ${wrong:-none}: install one or set PYTHON=/path/to/python3"
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

check_disk() {
    local free_kib
    free_kib=$(df -Pk -- "$root" | awk 'NR == 2 { print $4 }')
    ((free_kib >= needed_gib << 20)) ||
        fail "$root has $((free_kib >> 10)) MiB left, the packages need $needed_gib GiB: free some space and run again"
}

# pip writes INSTALLER last: without it the package was being copied when the set-up was interrupted, and pip would
# nevertheless believe that it is installed.
forget_half_installed() {
    local package
    for package in "$venv"/lib/python*/site-packages/*.dist-info; do
        if [[ ! -f $package/INSTALLER ]]; then rm -rf -- "$package"; fi
    done
}

install_packages() {
    local progress status=0
    trap interrupted INT # pip ends an interrupted installation like a failed one
    say "Setting up .venv with Python $(<"$created"): 2 to 5 minutes, 900 MB to download, 4 GiB on disk the first time."
    show_progress &
    progress=$!
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --only-binary :all: \
        --requirement "$root/requirements.txt" >>"$log" 2>&1 || status=$?
    kill "$progress" 2>/dev/null || true
    wait "$progress" 2>/dev/null || true
    if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
    if ((status != 0)); then explain_pip; fi
}

interrupted() {
    say $'\ninterrupted: the same command continues where it stopped'
    exit 130
}

# One line that is written over: the time so far and what pip is doing.
show_progress() {
    local doing
    while [[ -t 2 ]] && sleep 1 && kill -0 $$ 2>/dev/null; do
        doing=$(sed -nE 's/^ *((Collecting|Downloading) [^ (]+|Installing collected packages).*/\1/p' "$log" | tail -n 1)
        printf '\r\033[K%d:%02d  %.60s' $((SECONDS / 60)) $((SECONDS % 60)) "$doing" >&2
    done
}

explain_pip() {
    local reason='pip failed'
    if grep -q 'No space left on device' "$log"; then
        reason='the disk is full'
    elif grep -qE 'Connection|timed out|from versions: none' "$log"; then
        reason='the package registry cannot be reached: check network and proxy'
    fi
    fail "$reason; then run again, see $log"
}

unset PYTHONPATH PYTHONHOME # another project's packages must not leak into ours
main "$@"
