#include "ops/helpers/rnn.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/helpers/infer.h"
#include "ops/helpers/strided.h"
#include "tensor/quant_math.h"

namespace qtool {
namespace {

struct ActivationRow {
  std::string_view name;
  Activation function;
  double alpha, beta;
};

constexpr std::array kActivations{
    ActivationRow{"relu", [](double x, double, double) { return x > 0 ? x : 0; }, 0, 0},
    ActivationRow{"tanh", [](double x, double, double) { return std::tanh(x); }, 0, 0},
    ActivationRow{"sigmoid", [](double x, double, double) { return 1 / (1 + std::exp(-x)); }, 0, 0},
    ActivationRow{"affine", [](double x, double a, double b) { return a * x + b; }, 1, 0},
    ActivationRow{"leakyrelu", [](double x, double a, double) { return x < 0 ? a * x : x; }, 0.01, 0},
    ActivationRow{"thresholdedrelu", [](double x, double a, double) { return x > a ? x : 0; }, 1, 0},
    ActivationRow{"scaledtanh", [](double x, double a, double b) { return a * std::tanh(b * x); }, 1, 1},
    ActivationRow{"hardsigmoid", [](double x, double a, double b) { return std::fmin(std::fmax(a * x + b, 0), 1); }, 0.2, 0.5},
    ActivationRow{"elu", [](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 1, 0},
    ActivationRow{"softsign", [](double x, double, double) { return x / (1 + std::fabs(x)); }, 0, 0},
    ActivationRow{"softplus", [](double x, double, double) { return std::log1p(std::exp(x)); }, 0, 0},
};

const ActivationRow& activation_named(std::string name) {
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const ActivationRow& row : kActivations)
    if (row.name == name) return row;
  throw invalid_file("activation \"" + name + "\" is unknown");
}

void require_size(const std::vector<double>& values, int64_t size, const char* what) {
  if (std::ssize(values) != size)
    throw invalid_file(std::string(what) + " has " + std::to_string(values.size()) + " elements, expected " + std::to_string(size));
}

std::vector<double> optional_doubles(TensorsIn in, size_t i) {
  const Tensor& tensor = optional_input(in, i);
  return tensor.defined() ? to_doubles(tensor) : std::vector<double>();
}

int64_t directions_of(const Node& node) { return node.attr_or("direction", "forward") == std::string("bidirectional") ? 2 : 1; }

}  // namespace

std::vector<NamedActivation> activations_of(const Node& node, size_t direction, const std::vector<const char*>& defaults) {
  const Attribute* listed = node.attribute("activations");
  const auto* given = listed ? std::get_if<std::vector<std::string>>(&listed->value) : nullptr;
  const std::vector<std::string> names = given ? *given : std::vector<std::string>();
  const auto alphas = node.attr_or("activation_alpha", std::vector<float>{}), betas = node.attr_or("activation_beta", std::vector<float>{});
  std::vector<NamedActivation> found;
  for (size_t i = 0; i < defaults.size(); ++i) {
    const size_t at = direction * defaults.size() + i;
    require(names.empty() || at < names.size(), "too few activations");
    const ActivationRow& row = activation_named(names.empty() ? defaults[i] : names[at]);
    found.push_back({row.function, at < alphas.size() ? alphas[at] : row.alpha, at < betas.size() ? betas[at] : row.beta});
  }
  return found;
}

Recurrence::Recurrence(const Node& node, TensorsIn in, int64_t gate_count) : gates(gate_count) {
  batch_first = node.attr_or("layout", 0) != 0;
  direction = node.attr_or("direction", "forward");
  require(direction == "forward" || direction == "reverse" || direction == "bidirectional", "direction is unknown");
  directions = directions_of(node);
  require(qtool::input(in, 0).rank() == 3 && qtool::input(in, 1).rank() == 3 && qtool::input(in, 2).rank() == 3,
          "X, W and R must have rank 3");
  const Tensor plain = batch_first ? permuted(in[0], {1, 0, 2}) : in[0];
  const std::vector<double> all = to_doubles(plain);
  seq = plain.shape()[0];
  batch = plain.shape()[1];
  this->input = plain.shape()[2];
  hidden = in[2].shape()[2];
  dtype = in[0].dtype();
  clip = node.attribute("clip") ? node.attr_or("clip", 0.0f) : std::numeric_limits<double>::infinity();
  dynamic = node.attr_or(kDynamicAttribute, 0) != 0 || node.target() == "com.microsoft.DynamicQuantizeLSTM";
  for (const double* row = all.data(); row < all.data() + all.size(); row += this->input) {
    const std::vector<double> read = as_read(row, this->input);
    x.insert(x.end(), read.begin(), read.end());
  }
  w = to_doubles(in[1]);
  r = to_doubles(in[2]);
  b = optional_doubles(in, 3);
  if (b.empty()) b.assign(static_cast<size_t>(directions * 2 * gates * hidden), 0);
  require_size(w, directions * gates * hidden * this->input, "W");
  require_size(r, directions * gates * hidden * hidden, "R");
  require_size(b, directions * 2 * gates * hidden, "B");
  if (const Tensor& given = optional_input(in, 4); given.defined()) lengths = given.to_ints();
  if (lengths.empty()) lengths.assign(static_cast<size_t>(batch), seq);
  require(std::ssize(lengths) == batch, "sequence_lens must have one number a batch item");
  for (const int64_t length : lengths) require(length >= 0 && length <= seq, "a length of sequence_lens is outside the sequence");
}

std::vector<double> Recurrence::state(TensorsIn in, size_t i) const {
  const Tensor& given = optional_input(in, i);
  if (!given.defined()) return std::vector<double>(static_cast<size_t>(directions * batch * hidden), 0);
  const std::vector<double> values = to_doubles(batch_first && given.rank() == 3 ? permuted(given, {1, 0, 2}) : given);
  require_size(values, directions * batch * hidden, "an initial state");
  return values;
}

double Recurrence::from_input(int64_t d, int64_t t, int64_t n, int64_t gate, int64_t unit) const {
  const double* row = w.data() + ((d * gates + gate) * hidden + unit) * input;
  const double* at = x.data() + (t * batch + n) * input;
  double total = b[static_cast<size_t>((d * 2 * gates + gate) * hidden + unit)];
  for (int64_t k = 0; k < input; ++k) total += at[k] * row[k];
  return total;
}

std::vector<double> Recurrence::as_read(const double* row, int64_t count) const {
  std::vector<double> read(row, row + count);
  if (!dynamic) return read;
  const std::vector<float> floats(row, row + count);
  const Tensor real = Tensor::of<float>({count}, floats);
  const auto [lo, hi] = std::minmax_element(floats.begin(), floats.end());
  const QuantParams params = count == 0 ? dynamic_params(0, 0) : dynamic_params(*lo, *hi);
  return to_doubles(fake_quantize(real, params, full_range(DType::uint8)));
}

double Recurrence::from_state(int64_t d, const double* h, int64_t gate, int64_t unit) const {
  const double* row = r.data() + ((d * gates + gate) * hidden + unit) * hidden;
  double total = 0;
  for (int64_t k = 0; k < hidden; ++k) total += h[k] * row[k];
  return total;
}

double Recurrence::recurrent_bias(int64_t d, int64_t gate, int64_t unit) const {
  return b[static_cast<size_t>((d * 2 * gates + gates + gate) * hidden + unit)];
}

Tensor Recurrence::output(const std::vector<double>& y) const {
  const Tensor plain = from_doubles(dtype, {seq, directions, batch, hidden}, y);
  return batch_first ? permuted(plain, {2, 0, 1, 3}) : plain;
}

Tensor Recurrence::final_state(const std::vector<double>& h) const {
  const Tensor plain = from_doubles(dtype, {directions, batch, hidden}, h);
  return batch_first ? permuted(plain, {1, 0, 2}) : plain;
}

Tensor dynamic_lstm_weights(const Tensor& codes, const Tensor& scale, const Tensor& zero) {
  require(codes.rank() == 3, "quantized weights must have rank 3");
  const int64_t directions = codes.shape()[0], in = codes.shape()[1], rows = codes.shape()[2];
  require(scale.size() == directions || scale.size() == directions * rows, "scales of weights fit neither directions nor rows");
  require(!zero.defined() || zero.size() == scale.size(), "scale and zero point differ in shape");
  const int64_t a_direction = directions == 0 ? 1 : scale.size() / directions;
  Tensor real(DType::float32, {directions, rows, in});
  auto to = real.mutable_data<float>();
  for (int64_t d = 0; d < directions; ++d)
    for (int64_t k = 0; k < in; ++k)
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t s = d * a_direction + (a_direction == 1 ? 0 : r);
        const double centred = codes.number_at((d * in + k) * rows + r) - (zero.defined() ? zero.number_at(s) : 0);
        to[static_cast<size_t>((d * rows + r) * in + k)] = static_cast<float>(centred * scale.number_at(s));
      }
  return real;
}

