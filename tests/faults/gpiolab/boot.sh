#!/bin/sh
# The first process of the private kernel. LAB, from the kernel's command line, is the folder that gpiolab.py made for
# this boot: `mounts` lists what else is mounted, `command.sh` is what is run, its exit status goes to `status`.
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# A root that looks like the machine outside and takes any change, into memory.
mount -t tmpfs layers /mnt
mkdir /mnt/changes /mnt/scratch /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/changes,workdir=/mnt/scratch root /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devices dev
mkdir -p dev/shm dev/pts
mount -t tmpfs shm dev/shm
mount -t devpts pts dev/pts
mount -t tmpfs tmp tmp
mount -t tmpfs run run
mkdir -p run/lab run/strips
mount -t hostfs -o "$LAB" none run/lab

# Where a process with io_uring (uvloop has one) starts another, a kernel under User-mode Linux counts the pages of the ring
# wrongly on a busy machine ("BUG: Bad page map … io_uring_mmap"), and in the end it breaks down. The switch is Linux 6.6's.
[ ! -e proc/sys/kernel/io_uring_disabled ] || echo 2 >proc/sys/kernel/io_uring_disabled

# TYPE SOURCE PLACE per line: shared folders (hostfs) and disks (ext4).
while IFS='	' read -r type source place; do
    mkdir -p ".$place"
    case $type in
        hostfs) mount -t hostfs -o "$source" none ".$place" ;;
        *) mount -t "$type" "dev/$source" ".$place" ;;
    esac
done <run/lab/mounts

# One chip as on a Raspberry Pi: its label, its 28 lines; each line's pull is its strip's contact.
mount -t configfs configfs sys/kernel/config
chip=sys/kernel/config/gpio-sim/strips
mkdir "$chip" "$chip/bank0"
echo 28 >"$chip/bank0/num_lines"
echo pinctrl-bcm2711 >"$chip/bank0/label"
echo 1 >"$chip/live"
name=$(cat "$chip/bank0/chip_name")
device=$(cat "$chip/dev_name")
echo "$name" >run/strips/chip
line=0
while [ "$line" -lt 28 ]; do
    ln -s "/sys/devices/platform/$device/$name/sim_gpio$line" "run/strips/line$line"
    line=$((line + 1))
done

ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up
[ ! -e run/lab/is-init ] || exec chroot . /bin/sh /run/lab/command.sh
set +e
chroot . /bin/sh /run/lab/command.sh
echo $? >run/lab/status
sync
echo o >proc/sysrq-trigger
sleep 60
