#include "data/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace qtool {
namespace {

constexpr int kFractionBits = 22;  // 32 bits - 8 of the pixel - 2 of headroom: bicubic sums overshoot

double bilinear(double x) { return std::fabs(x) < 1.0 ? 1.0 - std::fabs(x) : 0.0; }

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double area(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

struct Filter {
  double (*weight)(double);
  double support;
};

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bilinear:
      return {bilinear, 1.0};
    case Interpolation::bicubic:
      return {bicubic, 2.0};
    case Interpolation::area:
      break;
  }
  return {area, 0.5};
}

/// What one output position is made of: inputs [first, first + count) times weights[...], in units of 2^-22.
struct Taps {
  int first = 0, count = 0;
  const int32_t* weights = nullptr;
};

int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kFractionBits);
  return static_cast<int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

void normalize(const double* exact, int count, int32_t* fixed) {
  double sum = 0;
  for (int k = 0; k < count; ++k) sum += exact[k];
  for (int k = 0; k < count; ++k) fixed[k] = to_fixed(sum != 0 ? exact[k] / sum : exact[k]);
}

class Kernel {
 public:
  Kernel(int in, int out, Filter filter) {
    const double scale = static_cast<double>(in) / out, stretch = std::max(scale, 1.0), support = filter.support * stretch;
    widest_ = static_cast<size_t>(std::ceil(support)) * 2 + 1;
    weights_.resize(widest_ * static_cast<size_t>(out));
    taps_.resize(static_cast<size_t>(out));
    std::vector<double> exact(widest_);
    for (int i = 0; i < out; ++i) {
      const double center = (i + 0.5) * scale;
      const int first = std::max(static_cast<int>(center - support + 0.5), 0);
      const int count = std::min(static_cast<int>(center + support + 0.5), in) - first;
      for (int k = 0; k < count; ++k) exact[static_cast<size_t>(k)] = filter.weight((k + first - center + 0.5) * (1.0 / stretch));
      int32_t* fixed = weights_.data() + static_cast<size_t>(i) * widest_;
      normalize(exact.data(), count, fixed);
      taps_[static_cast<size_t>(i)] = {first, count, fixed};
    }
  }
  const Taps& operator[](int i) const { return taps_[static_cast<size_t>(i)]; }

 private:
  size_t widest_ = 0;
  std::vector<int32_t> weights_;
  std::vector<Taps> taps_;
};

constexpr int32_t kHalf = 1 << (kFractionBits - 1);

uint8_t to_pixel(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

template <int kChannels>
void resize_row(const uint8_t* in, uint8_t* out, int width, const Kernel& kernel) {
  for (int x = 0; x < width; ++x, out += kChannels) {
    const Taps& taps = kernel[x];
    const uint8_t* pixel = in + taps.first * kChannels;
    int32_t sums[kChannels];
    std::fill_n(sums, kChannels, kHalf);
    for (int k = 0; k < taps.count; ++k, pixel += kChannels)
      for (int c = 0; c < kChannels; ++c) sums[c] += pixel[c] * taps.weights[k];
    for (int c = 0; c < kChannels; ++c) out[c] = to_pixel(sums[c]);
  }
}

Image resize_columns(const Image& image, int width, Filter filter) {
  const Kernel kernel(image.width, width, filter);
  Image out = make_image(width, image.height, image.channels);
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* from = image.pixels.data() + static_cast<size_t>(y) * image.row_bytes();
    uint8_t* to = out.pixels.data() + static_cast<size_t>(y) * out.row_bytes();
    image.channels == 1 ? resize_row<1>(from, to, width, kernel) : resize_row<3>(from, to, width, kernel);
  }
  return out;
}

Image resize_rows(const Image& image, int height, Filter filter) {
  const Kernel kernel(image.height, height, filter);
  Image out = make_image(image.width, height, image.channels);
  const size_t bytes = image.row_bytes();
  std::vector<int32_t> sums(bytes);
  for (int y = 0; y < height; ++y) {
    const Taps& taps = kernel[y];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < taps.count; ++k) {
      const uint8_t* row = image.pixels.data() + static_cast<size_t>(taps.first + k) * bytes;
      const int32_t weight = taps.weights[k];
      for (size_t i = 0; i < bytes; ++i) sums[i] += row[i] * weight;
    }
    std::transform(sums.begin(), sums.end(), out.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(y) * bytes), to_pixel);
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int width, int height, Interpolation interpolation) {
  make_image(width, height, 0);  // throws for absurd sizes before work is done
  const Filter filter = filter_of(interpolation);
  if (width == image.width) return height == image.height ? image : resize_rows(image, height, filter);
  if (height == image.height) return resize_columns(image, width, filter);
  const bool rows_first = height < image.height && image.height - height > 2 * (image.width - width);
  if (rows_first) return resize_columns(resize_rows(image, height, filter), width, filter);
  return resize_rows(resize_columns(image, width, filter), height, filter);
}

}  // namespace qtool
