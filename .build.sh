export CCACHE_BASEDIR=/work/wt CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
cd /work/wt/ops && cmake --preset dev >/dev/null && ninja -C build/dev -j2 -k0 "$@" 2>&1 | grep -E "error|warning|^FAILED|ninja:|undefined|required from" | head -60; date
