#pragma once
// What a calibration saw: the value that calibrate writes, merge joins and convert reads (stats.json).

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "observe/tensor_statistics.h"

namespace qtool {

struct Stats {
  static constexpr int kVersion = 1;
  std::string model;                                ///< SHA-256 of the prepared model
  std::set<std::string> samples;                    ///< ids of the samples seen
  std::map<std::string, TensorStatistics> tensors;  ///< by tensor path

  /// Associative and commutative to the bit. Throws Error(invalid_file) when the models differ or a sample is in both.
  void merge(const Stats& other);
  std::string to_json() const;
  /// `source` names the file in messages. Throws Error(invalid_file).
  static Stats parse(std::string_view json, const std::string& source);
  bool operator==(const Stats&) const = default;
};

}  // namespace qtool
