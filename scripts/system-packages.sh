#!/usr/bin/env bash
# What accel needs of the system beside Python: nothing for MuJoCo and Gymnasium recipes; for ManiSkill recipes a Vulkan
# device (the simulator asks for one even where nothing is drawn). A GPU's driver brings one; elsewhere Mesa's lavapipe,
# 24.3 or newer, computes it on the processor. The tests of `accel serve` need a browser, Chromium.
#
#   scripts/system-packages.sh --check            say what is there; always succeeds
#   scripts/system-packages.sh --install          install the Vulkan loader and Mesa's drivers (Debian, Ubuntu; needs root)
#   scripts/system-packages.sh --try              the same where it can be done without asking; always succeeds
#   scripts/system-packages.sh --install-tests    install Chromium (Debian; needs root)
#   scripts/system-packages.sh --try-tests        the same where it can be done without asking; always succeeds
set -euo pipefail

backports=/etc/apt/sources.list.d/accel-backports.sources
others="MuJoCo and Gymnasium recipes need none"

have_loader() { ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; }
have_driver() { compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null; }
have_nvidia() { compgen -G '/usr/share/vulkan/icd.d/nvidia*' >/dev/null || compgen -G '/etc/vulkan/icd.d/nvidia*' >/dev/null; }
mesa() { dpkg-query --show --showformat='${Version}' mesa-vulkan-drivers 2>/dev/null || true; }
mesa_is_old() { local version; version=$(mesa); [ -n "$version" ] && dpkg --compare-versions "$version" lt 24.3; }
have_browser() { command -v chromium >/dev/null || command -v google-chrome >/dev/null; }
usable() { have_loader && have_driver && { have_nvidia || ! mesa_is_old; }; }

check() {
    if usable; then
        echo "Vulkan: found. ManiSkill recipes can run here."
    elif have_loader && have_driver; then
        echo "Vulkan: Mesa $(mesa) is too old for ManiSkill recipes, which need 24.3 or newer; $others."
    else
        echo "Vulkan: not found. $others; for ManiSkill recipes run \`make system-packages\`."
    fi
}

check_browser() {
    if have_browser; then
        echo "Chromium: found. \`accel serve\` can be tested here."
    else
        echo "Chromium: not found. The tests of \`accel serve\` in a browser are skipped; for them run \`scripts/system-packages.sh --install-tests\`."
    fi
}

# Without a terminal sudo is not to ask for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi
}

# Debian 12 has Mesa 22.3, which is too old; its backports have a new one, on the mirror that is already in use.
add_backports() {
    local sources=/etc/apt/sources.list.d/debian.sources mirror
    mirror=$(sed -n 's/^URIs: *//p' "$sources" 2>/dev/null | head -n 1)
    [ -n "$mirror" ] || mirror=$(awk '$1 == "deb" && $2 ~ /^http/ {print $2; exit}' /etc/apt/sources.list 2>/dev/null || true)
    [ -n "$mirror" ] || { echo "No Debian mirror is configured: add bookworm-backports by hand, then run this again." >&2; return 1; }
    printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" |
        as_root tee "$backports" >/dev/null
}

# What apt-get prints is shown only where it fails.
apt_get() {
    local printed
    printed=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" 2>&1 </dev/null) || { echo "$printed" | tail -n 5 >&2; return 1; }
}

# Whether packages can be installed here, called with what they are and the option that does it.
can_install() {
    if ! command -v apt-get >/dev/null; then
        echo "This system has no apt-get: install $1 with its own tools." >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "Installing packages needs root, and there is no sudo here: ask an administrator to run scripts/system-packages.sh $2." >&2
        return 1
    fi
}

can_install_unasked() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

install() {
    if usable; then check; return; fi
    can_install "the Vulkan loader and Mesa's Vulkan drivers (24.3 or newer)" --install || return 1
    echo "Installing libvulkan1 and mesa-vulkan-drivers with apt-get (needs root)."
    local target=() added= codename=
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    if [ "$codename" = bookworm ]; then
        [ -e "$backports" ] || { add_backports || return 1; added=yes; }
        target=(--target-release bookworm-backports)
    fi
    if ! { apt_get update && apt_get install --yes --no-install-recommends "${target[@]}" libvulkan1 mesa-vulkan-drivers; }; then
        # A source that does not answer would trouble every later apt-get.
        [ -z "$added" ] || as_root rm -f "$backports"
        echo "apt-get could not install them (its last lines are above): is there a network?" >&2
        return 1
    fi
    check
}

try() {
    if usable; then
        check
    elif ! can_install_unasked; then
        check
    else
        install </dev/null || echo "Vulkan: not installed. $others; for ManiSkill recipes run \`make system-packages\`."
    fi
}

# Each try of a machine that has no network costs a minute at most.
install_browser() {
    if have_browser; then check_browser; return; fi
    can_install Chromium --install-tests || return 1
    echo "Installing chromium with apt-get (needs root)."
    local patience=(-o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
    if ! { apt_get "${patience[@]}" update && apt_get "${patience[@]}" install --yes --no-install-recommends chromium; }; then
        echo "apt-get could not install it (its last lines are above): is there a network, and a package of that name?" >&2
        return 1
    fi
    check_browser
}

try_browser() {
    if have_browser; then
        return
    elif can_install_unasked; then
        install_browser </dev/null || check_browser
    else
        check_browser
    fi
}

case "${1:-}" in
    --check) check; check_browser ;;
    --install) install ;;
    --try) try ;;
    --install-tests) install_browser ;;
    --try-tests) try_browser ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