TypeList infer_recurrence(const Node& node, const InferInput& in) {
  const Dims &x = dims_of(in, 0), &r = dims_of(in, 2);
  const bool batch_first = node.attr_or("layout", 0) != 0;
  Dim seq, batch, hidden, directions = known(directions_of(node));
  if (x && x->size() == 3) {
    seq = (*x)[batch_first ? 1 : 0];
    batch = (*x)[batch_first ? 0 : 1];
  }
  if (r && r->size() == 3) hidden = (*r)[2];
  if (!hidden.known() && node.attribute("hidden_size")) hidden = known(node.attr_or("hidden_size", 0));
  const DType dtype = dtype_of(in, 0);
  const std::vector<Dim> all =
      batch_first ? std::vector<Dim>{batch, seq, directions, hidden} : std::vector<Dim>{seq, directions, batch, hidden};
  const std::vector<Dim> last = batch_first ? std::vector<Dim>{batch, directions, hidden} : std::vector<Dim>{directions, batch, hidden};
  return outputs(node, {{dtype, all}, {dtype, last}, {dtype, last}});
}

int64_t recurrence_macs(const Node&, std::span<const Shape> in) {
  if (in[0].size() != 3) return 0;
  return in[0][0] * in[0][1] * (element_count(in[1]) + element_count(in[2]));
}

}  // namespace qtool
