#include "data/listing.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/natural_order.h"

namespace qtool {
namespace {

namespace fs = std::filesystem;

struct Extension {
  std::string_view text;
  SampleKind kind;
};
constexpr std::array kExtensions{Extension{".npy", SampleKind::npy},   Extension{".npz", SampleKind::npz},
                                 Extension{".pb", SampleKind::pb},     Extension{".png", SampleKind::image},
                                 Extension{".jpg", SampleKind::image}, Extension{".jpeg", SampleKind::image},
                                 Extension{".bmp", SampleKind::image}, Extension{".bin", SampleKind::raw}};

/// input_12.pb, output_0.pb
bool is_part_of_folder(std::string_view name) {
  for (const std::string_view prefix : {"input_", "output_"}) {
    if (!name.starts_with(prefix) || !name.ends_with(".pb")) continue;
    const std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - 3);
    return !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
  }
  return false;
}

/// A directory as the file system knows it, whatever the path to it.
struct Place {
  dev_t device;
  ino_t number;
  bool operator==(const Place&) const = default;
};

class Search {
 public:
  explicit Search(bool inputs_may_be_absent) : inputs_may_be_absent_(inputs_may_be_absent) {}

  void argument(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) throw invalid_file(path + ": " + std::strerror(errno));
    if (S_ISDIR(info.st_mode)) return directory(path, "", {info.st_dev, info.st_ino});
    const SampleKind kind = kind_of_name(path);
    if (kind == SampleKind::none || !S_ISREG(info.st_mode))
      throw invalid_file(path + ": no sample: expected a directory or a .npy, .npz, .pb, .png, .jpg, .bmp or .bin file");
    found.push_back({fs::path(path).filename().string(), path, kind});
  }

  std::vector<SampleFile> found;

 private:
  void directory(const fs::path& path, const std::string& id, Place place) {
    if (std::find(above_.begin(), above_.end(), place) != above_.end()) return;
    std::vector<std::string> names = names_in(path);
    if (is_sample(names)) {
      found.push_back({id.empty() ? last_name(path) : id, path.string(), SampleKind::folder});
      return;
    }
    above_.push_back(place);
    for (const std::string& name : names) entry(path / name, id.empty() ? name : id + "/" + name);
    above_.pop_back();
  }

  void entry(const fs::path& path, const std::string& id) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return;  // a dangling link
    if (S_ISDIR(info.st_mode)) return directory(path, id, {info.st_dev, info.st_ino});
    const std::string name = path.filename().string();
    const SampleKind kind = is_part_of_folder(name) ? SampleKind::none : kind_of_name(name);
    if (kind != SampleKind::none && S_ISREG(info.st_mode)) found.push_back({id, path.string(), kind});
  }

  bool is_sample(const std::vector<std::string>& names) const {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return name == "input_0.pb" || (inputs_may_be_absent_ && is_part_of_folder(name)); });
  }

  static std::vector<std::string> names_in(const fs::path& path) {
    std::vector<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator at(path, failure), end; !failure && at != end; at.increment(failure)) {
      std::string name = at->path().filename().string();
      if (!name.starts_with('.')) names.push_back(std::move(name));
    }
    if (failure) throw invalid_file(path.string() + ": " + failure.message());
    return names;
  }

  static std::string last_name(const fs::path& path) {
    std::error_code failure;
    const fs::path plain = fs::canonical(path, failure);
    return (failure ? path : plain).filename().string();
  }

  bool inputs_may_be_absent_;
  std::vector<Place> above_;
};

}  // namespace

SampleKind kind_of_name(const std::string& name) {
  std::string extension = fs::path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const Extension& row : kExtensions)
    if (row.text == extension) return row.kind;
  return SampleKind::none;
}

std::vector<SampleFile> list_samples(const std::vector<std::string>& data, bool inputs_may_be_absent) {
  Search search(inputs_may_be_absent);
  for (const std::string& path : data) search.argument(path);
  std::vector<SampleFile>& files = search.found;
  std::sort(files.begin(), files.end(),
            [](const SampleFile& a, const SampleFile& b) { return a.id == b.id ? a.path < b.path : natural_less(a.id, b.id); });
  const auto twice = std::adjacent_find(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.id == b.id; });
  if (twice != files.end())
    throw invalid_file("two samples have the id \"" + twice->id + "\": " + twice->path + " and " + std::next(twice)->path);
  return std::move(files);
}

}  // namespace qtool
