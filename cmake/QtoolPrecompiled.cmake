# Headers that most files of a layer include, parsed once a build: cmake/precompiled/NAME.h. Every file still includes what it uses; presets
# other than dev and arm64 go without them, and would tell.
option(QTOOL_PRECOMPILE "Parse common headers once a build" OFF)

# qtool_precompiled(TARGET NAME [LIBRARY...]): TARGET's files begin with that header, which needs the libraries. Its module must be allowed
# to include what is in there. Files with options of their own are to set SKIP_PRECOMPILE_HEADERS: GCC would not take it, or break.
function(qtool_precompiled target name)
  if(NOT QTOOL_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET qtool_precompiled_${name})
    add_library(qtool_precompiled_${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled/nothing.cpp)
    qtool_settings(qtool_precompiled_${name})
    get_target_property(options ${target} COMPILE_OPTIONS)
    set_target_properties(qtool_precompiled_${name} PROPERTIES COMPILE_OPTIONS "${options}")
    target_link_libraries(qtool_precompiled_${name} PRIVATE ${ARGN})
    target_precompile_headers(qtool_precompiled_${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled/${name}.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM qtool_precompiled_${name})
endfunction()
