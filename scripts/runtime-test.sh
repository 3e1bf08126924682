# What tests with real runtimes share: a host of its own, plugins whose calls are logged, and expectations. To be sourced by
# scripts/test-podman, scripts/test-containerd and scripts/test-runc, with `runtime` set to the runtime's name.

skip() { echo "$runtime: skipped: $*"; exit 77; }

# need PROGRAM …: root, these programs, and a busybox that runs anywhere.
need() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    for program in busybox unshare nsenter curl nft iptables-save "$@"; do
        command -v "$program" >/dev/null 2>&1 || skip "needs the program $program"
    done
    case "$(ldd "$(command -v busybox)" 2>&1)" in
    *"not a dynamic executable"* | *"statically linked"*) ;;
    *) skip "needs a static busybox (package busybox-static)" ;;
    esac
}

# enter WHAT: runs the script again in namespaces of its own: network, mounts, processes. The second time it returns.
#
# First of all with a portmap that does nothing, though: then WHAT has to be the first expectation that is not met. A test
# that passes without published ports would prove nothing.
enter() {
    [ "${CNI_RUNTIME_INSIDE-}" = yes ] && return
    export CNI_BIN="${CNI_BIN:-$PWD/bin}" CNI_RUNTIME_INSIDE=yes
    own="unshare --net --mount --pid --fork --kill-child --mount-proc"
    status=0
    said=$(CNI_RUNTIME_STUB=portmap $own "$0" 2>&1) || status=$?
    if [ "$status" -ne 1 ] || ! printf '%s\n' "$said" | grep -q "^NOT OK: $1: "; then
        echo "NOT OK: with a portmap that does nothing, \"$1\" is not met; status $status: $said" >&2
        exit 1
    fi
    echo "ok: with a portmap that does nothing, this fails: $(printf '%s\n' "$said" | sed -n 's/^NOT OK: //p' | head -n 1)"
    exec $own "$0"
}

# prepare FOLDER …: empty folders where the runtime keeps things, the plugins in /run/plugins, and $root, the file system of
# containers: busybox, and a page that says who serves it.
prepare() {
    umask 022
    for folder in /run /var/lib/cni /etc/cni "$@"; do
        mkdir -p "$folder"
        mount -t tmpfs tmpfs "$folder"
    done
    mkdir -p /run/netns /run/lock /run/plugins /etc/cni/net.d
    ip link set lo up
    log=/run/calls.log
    : >"$log"
    for plugin in bridge host-local portmap firewall tuning loopback; do
        # What the log says ran is what runs.
        printf '#!/bin/sh\necho "$CNI_COMMAND %s $CNI_CONTAINERID $CNI_IFNAME ${CNI_NETNS:-none}" >>%s\nexec %s/%s\n' \
            "$plugin" "$log" "$CNI_BIN" "$plugin" >"/run/plugins/$plugin"
        chmod 755 "/run/plugins/$plugin"
    done
    if [ -n "${CNI_RUNTIME_STUB-}" ]; then
        cat >"/run/plugins/$CNI_RUNTIME_STUB" <<'END'
#!/usr/bin/python3
# Succeeds, and passes on what it was told: all that a runtime can see.
import json, os, sys
told = json.load(sys.stdin)
if os.environ["CNI_COMMAND"] == "VERSION":
    print(json.dumps({"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]}))
elif os.environ["CNI_COMMAND"] == "ADD":
    print(json.dumps(told["prevResult"]))
END
    fi
    root=/run/root
    mkdir -p $root/bin $root/www/cgi-bin $root/etc $root/proc $root/sys $root/dev $root/tmp
    cp "$(command -v busybox)" $root/bin/busybox
    for name in sh cat grep ip hostname; do ln -s busybox "$root/bin/$name"; done
    printf '#!/bin/sh\necho Content-Type: text/plain; echo; echo "$(hostname) greets $REMOTE_ADDR"\n' >$root/www/cgi-bin/who
    chmod 755 $root/www/cgi-bin/who
}

failures=0
count=0
passed() { count=$((count + 1)); echo "ok: $1"; }
failed() {
    failures=$((failures + 1))
    echo "NOT OK: $1${2+: $2}" >&2
    # The rest would fail as well, and take its time.
    [ -z "${CNI_RUNTIME_STUB-}" ] || exit 1
}

# expect WHAT TEXT COMMAND …: the command succeeds and prints the text (a pattern of grep -E; an empty one is any).
expect() {
    what=$1 text=$2
    shift 2
    if output=$("$@" 2>&1) && printf '%s\n' "$output" | grep -qE -- "$text"; then passed "$what"; else failed "$what" "$* printed: $output"; fi
}

# refuse WHAT TEXT COMMAND …: the command fails and prints the text, without which any failure would do.
refuse() {
    what=$1 text=${2:?the text of the failure}
    shift 2
    if ! output=$("$@" 2>&1) && printf '%s\n' "$output" | grep -qE -- "$text"; then passed "$what"; else failed "$what" "$* printed: $output"; fi
}

# unreachable WHAT COMMAND …: curl cannot connect, or nobody answers it in time; whatever else fails is not that.
unreachable() {
    what=$1 status=0
    shift
    output=$(retries=0 && "$@" 2>&1) || status=$?
    case "$status" in
    7 | 28) passed "$what" ;;
    *) failed "$what" "$*: status $status, printed: $output" ;;
    esac
}

# page URL: what the server there says.
retries=5
page() { curl -sf -m 3 --retry $retries --retry-connrefused --retry-delay 1 "$1/cgi-bin/who"; }

# calls COMMAND PLUGIN: how often it was called.
calls() { grep -c "^$1 $2 " "$log"; }

# expect_nothing PATTERN: no link, namespace, lease, file or rule is left. The pattern finds rules.
expect_nothing() {
    left=$(ip -o link | grep -v ' lo:'; ip netns list
        find /var/lib/cni -type f ! -name lock ! -name 'last_reserved_ip.*' ! -name '*.index'
        find /run/cni -type f ! -name '*.lock' 2>/dev/null
        { nft list ruleset; iptables-save; ip6tables-save; iptables-legacy-save; ip6tables-legacy-save; } 2>/dev/null |
            grep -E "$1|CNI-|cni[-_]")
    if [ -z "$left" ]; then passed "nothing is left: no link, namespace, lease, rule"; else failed "something is left" "$left"; fi
}

# finish VERSION PLUGIN …: each of the plugins was called for ADD and for DEL, and is ours. The last lines.
finish() {
    version=$1
    shift
    for plugin in "$@"; do
        for command in ADD DEL; do
            [ "$(calls $command "$plugin")" -gt 0 ] || failed "$plugin was called for $command" "it never was"
        done
        expect "$CNI_BIN/$plugin is what ran" \
            'CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0' "$CNI_BIN/$plugin"
    done
    echo "$runtime: $version, calls: $(cut -d' ' -f1,2 "$log" | sort | uniq -c | awk '{printf "%s%s %s %s", sep, $1, $2, $3; sep = ", "}')"
    echo "$runtime: $count expectations met, $failures not"
    [ "$failures" -eq 0 ]
}
