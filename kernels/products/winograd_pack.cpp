// Weights of the 3 x 3 convolution by Winograd's algorithm.

#include <algorithm>
#include <cstdlib>

#include "kernels/products/winograd.h"

namespace qtool::kernels {
namespace {

/// g * three, `step` entries apart each way.
void transform(const int* three, size_t step, int* six, size_t six_step) {
  const int a = three[0], b = three[step], c = three[2 * step];
  const int out[] = {a, -a - b - c, -a + b - c, a + 2 * b + 4 * c, a - 2 * b + 4 * c, c};
  for (size_t i = 0; i < 6; ++i) six[i * six_step] = out[i];
}

/// g * w * transpose(g)
void transform(const int8_t* w, int* u) {
  int wide[9], columns[18];
  std::copy_n(w, 9, wide);
  for (size_t s = 0; s < 3; ++s) transform(wide + s, 3, columns + s, 3);
  for (size_t i = 0; i < 6; ++i) transform(columns + 3 * i, 1, u + 6 * i, 1);
}

}  // namespace

bool winograd_fits(const int8_t* weights, size_t n, size_t depth) {
  for (size_t column = 0; column < n; ++column) {
    int64_t sum = 0;
    for (size_t i = 0; i < 9 * depth; ++i) sum += std::abs(weights[9 * depth * column + i]);
    if (sum >= int64_t{1} << 18) return false;
  }
  return true;
}

void pack_winograd(const int8_t* weights, const WinogradPacking& packing, int16_t* packed) {
  std::fill_n(packed, packing.size(), int16_t{0});
  int u[WinogradPacking::kPlaces];
  for (size_t n = 0; n < packing.n; ++n)
    for (size_t k = 0; k < packing.depth; ++k) {
      transform(weights + 9 * (n * packing.depth + k), u);
      for (size_t place = 0; place < WinogradPacking::kPlaces; ++place) packed[packing.index(place, k, n)] = static_cast<int16_t>(u[place]);
    }
}

}  // namespace qtool::kernels
