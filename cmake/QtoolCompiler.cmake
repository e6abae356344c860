# Compiler and linker options of every target, and the two build types: Dev (asserts on) and Release.
set(QTOOL_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})  # what it asks for to cache precompiled headers
endif()

# No contraction to fused multiply-add: results must not depend on the compiler's choices.
add_compile_options(-Wall -Wextra -Wpedantic -Werror -ffp-contract=off -fno-plt -ffunction-sections -fdata-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # GCC 12 warns of every `"text" + std::string` (GCC bug 105651)
endif()
if(QTOOL_PRECOMPILE)
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow)  # GCC 12 takes the library's headers for ours there: std::string
endif()
add_link_options(-Wl,--as-needed -Wl,--gc-sections -Wl,-O1)
if(QTOOL_SANITIZE)
  # Inlining into instrumented code makes GCC see impossible uninitialized reads.
  add_compile_options(-fsanitize=${QTOOL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${QTOOL_SANITIZE})
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
