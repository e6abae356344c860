# A folder of the repository is a target: lib/NAME is qtool_NAME, tests/NAME is NAME_tests.
set(QTOOL_MODULES "" CACHE INTERNAL "modules defined so far")

# Adds a folder that has a CMakeLists.txt; others are not there yet.
function(qtool_subdirectory folder)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
  endif()
endfunction()

# Names -> targets, for module dependencies and third-party libraries. A target that does not exist is left out.
function(qtool_targets result prefix)
  set(targets "")
  foreach(name IN LISTS ARGN)
    list(APPEND targets $<TARGET_NAME_IF_EXISTS:${prefix}${name}>)
  endforeach()
  set(${result} "${targets}" PARENT_SCOPE)
endfunction()

function(qtool_settings target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE QTOOL_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${target} PUBLIC Threads::Threads)
endfunction()

# Files made for one instruction set get its options; those of another processor are dropped from the list.
function(qtool_instruction_sets list_name)
  # Tuned as for Skylake: else GCC keeps addresses in vector registers and fetches them behind the arithmetic.
  set(flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mtune=skylake-avx512 -mprefer-vector-width=512)
  set(flags_avx512vbmi ${flags_avx512} -mavx512vbmi)
  set(flags_avx2 -mavx2 -mfma -mf16c)
  set(flags_neondot -march=armv8.2-a+dotprod)
  set(flags_neoni8mm -march=armv8.2-a+dotprod+i8mm)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(foreign "_neon[a-z0-9_]*\\.cpp$")
    set(native avx512 avx512vbmi avx2)
  else()
    set(foreign "_avx[a-z0-9_]*\\.cpp$")
    set(native neondot neoni8mm)
  endif()
  set(kept ${${list_name}})
  list(FILTER kept EXCLUDE REGEX ${foreign})
  foreach(isa IN LISTS native)
    set(files ${kept})
    list(FILTER files INCLUDE REGEX "_${isa}[a-z0-9_]*\\.cpp$")
    if(files)
      set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS "${flags_${isa}}")
    endif()
  endforeach()
  set(${list_name} ${kept} PARENT_SCOPE)
endfunction()

# qtool_module(NAME DEPS module... [LIBS library...] [TEST_DEPS module...] [TEST_LIBS library...])
# Static library qtool_NAME of every .cpp below this folder, and NAME_tests of tests/NAME.
function(qtool_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT QTOOL_ONEDNN)
    list(FILTER sources EXCLUDE REGEX "/onednn/")
  endif()
  qtool_instruction_sets(sources)
  qtool_targets(deps qtool_ ${arg_DEPS})
  qtool_targets(libs qtool_dep_ ${arg_LIBS})
  if(sources)
    add_library(qtool_${name} STATIC ${sources})
    qtool_settings(qtool_${name})
    target_link_libraries(qtool_${name} PUBLIC ${deps} PRIVATE ${libs})
    list(APPEND QTOOL_MODULES ${name})
    set(QTOOL_MODULES ${QTOOL_MODULES} CACHE INTERNAL "")
  endif()
  qtool_tests(${name} DEPS ${name} ${arg_DEPS} ${arg_TEST_DEPS} LIBS ${arg_LIBS} ${arg_TEST_LIBS})
endfunction()

# One Catch2 program of every .cpp below tests/NAME, where one of them is a *_test.cpp; one CTest entry a program. It runs in the repository's root.
function(qtool_tests name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(NOT QTOOL_TESTS OR NOT tests)
    return()
  endif()
  if(NOT QTOOL_ONEDNN)
    list(FILTER sources EXCLUDE REGEX "/onednn/|_onednn_test")
  endif()
  qtool_targets(deps qtool_ ${arg_DEPS} testing)  # tests/support
  qtool_targets(libs qtool_dep_ ${arg_LIBS} catch2)
  add_executable(${name}_tests ${sources})
  qtool_settings(${name}_tests)
  target_link_libraries(${name}_tests PRIVATE ${deps} ${libs})
  # Relative to the root, where tests run: the compiler cache then serves every clone.
  file(RELATIVE_PATH program ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/qtool)
  target_compile_definitions(${name}_tests PRIVATE QTOOL_SOURCE_DIR="." QTOOL_BINARY="${program}")
  set_target_properties(${name}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name}_tests --reporter console --reporter XML::out=${PROJECT_BINARY_DIR}/results/${name}.xml
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 4)  # 4: every case was skipped
endfunction()

# The command-line program, of cmd/*.cpp and every module.
function(qtool_executable)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmd/*.cpp)
  if(NOT sources)
    return()
  endif()
  qtool_targets(modules qtool_ ${QTOOL_MODULES})
  add_executable(qtool ${sources})
  qtool_settings(qtool)
  target_link_libraries(qtool PRIVATE ${modules} qtool_dep_cli11 qtool_dep_spdlog qtool_dep_json)
  set_target_properties(qtool PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endfunction()

# Folders of tests/ that belong to no single module (roundtrip, cli, fuzz): linked with everything.
function(qtool_extra_tests)
  file(GLOB folders CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/tests/*)
  foreach(name IN LISTS folders)
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/${name} AND NOT TARGET ${name}_tests AND NOT EXISTS ${PROJECT_SOURCE_DIR}/lib/${name})
      qtool_tests(${name} DEPS ${QTOOL_MODULES} LIBS json)
    endif()
  endforeach()
endfunction()

# Tests that are Python scripts. Those in other runtimes need the packages of `scripts/setup --python`.
function(qtool_script_tests)
  find_package(Python3 COMPONENTS Interpreter REQUIRED)
  set(python ${PROJECT_SOURCE_DIR}/.deps/venv/bin/python)
  add_test(NAME layering COMMAND ${Python3_EXECUTABLE} tests/layering.py WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/interop AND NOT CMAKE_CROSSCOMPILING)
    add_test(NAME interop COMMAND ${python} -m pytest tests/interop -q -p no:cacheprovider --junitxml=${PROJECT_BINARY_DIR}/results/interop.xml
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(interop PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE LABELS slow ENVIRONMENT "QTOOL=${PROJECT_BINARY_DIR}/qtool")
  endif()
  if(CMAKE_CROSSCOMPILING)  # this machine's qtool is that of preset dev
    add_test(NAME arm COMMAND ${python} -m pytest tests/arm -q -p no:cacheprovider --junitxml=${PROJECT_BINARY_DIR}/results/arm.xml
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(arm PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE LABELS slow ENVIRONMENT
                         "QTOOL=${PROJECT_SOURCE_DIR}/build/dev/qtool;QTOOL_ARM=${PROJECT_BINARY_DIR}/qtool;ARM_ROOT=${CMAKE_SYSROOT}")
  endif()
endfunction()
