// HannWindow, HammingWindow, BlackmanWindow: sums of cosines. MelWeightMatrix: triangles evenly spaced on the mel scale.
// Det: determinant.
#include <cmath>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;
constexpr double kPi = 3.14159265358979323846;

DType output_type(const Node& node) { return static_cast<DType>(node.attr_or("output_datatype", static_cast<int64_t>(DType::float32))); }

int64_t scalar(TensorsIn in, size_t i) {
  require(input(in, i).size() == 1, "an input must be one number");
  const int64_t value = in[i].to_ints()[0];
  require(value >= 0 && value < int64_t{1} << 32, "a size is negative or too large");
  return value;
}

/// a0 - a1 cos(t) + a2 cos(2 t), t = 2 pi i / n; periodic: n = size, else size - 1.
void window(const Node& node, TensorsIn in, TensorsOut out, double a0, double a1, double a2) {
  const int64_t size = scalar(in, 0);
  const auto period = static_cast<double>(node.attr_or("periodic", 1) != 0 ? size : size - 1);
  Reals y;
  for (int64_t i = 0; i < size; ++i) {
    const double t = period == 0 ? kPi : 2 * kPi * static_cast<double>(i) / period;
    y.push_back(a0 - a1 * std::cos(t) + a2 * std::cos(2 * t));
  }
  out[0] = from_doubles(output_type(node), {size}, y);
}

void hann(const Node& node, TensorsIn in, TensorsOut out) { window(node, in, out, 0.5, 0.5, 0); }
void hamming(const Node& node, TensorsIn in, TensorsOut out) { window(node, in, out, 25.0 / 46, 21.0 / 46, 0); }
void blackman(const Node& node, TensorsIn in, TensorsOut out) { window(node, in, out, 0.42, 0.5, 0.08); }

TypeList infer_window(const Node& node, const InferInput& in) {
  const auto size = ints_of(in, 0);
  return outputs(node, {{output_type(node), std::vector<Dim>{size && size->size() == 1 ? known(size->front()) : Dim{}}}});
}

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

/// Inputs num_mel_bins, dft_length, sample_rate, lower and upper edge in Hz -> [dft_length / 2 + 1, num_mel_bins].
void mel_weight_matrix(const Node& node, TensorsIn in, TensorsOut out) {
  const int64_t bins = scalar(in, 0), length = scalar(in, 1), rate = scalar(in, 2), rows = length / 2 + 1;
  require(bins > 0 && rate > 0, "MelWeightMatrix needs bins and a sample rate");
  const double low = mel(input(in, 3).number_at(0)), high = mel(input(in, 4).number_at(0));
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < bins + 2; ++i) {
    const double at = hertz(low + (high - low) / static_cast<double>(bins + 2) * static_cast<double>(i));
    edges.push_back(static_cast<int64_t>(std::floor(static_cast<double>(length + 1) * at / static_cast<double>(rate))));
  }
  Reals y(static_cast<size_t>(rows * bins), 0.0);
  const auto set = [&](int64_t row, int64_t bin, double value) {
    if (row >= 0 && row < rows) y[static_cast<size_t>(row * bins + bin)] = value;
  };
  for (int64_t b = 0; b < bins; ++b) {
    const auto at = static_cast<size_t>(b);
    const int64_t lo = edges[at], center = edges[at + 1], hi = edges[at + 2];
    if (lo == center) set(center, b, 1);
    for (int64_t j = lo; j <= center && lo != center; ++j) set(j, b, static_cast<double>(j - lo) / static_cast<double>(center - lo));
    for (int64_t j = center; j < hi; ++j) set(j, b, static_cast<double>(hi - j) / static_cast<double>(hi - center));
  }
  out[0] = from_doubles(output_type(node), {rows, bins}, y);
}

TypeList infer_mel(const Node& node, const InferInput&) { return outputs(node, {{output_type(node), unknown_dims(2)}}); }

/// Gaussian elimination with row exchange.
double determinant(double* m, int64_t n) {
  double result = 1;
  for (int64_t c = 0; c < n; ++c) {
    int64_t pivot = c;
    for (int64_t r = c + 1; r < n; ++r)
      if (std::fabs(m[r * n + c]) > std::fabs(m[pivot * n + c])) pivot = r;
    if (m[pivot * n + c] == 0) return 0;
    if (pivot != c) {
      std::swap_ranges(m + c * n, m + (c + 1) * n, m + pivot * n);
      result = -result;
    }
    result *= m[c * n + c];
    for (int64_t r = c + 1; r < n; ++r) {
      const double factor = m[r * n + c] / m[c * n + c];
      for (int64_t k = c; k < n; ++k) m[r * n + k] -= factor * m[c * n + k];
    }
  }
  return result;
}

void det(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  require(x.rank() >= 2 && x.shape().back() == x.shape()[x.rank() - 2], "Det needs square matrices");
  const int64_t n = x.shape().back();
  Reals values = to_doubles(x), y;
  for (int64_t i = 0; n > 0 && i < x.size(); i += n * n) y.push_back(determinant(values.data() + i, n));
  out[0] = from_doubles(x.dtype(), Shape(x.shape().begin(), x.shape().end() - 2), y);
}

TypeList infer_det(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  if (dims && dims->size() >= 2) dims->resize(dims->size() - 2);
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kHannWindow17{.name = "HannWindow", .since = 17, .infer = infer_window, .eval = hann};
extern const OpDef kHammingWindow17{.name = "HammingWindow", .since = 17, .infer = infer_window, .eval = hamming};
extern const OpDef kBlackmanWindow17{.name = "BlackmanWindow", .since = 17, .infer = infer_window, .eval = blackman};
extern const OpDef kMelWeightMatrix17{.name = "MelWeightMatrix", .since = 17, .infer = infer_mel, .eval = mel_weight_matrix};
extern const OpDef kDet11{.name = "Det", .since = 11, .infer = infer_det, .eval = det};

}  // namespace qtool
