// DFT: discrete Fourier transform along an axis; the last dimension is 1 (real) or 2 (real and imaginary part).
// STFT: DFT of windowed frames. Sums by definition, not by the fast algorithm.
#include <cmath>
#include <complex>

#include "ops/helpers/infer.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = 3.14159265358979323846;

/// y[k] = sum of x[n] e^(-+2 pi i k n / N), divided by N for the inverse.
std::vector<Complex> transformed(const std::vector<Complex>& x, bool inverse) {
  const auto count = static_cast<double>(x.size());
  std::vector<Complex> y(x.size());
  for (size_t k = 0; k < x.size(); ++k) {
    for (size_t n = 0; n < x.size(); ++n) {
      const double angle = (inverse ? 2 : -2) * kPi * static_cast<double>(k * n % x.size()) / count;
      y[k] += x[n] * Complex(std::cos(angle), std::sin(angle));
    }
    if (inverse) y[k] /= count;
  }
  return y;
}

struct Transform {
  int64_t length;
  bool inverse, onesided;
  int64_t kept() const { return onesided && !inverse ? length / 2 + 1 : length; }
  /// The one-sided inverse gives a real signal.
  int64_t parts() const { return onesided && inverse ? 1 : 2; }
};

/// The whole spectrum from the half that is kept of a real signal's.
void mirror(std::vector<Complex>& x, size_t half) {
  for (size_t k = half; k < x.size(); ++k) x[k] = std::conj(x[x.size() - k]);
}

Tensor dft(const Tensor& x, size_t axis, const Transform& t) {
  const int64_t outer = product(x.shape(), 0, axis), count = x.shape()[axis], inner = product(x.shape(), axis + 1, x.rank() - 1),
                parts = x.shape().back();
  const std::vector<double> values = to_doubles(x);
  Shape shape = x.shape();
  shape[axis] = t.kept();
  shape.back() = t.parts();
  std::vector<double> y(static_cast<size_t>(element_count(shape)));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      std::vector<Complex> line(static_cast<size_t>(t.length));
      for (int64_t n = 0; n < std::min(count, t.length); ++n) {
        const auto at = static_cast<size_t>(((o * count + n) * inner + i) * parts);
        line[static_cast<size_t>(n)] = {values[at], parts == 2 ? values[at + 1] : 0};
      }
      if (t.inverse && t.onesided) mirror(line, static_cast<size_t>(t.length / 2 + 1));
      const std::vector<Complex> result = transformed(line, t.inverse);
      for (int64_t k = 0; k < t.kept(); ++k) {
        const auto at = static_cast<size_t>(((o * t.kept() + k) * inner + i) * t.parts());
        y[at] = result[static_cast<size_t>(k)].real();
        if (t.parts() == 2) y[at + 1] = result[static_cast<size_t>(k)].imag();
      }
    }
  return from_doubles(x.dtype(), shape, y);
}

void run(const Node& node, TensorsIn in, TensorsOut out, int64_t stated_axis) {
  const Tensor& x = input(in, 0);
  require(x.rank() >= 2 && (x.shape().back() == 1 || x.shape().back() == 2), "the last dimension must be 1 or 2");
  const auto axis = static_cast<size_t>(normalize_axis(stated_axis, x.rank()));
  require(axis + 1 < x.rank(), "the axis must not be the last one");
  const bool inverse = node.attr_or("inverse", 0) != 0, onesided = node.attr_or("onesided", 0) != 0;
  int64_t length = inverse && onesided ? 2 * (x.shape()[axis] - 1) : x.shape()[axis];
  if (const Tensor& stated = optional_input(in, 1); stated.defined()) length = stated.to_ints().at(0);
  require(length > 0 && length < int64_t{1} << 32, "dft_length must be positive");
  out[0] = dft(x, axis, {length, inverse, onesided});
}

void dft_17(const Node& node, TensorsIn in, TensorsOut out) { run(node, in, out, node.attr_or("axis", 1)); }
void dft_20(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& axis = optional_input(in, 2);
  run(node, in, out, axis.defined() ? axis.to_ints().at(0) : -2);
}

void lift_dft(Graph& graph, Node& node) {
  const int64_t axis = node.attr_or("axis", 1);
  node.remove_attribute("axis");
  graph.set_input(node, 2, add_constant(graph, node, "axis", Tensor::scalar<int64_t>(axis)));
}

/// signal [batch, length, 1 or 2], frame_step, window or frame_length -> [batch, frames, bins, 2]
void stft(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &signal = input(in, 0), &window = optional_input(in, 2), &stated = optional_input(in, 3);
  require(signal.rank() == 3 && (signal.shape()[2] == 1 || signal.shape()[2] == 2), "the signal must be [batch, length, 1 or 2]");
  require(window.defined() || stated.defined(), "STFT needs a window or a frame_length");
  const int64_t step = input(in, 1).to_ints().at(0), length = stated.defined() ? stated.to_ints().at(0) : window.size();
  require(step > 0 && length > 0 && length <= signal.shape()[1] && (!window.defined() || window.size() == length),
          "the frames do not fit the signal");
  const int64_t batch = signal.shape()[0], total = signal.shape()[1], parts = signal.shape()[2], frames = (total - length) / step + 1;
  const std::vector<double> values = to_doubles(signal);
  const std::vector<double> weights = window.defined() ? to_doubles(window) : std::vector<double>(static_cast<size_t>(length), 1.0);
  std::vector<double> cut;
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t f = 0; f < frames; ++f)
      for (int64_t i = 0; i < length; ++i)
        for (int64_t p = 0; p < parts; ++p)
          cut.push_back(values[static_cast<size_t>((n * total + f * step + i) * parts + p)] * weights[static_cast<size_t>(i)]);
  const Tensor framed = from_doubles(DType::float64, {batch, frames, length, parts}, cut);
  out[0] = dft(framed, 2, {length, false, node.attr_or("onesided", 1) != 0}).cast(signal.dtype());
}

TypeList infer(const Node& node, const InferInput& in) {
  const Dims& x = dims_of(in, 0);
  return outputs(node, {{dtype_of(in, 0), x ? Dims(unknown_dims(x->size())) : std::nullopt}});
}
TypeList infer_stft(const Node& node, const InferInput& in) { return outputs(node, {{dtype_of(in, 0), unknown_dims(4)}}); }

}  // namespace

extern const OpDef kDFT17{.name = "DFT", .since = 17, .infer = infer, .eval = dft_17, .lift = lift_dft};
extern const OpDef kDFT20{.name = "DFT", .since = 20, .infer = infer, .eval = dft_20};
extern const OpDef kSTFT17{.name = "STFT", .since = 17, .infer = infer_stft, .eval = stft};

}  // namespace qtool
