#!/bin/sh
# Boots Debian's systemd in the namespaces that `unshare` has made: boot.sh ROOT DEBIAN OUTSIDE NPM. DEBIAN is a tar of an empty Debian, OUTSIDE
# a folder of the machine that boots it, NPM the cache of its npm. All of it goes with the namespaces.
set -eu
root=$1 debian=$2 outside=$3 npm=$4
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$root"
tar -C "$root" -xf "$debian"
mkdir -p "$root/outside"
mount --bind "$outside" "$root/outside"
mkdir -p "$npm" "$root/outside.npm"
mount --bind "$npm" "$root/outside.npm"
touch "$root/outside.net"
mount --bind "$outside.net" "$root/outside.net"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r name major minor <<EOF
$device
EOF
  mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${name#*:}" "$root/dev/${name%:*}"; done
cp /etc/resolv.conf "$root/etc/resolv.conf"
echo debian > "$root/etc/hostname"
cd "$root"
pivot_root . mnt
# Shared, as systemd has it outside of containers: by that it hands credentials to services.
exec chroot . /bin/sh -c 'umount -l /mnt && mount --make-rshared / && exec env -i container=networking-zvm PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system'
