#!/bin/sh
# Build the harness with clang's libFuzzer and sanitizers, and run it on inputs.zip and more.
#   ./fuzz.sh SECONDS FOLDER   fuzz so long; new inputs, and those that crash, go to the folder
#   ./fuzz.sh merge FOLDER     keep what is needed of the folder and of inputs.zip in inputs.zip
# It needs clang with libFuzzer (on Debian libclang-rt-dev) and python3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
core=$here/../../../csrc/tokens
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
python3 -m zipfile -e "$here/inputs.zip" "$built/inputs"

flags="-std=gnu11 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -I$core"
flags="$flags -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
have="-DMR_HAVE_BASE=1"
compiler=${CC:-clang}
compile() { # the sources that are compiled for each instruction set, for one
    for source in scan sound; do
        $compiler $flags "-DMR_ISA=$1" $2 -c "$core/$source.c" -o "$built/$source-$1.o"
    done
}
compile base ""
if [ "$(uname -m)" = x86_64 ]; then
    have="$have -DMR_HAVE_AVX2=1 -DMR_HAVE_AVX512=1"
    avx2="-mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mpopcnt"
    compile avx2 "$avx2"
    compile avx512 "$avx2 -mavx512f -mavx512bw -mavx512dq -mavx512vl"
fi
$compiler $flags $have "$here/fuzz_tokens.c" "$core/words.c" "$core/lines.c" "$core/cpu.c" \
    "$core/portable.c" "$built"/*.o -o "$built/fuzz"

mkdir -p "$2"
if [ "$1" = merge ]; then
    mkdir "$built/small"
    "$built/fuzz" -merge=1 -max_len=1024 "$built/small" "$2" "$built/inputs"
    (cd "$built/small" && python3 -m zipfile -c "$here/inputs.zip" *)
else
    nice -n 19 "$built/fuzz" -max_len=1024 -max_total_time="$1" -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$2/" "$2" "$built/inputs"
fi
