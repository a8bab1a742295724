# shellcheck shell=bash
# ./dev test --power: cuts the power under the journal on a real ext4, in a virtual machine whose
# disk logs every write, and has a disk fail under it (tests/power/guest.cpp). Sourced.
#
# The machine is QEMU with Debian's cloud kernel, which is fetched and unpacked under build/power/,
# never installed: its init is our program, its modules lie beside it, and that is all it has.
# Needs neither KVM nor root, once the packages are there.

power_folder=build/power
power_machine_s_max=3600
power_kernel_package=linux-image-cloud-amd64 # the name that always depends on the current one

# What the machine needs of the kernel's modules, each behind those it needs.
power_modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk
  dm-mod dm-bufio dm-snapshot dm-log-writes)

# Says which folder has the kernel, unpacked; fetches it where that is still to do. What is in the
# way, on stdout, and 1 where it cannot be had.
power_kernel() {
  local package folder prefix archive
  package=$(apt-cache depends "$power_kernel_package" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p')
  if [[ -z $package ]] && prefix=$(root_prefix); then
    attended ${prefix:+"$prefix"} apt-get -y -q update >build/setup.log 2>&1 || true
    package=$(apt-cache depends "$power_kernel_package" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p')
  fi
  folder=$(printf '%s\n' "$power_folder"/linux-image-*/boot | sort -V | tail -n 1)
  folder=${folder%/boot}
  [[ -z $package ]] || folder=$power_folder/$package
  if [[ ! -d $folder ]]; then
    if [[ -z $package ]]; then
      printf 'apt knows no %s: as root run apt-get update\n' "$power_kernel_package"
      return 1
    fi
    rm -rf "$power_folder/fetched"
    mkdir -p "$power_folder/fetched"
    if ! (cd "$power_folder/fetched" && apt-get -q download "$package") >"$power_folder/fetch.log" 2>&1; then
      printf '%s could not be fetched (%s/fetch.log)\n' "$package" "$power_folder"
      return 1
    fi
    archive=$(printf '%s\n' "$power_folder"/fetched/*.deb)
    dpkg-deb -x "$archive" "$power_folder/fetched" && rm "$archive" && mv "$power_folder/fetched" "$folder"
  fi
  printf '%s\n' "$folder"
}

# The machine's memory at start: our program as its init, its libraries, the modules.
build_power_memory() {
  local kernel=$1 root=$power_folder/memory program=build/release/tests/power/power_guest name at=10
  rm -rf "$root"
  mkdir -p "$root/modules"
  cp "$program" "$root/init"
  ldd "$program" | grep -oE '/[^ ]+' | sort -u | while read -r name; do
    cp -L --parents "$name" "$root"
  done
  for name in "${power_modules[@]}"; do
    cp "$(find "$kernel/lib/modules" -name "$name.ko")" "$root/modules/$((at++))-$name.ko"
  done
  (cd "$root" && find . | cpio --quiet -o -H newc) >"$power_folder/memory.cpio"
}

# Boots the machine for the test $1 with the arguments from $4 on for its init; what it says goes to
# $2. Its disks are left for who wants to look at them.
boot_power_machine() {
  local log=$2 kernel=$3 images=$power_folder/disks-$1
  shift 3
  # The state folder is made with the file system, before any write is logged.
  rm -rf "$images"
  mkdir -p "$images/content/state"
  truncate -s 96M "$images/disk" && truncate -s 2G "$images/log"
  PATH=$PATH:/usr/sbin mkfs.ext4 -q -d "$images/content" "$images/disk" 2>>"$log"
  cp --sparse=always "$images/disk" "$images/moment"
  # Emulated everywhere: what KVM makes of a machine differs from host to host.
  local options=(-accel tcg -cpu max -m 512 -smp 2 -nodefaults -display none -monitor none -no-reboot
    -serial "file:$images/console" -kernel "$(printf '%s\n' "$kernel"/boot/vmlinuz-*)"
    -initrd "$power_folder/memory.cpio" -append "console=ttyS0 panic=-1 quiet $*")
  local each
  for each in disk log moment; do
    options+=(-drive "file=$images/$each,format=raw,if=virtio,cache=unsafe")
  done
  attended timeout "$power_machine_s_max" qemu-system-x86_64 "${options[@]}" >>"$log" 2>&1
  tr -d '\r' <"$images/console" >>"$log"
}

# One boot as one outcome; $1 names it, the rest is for the init.
try_in_a_machine() {
  local name=$1 kernel=$2 log=$power_folder/$1.log started=$SECONDS
  shift 2
  say "test: $name, in a virtual machine"
  : >"$log"
  boot_power_machine "$name" "$log" "$kernel" "$@" || true
  grep '^power: ' "$log" || true
  if grep -qx 'power: passed' "$log"; then
    rm -r "$power_folder/disks-$name"
    passed_outcome "power/$name" $((SECONDS - started))
  else
    tail -n 20 "$log"
    failed_outcome power "$name ($log)"
  fi
}

# $1: how many crash points. Each mistake is one that the same cuts have to show.
run_power_tests() {
  local points=$1 kernel mistake
  mkdir -p "$power_folder"
  if ! have_packages power; then
    not_run_outcome power-cut 'QEMU and what makes its disks cannot be had (deploy/packages.txt, group power)'
  elif ! kernel=$(power_kernel); then
    not_run_outcome power-cut "$kernel"
  elif ! build_tree release tests/power/power_guest; then
    failed_outcome power 'it did not build'
  else
    build_power_memory "$kernel"
    try_in_a_machine power-cut "$kernel" seed=1 claims=4000 points="$points" fault=none
    for mistake in unsynced-writes unsynced-names; do
      try_in_a_machine "power-cut-$mistake" "$kernel" seed=2 claims=2000 points=30 fault="$mistake"
    done
    try_in_a_machine device-errors "$kernel" seed=3 points=20 fault=device-errors
  fi
}
