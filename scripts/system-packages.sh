#!/usr/bin/env bash
# What accel needs of the system beside Python: nothing for MuJoCo and Gymnasium recipes; for ManiSkill recipes a Vulkan
# device (the simulator asks for one even where nothing is drawn). A GPU's driver brings one; elsewhere Mesa's lavapipe,
# 24.3 or newer, computes it on the processor.
#
#   scripts/system-packages.sh --check      say what is there; always succeeds
#   scripts/system-packages.sh --install    install the Vulkan loader and Mesa's drivers (Debian, Ubuntu; needs root)
set -euo pipefail

have_loader() { ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; }
have_driver() { compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null; }

check() {
    if have_loader && have_driver; then
        echo "Vulkan: found. ManiSkill recipes can run here."
    else
        echo "Vulkan: not found. MuJoCo and Gymnasium recipes need none; for ManiSkill recipes run \`make system-packages\`."
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian 12 has Mesa 22.3, which is too old; its backports have a new one, on the mirror that is already in use.
add_backports() {
    local sources=/etc/apt/sources.list.d/debian.sources mirror
    mirror=$(sed -n 's/^URIs: *//p' "$sources" 2>/dev/null | head -n 1)
    [ -n "$mirror" ] || mirror=$(awk '$1 == "deb" {print $2; exit}' /etc/apt/sources.list 2>/dev/null || true)
    [ -n "$mirror" ] || { echo "No Debian mirror is configured: add bookworm-backports by hand, then run this again." >&2; exit 1; }
    printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" |
        as_root tee /etc/apt/sources.list.d/accel-backports.sources >/dev/null
}

install() {
    if have_loader && have_driver; then check; return; fi
    # shellcheck disable=SC1091
    . /etc/os-release
    if ! command -v apt-get >/dev/null; then
        echo "This system has no apt-get: install the Vulkan loader and Mesa's Vulkan drivers (24.3 or newer) with its own tools." >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "Installing packages needs root, and there is no sudo here: ask an administrator to run scripts/system-packages.sh --install." >&2
        exit 1
    fi
    echo "Installing libvulkan1 and mesa-vulkan-drivers with apt-get (needs root)."
    local target=()
    if [ "${VERSION_CODENAME:-}" = bookworm ]; then
        add_backports
        target=(--target-release bookworm-backports)
    fi
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "${target[@]}" libvulkan1 mesa-vulkan-drivers
    check
}

case "${1:-}" in
    --check) check ;;
    --install) install ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
