#pragma once
// What RNN, GRU and LSTM share: directions, sequence lengths, layout, activations.

#include <vector>

#include "ops/helpers/numeric.h"

namespace qtool {

/// Set on a recurrence of an executable copy (never in a file) where each row of X, and each state in front of its product with R, is
/// quantized to u8 as DynamicQuantizeLinear quantizes a tensor.
inline constexpr const char* kDynamicAttribute = "qtool_dynamic";

using Activation = double (*)(double x, double alpha, double beta);

struct NamedActivation {
  Activation function;
  double alpha, beta;
  double operator()(double x) const { return function(x, alpha, beta); }
};

/// The node's activations for one direction, `per_direction` each, with these defaults.
std::vector<NamedActivation> activations_of(const Node& node, size_t direction, const std::vector<const char*>& defaults);

/// One recurrent node, all values in double. x: [seq, batch, input]; W: [dirs, gates * hidden, input]; R: [dirs, gates * hidden,
/// hidden]; B: [dirs, 2 * gates * hidden] (zeros where omitted).
struct Recurrence {
  int64_t seq, batch, input, hidden, directions, gates;
  bool batch_first;       ///< layout = 1: x, y and states have the batch in front
  std::string direction;  ///< forward, reverse, bidirectional
  DType dtype;
  double clip;   ///< infinity: none
  bool dynamic;  ///< kDynamicAttribute
  std::vector<double> x, w, r, b;
  std::vector<int64_t> lengths;  ///< of each sequence of the batch

  /// Checks all shapes; throws Error(invalid_file).
  Recurrence(const Node& node, TensorsIn in, int64_t gates);
  bool reversed(int64_t d) const { return direction == "reverse" || d == 1; }
  double clipped(double value) const { return value > clip ? clip : value < -clip ? -clip : value; }

  /// State input i ([dirs, batch, hidden]) as double, zeros where omitted.
  std::vector<double> state(TensorsIn in, size_t i) const;
  /// sum_k x_t[k] * W[gate, unit, k] + Wb, without the recurrent part.
  double from_input(int64_t d, int64_t t, int64_t n, int64_t gate, int64_t unit) const;
  /// The `count` values at `row` as a product reads them: quantized and dequantized where dynamic.
  std::vector<double> as_read(const double* row, int64_t count) const;
  /// sum_k h[k] * R[gate, unit, k], without Rb; `h` as it is read.
  double from_state(int64_t d, const double* h, int64_t gate, int64_t unit) const;
  double recurrent_bias(int64_t d, int64_t gate, int64_t unit) const;

  /// Walks (direction, batch item): step(d, n, t) in the direction's order; `after(d, n, t)` stores what step left.
  template <class Step>
  void walk(Step&& step) const {
    for (int64_t d = 0; d < directions; ++d)
      for (int64_t n = 0; n < batch; ++n) {
        const int64_t length = lengths[static_cast<size_t>(n)];
        for (int64_t i = 0; i < length; ++i) step(d, n, reversed(d) ? length - 1 - i : i);
      }
  }
  size_t state_at(int64_t d, int64_t n) const { return static_cast<size_t>((d * batch + n) * hidden); }
  size_t output_at(int64_t d, int64_t n, int64_t t) const { return static_cast<size_t>(((t * directions + d) * batch + n) * hidden); }

  /// [seq, dirs, batch, hidden] in the node's layout.
  Tensor output(const std::vector<double>& y) const;
  /// [dirs, batch, hidden] in the node's layout.
  Tensor final_state(const std::vector<double>& h) const;
};

/// Weights of com.microsoft.DynamicQuantizeLSTM as real numbers: codes [dirs, in, rows] with a scale and zero point (undefined: 0) a
/// direction, or a row of each -> [dirs, rows, in].
Tensor dynamic_lstm_weights(const Tensor& codes, const Tensor& scale, const Tensor& zero);

std::vector<ValueType> infer_recurrence(const Node& node, const InferInput& in);
int64_t recurrence_macs(const Node& node, std::span<const Shape> in);

}  // namespace qtool
