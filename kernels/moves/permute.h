#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qtool::kernels {

/// A choice of bytes out[i] = in[index[i]], cut into 64 outputs by twice 64 inputs: what two registers can select from at once.
struct PermuteTable {
  struct Step {
    size_t from[2];      ///< 64 inputs from each on; all in_width where there are no more
    uint64_t lanes;      ///< the outputs that find their byte there
    uint8_t select[64];  ///< which of the 128
  };
  std::vector<uint32_t> index;
  size_t in_width;
  std::vector<Step> steps;
  std::vector<size_t> first;  ///< step of every block of 64 outputs, and the end

  /// index[i] < in_width
  PermuteTable(std::vector<uint32_t> index, size_t in_width);

 private:
  size_t chunk_with(const std::vector<size_t>& outputs) const;
};

/// out[r * index.size() + i] = in[r * in_width + index[i]]   for r < rows
///
/// in, out  bytes, dense rows; they do not overlap
struct PermuteArgs {
  const uint8_t* in;
  uint8_t* out;
  size_t rows;
  const PermuteTable* table;
};
struct Permute {
  using Args = PermuteArgs;
  using Fn = void(const PermuteArgs&);
};

}  // namespace qtool::kernels
