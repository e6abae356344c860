#pragma once
#include <string_view>

namespace qtool {

/// A file of the repository compiled into the binary (cmake/QtoolEmbed.cmake).
struct EmbeddedFile {
  std::string_view path;  ///< below the repository, "configs/backend/x86.json"
  std::string_view text;
};

}  // namespace qtool
