# shellcheck shell=sh
# Sets, checks or takes back what many connections need of a server's kernel and of systemd.
# ACTION is apply, verify or revert; BACKLOG and FILES are the least that ENVIRONMENT needs. What a
# server has more of is left alone, so that nothing is ever lowered. Ends with 1 when a value is
# missing. Several environments may tag one server: each keeps its needs in a file of its own, and
# the server's values are the largest of them.
set -eu
umask 022
PROC_SYS=${PROC_SYS:-/proc/sys}
ETC=${ETC:-/etc}
STATE=${STATE:-/var/lib/redis-connections}
BEFORE=$STATE/before
OURS=$STATE/$ENVIRONMENT.needs
SYSCTL=$ETC/sysctl.d/99-redis-connections.conf
LIMITS=$ETC/systemd/system.conf.d/99-redis-connections.conf

# Raises BACKLOG and FILES to what the other environments on this server need.
add_the_others() {
  for file in "$STATE"/*.needs; do
    if [ ! -f "$file" ] || [ "$file" = "$OURS" ]; then continue; fi
    read -r backlog files <"$file" || continue
    if [ "$backlog" -gt "$BACKLOG" ]; then BACKLOG=$backlog; fi
    if [ "$files" -gt "$FILES" ]; then FILES=$files; fi
  done
}

# One run at a time changes the server: the next one waits, and fails after a minute.
alone() {
  mkdir -p "$STATE"
  exec 9<"$STATE"
  flock -w 60 9
}

# Each value with its reason. Source: the kernel's documentation (admin-guide/sysctl/net.rst,
# networking/ip-sysctl.rst, admin-guide/sysctl/fs.rst).
wanted() {
  # Finished handshakes that wait for accept(): all at once after a failover or a deployment.
  # The kernel cuts every listen() to this; 128 before Linux 5.4, 4096 since.
  echo "net.core.somaxconn $BACKLOG"
  # Handshakes that are not finished: beyond it SYNs are dropped, or answered with cookies that
  # carry no window scaling. The default follows the memory: 128 to 1024 on small servers.
  echo "net.ipv4.tcp_max_syn_backlog $BACKLOG"
  # Packets that wait for a CPU where a driver does not poll, as a container's veth: one a
  # connection in such a burst. The default is 1000.
  echo "net.core.netdev_max_backlog $BACKLOG"
  # Open files of the whole server: each connection is one. The default follows the memory.
  echo "fs.file-max $FILES"
}

file_of() { printf '%s/%s' "$PROC_SYS" "$(printf '%s' "$1" | tr . /)"; }
# What this kernel does not have counts as 0: it is missing, never passed over.
present() { cat "$(file_of "$1")" 2>/dev/null || echo 0; }
before() { if [ -f "$BEFORE" ]; then sed -n "s/^$1=//p" "$BEFORE"; fi; }

# Whole or not at all: an interruption leaves the old file.
put() {
  mkdir -p "$(dirname "$1")"
  cat >"$1.new"
  mv "$1.new" "$1"
}

# Open files that systemd lets a service have; every connection is one, and the default of a
# service is 1024 soft. A service that is running has it after its next restart.
limit() { systemctl show --property="$1" | sed -n "s/^$1=//p"; }
enough() { [ -z "$1" ] || [ "$1" = infinity ] || [ "$1" -ge "$FILES" ]; }
files_are_enough() {
  hard=$(limit DefaultLimitNOFILE)
  [ -n "$hard" ] && enough "$hard" && enough "$(limit DefaultLimitNOFILESoft)"
}

set_files() {
  if files_are_enough; then return; fi
  # A hard limit that is higher stays; systemd that tells no soft one takes a single value.
  hard=$(limit DefaultLimitNOFILE)
  value=$FILES
  if [ -n "$(limit DefaultLimitNOFILESoft)" ] && enough "$hard"; then value="$FILES:$hard"; fi
  echo "DefaultLimitNOFILE becomes $value; a service has it after its next restart"
  printf '[Manager]\nDefaultLimitNOFILE=%s\n' "$value" | put "$LIMITS"
  systemctl daemon-reexec
}

# The next start sets what was too low before.
write_sysctl() {
  wanted | while read -r key least; do
    if [ -n "$(before "$key")" ]; then echo "$key = $least"; fi
  done | put "$SYSCTL"
}

apply() {
  alone
  echo "$BACKLOG $FILES" | put "$OURS"
  add_the_others
  {
    if [ -f "$BEFORE" ]; then cat "$BEFORE"; fi
    wanted | while read -r key least; do
      if [ -z "$(before "$key")" ] && [ "$(present "$key")" -lt "$least" ]; then
        echo "$key=$(present "$key")"
      fi
    done
  } | put "$BEFORE"
  write_sysctl
  wanted | while read -r key least; do
    if [ "$(present "$key")" -lt "$least" ]; then
      echo "$key: $(present "$key") becomes $least"
      echo "$least" >"$(file_of "$key")"
    fi
  done
  set_files
  verify
}

verify() {
  add_the_others
  missing=$(
    wanted | while read -r key least; do
      if [ "$(present "$key")" -lt "$least" ]; then
        echo "$key is $(present "$key") and $least is needed"
      elif [ -n "$(before "$key")" ] && ! grep -qx "$key = $least" "$SYSCTL" 2>/dev/null; then
        echo "$key is set and $SYSCTL no longer says so: the next start forgets it"
      fi
    done
    if ! files_are_enough; then echo "a service may open fewer than $FILES files"; fi
  )
  if [ -n "$missing" ]; then
    echo "$missing" >&2
    return 1
  fi
  echo "every value is there"
}

revert() {
  alone
  add_the_others
  set_here=$(wanted)
  rm -f "$OURS"
  BACKLOG=0 FILES=0
  add_the_others
  echo "$set_here" | while read -r key least; do
    to=$(before "$key")
    if [ -z "$to" ]; then continue; fi
    needed=$(wanted | sed -n "s/^$key //p")
    if [ "$needed" -gt "$to" ]; then to=$needed; fi
    if [ "$(present "$key")" != "$least" ]; then
      echo "$key: somebody else set it to $(present "$key"), left alone"
    elif [ "$to" != "$least" ]; then
      echo "$key: $least becomes $to again"
      echo "$to" >"$(file_of "$key")"
    fi
  done
  # A value that was enough for those who are left is theirs no longer: no start may lower it.
  wanted | while read -r key least; do
    was=$(before "$key")
    if [ -n "$was" ] && [ "$was" -lt "$least" ]; then echo "$key=$was"; fi
  done | put "$BEFORE"
  write_sysctl
  if [ ! -s "$BEFORE" ]; then rm -f "$SYSCTL" "$BEFORE"; fi
  if [ -f "$LIMITS" ]; then
    rm -f "$LIMITS"
    systemctl daemon-reexec
    if [ "$FILES" -gt 0 ]; then set_files; fi
  fi
}

case $ACTION in
  apply) apply ;;
  verify) verify ;;
  revert) revert ;;
  *)
    echo "ACTION is '$ACTION': write apply, verify or revert" >&2
    exit 2
    ;;
esac
