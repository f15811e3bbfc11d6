# shellcheck shell=bash
# lab/apt.sh: sourced by lab/kernel, lab/xen and lab/numad, which take programs from the Debian archive without installing them.
#
#   - The machine's own apt sources stay as they are. All of apt's state that this changes (source list, index files, package
#     cache) lies in a temporary folder. Only the addresses of the archives are taken from the machine's sources, so a mirror or
#     a proxy that works for the machine works here.
#   - Packages are unpacked with `dpkg -x`, never installed: no maintainer script runs.
#   - A lock keeps two from fetching at once. The folder gets its final name by rename(2) when it is complete, so a fetch that
#     was cut off is never mistaken for a cache; what it left is swept by the next.

self=lab/${0##*/}
say() { printf '%s: %s\n' "$self" "$*" >&2; }
die() { say "$@"; exit 1; }

cache_folder() {
    printf '%s\n' "${VNUMA_CACHE:-${XDG_CACHE_HOME:-${HOME:?neither VNUMA_CACHE nor HOME is set}/.cache}/vnuma}"
}

codename() {
    # shellcheck disable=SC1091
    (. /etc/os-release && [[ ${ID:-} = debian ]] && printf '%s\n' "${VERSION_CODENAME:-}") 2>/dev/null || true
}

# The archive the machine itself installs its release from, e.g. as https://…/debian/
archive_uri() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v want="$1" '$1 == want && !done { print $2; done = 1 }'
}

# The options that make apt work on state of its own in folder $1.
apt_options() {
    printf '%s\n' -qq \
        -o "Dir::Etc::sourcelist=$1/sources.list" -o "Dir::Etc::sourceparts=$1/none.d" \
        -o "Dir::Etc::preferencesparts=$1/none.d" -o "Dir::Etc::preferences=$1/none" \
        -o "Dir::State=$1/state" -o "Dir::State::lists=$1/lists" -o "Dir::State::status=/var/lib/dpkg/status" \
        -o "Dir::Cache=$1/cache" -o "Acquire::Languages=none" -o "Acquire::Retries=2"
    # root downloads as user _apt, who cannot enter our private folder
    if ((EUID == 0)); then printf '%s\n' -o "APT::Sandbox::User=root"; fi
}

# A line of sources.list for an archive and a suite. main is enough.
source_line() {     # URI SUITE
    local signed=''
    if [[ -r /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
        signed=' [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    fi
    printf 'deb%s %s %s main\n' "$signed" "$1" "$2"
}

# The folders that apt_options() names.
make_state() { mkdir -p "$1"/{none.d,state,lists/partial,cache/archives/partial,deb}; }

# fetch_once FOLDER COMMAND: if the folder is not there, runs COMMAND WORK RELEASE URI, which leaves it as WORK/tree.
fetch_once() {
    local folder=$1 command=$2 cache=${1%/*} name=${1##*/} release='' uri='' work=''
    name=${name%%-*}
    if [[ -d $folder ]]; then return; fi
    exec 9>"$cache/$name.lock"
    flock 9
    if [[ -d $folder ]]; then exec 9>&-; return; fi
    command -v apt-get >/dev/null || die "no apt-get here: the lab takes its ${name} from a Debian archive"
    rm -rf "$cache/.fetch-$name".*
    release=$(codename)
    uri=$(archive_uri "$release")
    if [[ -z $uri ]] && ((EUID == 0)); then
        say "no package lists on this machine: apt-get update"
        apt-get -qq update >&2 || say "apt-get update failed"
        uri=$(archive_uri "$release")
    fi
    [[ -n $uri ]] || die "apt knows no archive of $release: run apt-get update (as root), then try again"
    work=$(mktemp -d "$cache/.fetch-$name.XXXXXX")
    # shellcheck disable=SC2064 # the folder is known now
    trap "rm -rf '${work//\'/\'\\\'\'}'" EXIT
    make_state "$work"
    "$command" "$work" "$release" "$uri"
    chmod 755 "$work/tree"
    mv -T "$work/tree" "$folder"
    exec 9>&-
}

# The cache, made if need be, under its real path.
open_cache() {
    local cache=''
    [[ -n $(codename) ]] || die "this machine is not Debian: no package to take"
    cache=$(cache_folder)
    mkdir -p "$cache"
    (cd "$cache" && pwd -P)
}
