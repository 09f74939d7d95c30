#!/usr/bin/env bash
# Mutates the code of a room in a copy, runs its fast tests against each mutant, and fails on a
# function with more survivors than tests/mutations.md lists.
# usage: tools/mutation.sh ROOM FAST [MUTANTS]      (FAST: pytest's -m; MUTANTS: 'vibewell_redis.pool.*', or '*_*7' for a tenth of them)
set -euo pipefail
room=$1 fast=$2 mutants=${3:-}
case $room in
  client) packages=vibewell_redis/* tests=tests/client ;;
  # What the rotation rests on: the labels' meaning, and the call that replaces passwords.
  rotation) packages='rotation/* shared/versions.py shared/user.py' tests=tests/lambda_rotation ;;
  recovery | health) packages=$room/* tests=tests/lambda_$room ;;
  *) echo "mutation: ROOM is client, rotation, recovery or health, not '$room'" >&2; exit 1 ;;
esac

# mutmut names a mutant after its file, and only below src/ is that the module's own name.
folder=build/mutation/$room
mutated=$(set -f; printf '"src/%s", ' $packages)
rm -rf "$folder" && mkdir -p "$folder/src"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$folder"
cp -r client/vibewell_redis client/example client/exactness lambda/*/ "$folder/src"
copied=$(git ls-files | sed '/^tests\|^pyproject/d; s,/.*,,' | sort -u | sed 's/.*/"&",/' | tr '\n' ' ')
sed -i 's/^pythonpath = .*/pythonpath = ["src", "."]/' "$folder/pyproject.toml"
# What a person reads is not code: a line that is only a text of several words is left as it is.
cat >>"$folder/pyproject.toml" <<TOML
[tool.mutmut]
source_paths = ["src"]
only_mutate = [$mutated]
do_not_mutate_patterns = ['^\s*f?"[^"]* [^"]*"[,)]*\$']
also_copy = [$copied]
process_isolation = "forkserver"  # a test may use up what its parameters made
timeout_constant = 30.0
pytest_add_cli_args = ["-m", "$fast"]
pytest_add_cli_args_test_selection = ["$tests"]
TOML

cd "$folder"
mutmut=$OLDPWD/.venv-mutation/bin/mutmut
(set -f; "$mutmut" run $mutants) 2>&1 | tr '\r' '\n' >run.log || { grep -v '^. [A-Z0-9]' run.log >&2; exit 1; }
grep . run.log | tail -n 1
"$mutmut" results | sed -En 's/^ +(.*)__mutmut_[0-9]+: (survived|no tests|suspicious)$/\1/p' | sort | uniq -c >survivors
unknown=$(while read -r count name; do
  listed=$(sed -En "s/^\| \`$name\` \| ([0-9]+) .*/\1/p" tests/mutations.md)
  [ "$count" -le "${listed:-0}" ] || echo "  $count in $name, ${listed:-0} listed"
done <survivors)
[ -z "$unknown" ] || {
  printf 'mutation: survivors that tests/mutations.md does not list:\n%s\nEach, and its difference:\n' "$unknown"
  echo "  cd $folder && $mutmut results; $mutmut show NAME"
  exit 1
} >&2
echo "mutation: no survivor in $room but those that tests/mutations.md lists"
