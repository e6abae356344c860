# Third-party libraries, each behind an interface target qtool_dep_NAME; modules name them by NAME: LIBS onnx json png jpeg zlib nettle
# minizip spdlog cli11 onednn catch2. What Debian 12 lacks, scripts/setup puts under .deps/.
list(PREPEND CMAKE_PREFIX_PATH ${PROJECT_SOURCE_DIR}/.deps/onednn ${PROJECT_SOURCE_DIR}/.deps/catch2/usr)
set(QTOOL_HINT "not found: run scripts/setup")

# qtool_dependency(NAME TARGET...): a package found above, under our name. Its headers count as system headers.
function(qtool_dependency name)
  add_library(qtool_dep_${name} INTERFACE)
  target_link_libraries(qtool_dep_${name} INTERFACE ${ARGN})
endfunction()

# qtool_library(NAME HEADER LIBRARY): a library without a CMake package.
function(qtool_library name header library)
  find_path(QTOOL_${name}_INCLUDE ${header})
  find_library(QTOOL_${name}_LIBRARY ${library})
  if(NOT QTOOL_${name}_INCLUDE OR NOT QTOOL_${name}_LIBRARY)
    message(FATAL_ERROR "${header} or lib${library} ${QTOOL_HINT}")
  endif()
  add_library(qtool_dep_${name} INTERFACE)
  target_include_directories(qtool_dep_${name} SYSTEM INTERFACE ${QTOOL_${name}_INCLUDE})
  target_link_libraries(qtool_dep_${name} INTERFACE ${QTOOL_${name}_LIBRARY})
endfunction()

find_package(Protobuf REQUIRED)  # before ONNX: its exported targets name protobuf::libprotobuf
find_package(ONNX REQUIRED)
qtool_dependency(onnx onnx onnx_proto protobuf::libprotobuf)
target_compile_definitions(qtool_dep_onnx INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)

find_package(nlohmann_json 3 REQUIRED)
qtool_dependency(json nlohmann_json::nlohmann_json)
find_package(spdlog REQUIRED)
qtool_dependency(spdlog spdlog::spdlog)
find_package(CLI11 2 REQUIRED)
qtool_dependency(cli11 CLI11::CLI11)
find_package(PNG REQUIRED)
qtool_dependency(png PNG::PNG)
find_package(JPEG REQUIRED)
qtool_dependency(jpeg JPEG::JPEG)
find_package(ZLIB REQUIRED)
qtool_dependency(zlib ZLIB::ZLIB)
qtool_library(nettle nettle/sha2.h nettle)
qtool_library(minizip minizip/unzip.h minizip)

if(QTOOL_ONEDNN)
  find_package(dnnl 3 REQUIRED)
  qtool_dependency(onednn DNNL::dnnl)
  target_compile_definitions(qtool_dep_onednn INTERFACE QTOOL_ONEDNN=1)
endif()
if(QTOOL_TESTS)
  find_package(Catch2 3 REQUIRED)
  qtool_dependency(catch2 Catch2::Catch2WithMain)
endif()
