#include "tests/exec/engine_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <random>
#include <sstream>
#include <unordered_map>

#include "exec/lowering.h"
#include "exec/reference/interpreter.h"

namespace qtool::testing {
namespace {

using Values = std::unordered_map<const Value*, Tensor>;

/// plain <-> channels_last, element by element.
Tensor reordered(const Tensor& x, bool to_channels_last) {
  Tensor y(x.dtype(), x.shape());
  const int64_t n = x.shape()[0], c = x.shape()[1], p = product(x.shape(), 2, x.rank());
  const size_t width = element_size(x.dtype());
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < c; ++j)
      for (int64_t k = 0; k < p; ++k) {
        const int64_t plain = (i * c + j) * p + k, last = (i * p + k) * c + j;
        const int64_t from = to_channels_last ? plain : last, to = to_channels_last ? last : plain;
        std::copy_n(x.bytes() + static_cast<size_t>(from) * width, width, y.mutable_bytes() + static_cast<size_t>(to) * width);
      }
  return y;
}

/// A step of the output, or of an inner Q where that is larger (the residual's weight is 1).
double steps_per_code(const Cluster& cluster) {
  double steps = 1;
  for (const PostOp& post : cluster.post_ops)
    if (post.params) steps = std::max(steps, std::ceil(static_cast<double>(post.params->scale() / cluster.outputs[0].params->scale())));
  return steps;
}

void compare_codes(const Tensor& found, const Tensor& expected, double step, ClusterCheck& check) {
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double difference = std::fabs(found.number_at(i) - expected.number_at(i));
    check.differing += difference > 0;
    check.worst = std::max(check.worst, difference / step);
  }
}

void compare_floats(const Tensor& found, const Tensor& expected, ClusterCheck& check) {
  double largest = 1e-30;
  for (int64_t i = 0; i < expected.size(); ++i) largest = std::max(largest, std::fabs(expected.number_at(i)));
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double difference = std::fabs(found.number_at(i) - expected.number_at(i)) / largest;
    check.differing += !(difference <= 1e-5);
    check.worst = std::isnan(difference) ? 1e9 : std::max(check.worst, difference);
  }
}

void compare(const Cluster& cluster, size_t i, const Array& found, const Values& values, ClusterCheck& check) {
  const Operand& output = cluster.outputs[i];
  const Tensor& expected = values.at(output.value);
  check.elements += expected.size();
  if (found.tensor.shape() != expected.shape() || found.tensor.dtype() != expected.dtype()) {
    check.worst = 1e9;
    check.reason = "shape " + to_string(found.tensor.shape()) + " instead of " + to_string(expected.shape());
    return;
  }
  const Tensor plain = found.layout == Layout::channels_last && expected.rank() > 2 ? reordered(found.tensor, false) : found.tensor;
  if (is_integer(expected.dtype()))
    compare_codes(plain, expected, output.quantized() ? steps_per_code(cluster) : 1, check);
  else
    compare_floats(plain, expected, check);
}

std::vector<Array> arrays_for(const Cluster& cluster, const Values& values, LayoutRule rule) {
  std::vector<Array> arrays;
  for (const Operand* operand : activations_of(cluster)) {
    const Tensor& value = values.at(operand->value);
    const bool last = rule != LayoutRule::plain && value.rank() > 2;
    arrays.push_back({last ? reordered(value, true) : value, last ? Layout::channels_last : Layout::plain});
  }
  return arrays;
}

void run(const Cluster& cluster, Lowered& lowered, const Values& values, int repeats, ClusterCheck& check) {
  const std::vector<Array> arrays = arrays_for(cluster, values, lowered.layout);
  std::vector<const Array*> in;
  for (const Array& array : arrays) in.push_back(&array);
  std::vector<Array> out(cluster.outputs.size());
  BufferPool pool;
  StepContext context{pool, 1};
  check.us = 1e30;
  for (int r = 0; r < repeats; ++r) {
    const auto begin = std::chrono::steady_clock::now();
    lowered.step->run(in, out, context);
    check.us = std::min(check.us, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  check.kernel = lowered.step->kernel();
  for (size_t i = 0; i < out.size(); ++i)
    if (cluster.outputs[i].value) compare(cluster, i, out[i], values, check);
}

}  // namespace

std::vector<std::string> engines() {
  std::vector<std::string> names;
  for (const Backend* backend : all_backends())
    if (backend->lower) names.emplace_back(backend->name);
  return names;
}

std::vector<ClusterCheck> check_engine(const std::string& engine, const Model& model, std::span<const Tensor> inputs, int repeats) {
  Values values;
  Interpreter(model).run(
      inputs, {.observe = {}, .timed = {}, .computed = [&](const Value& value, const Tensor& tensor) { values[&value] = tensor; }});
  size_t next = 0;
  for (const Node* node : model.graph->placeholders()) values[node->out()] = inputs[next++];
  std::vector<ClusterCheck> checks;
  for (const Cluster& cluster : cluster(model, *model.graph)) {
    ClusterCheck check;
    check.name = cluster.name();
    check.op = cluster.root->op;
    check.kind = cluster.kind;
    check.int8_in = !cluster.inputs.empty() && cluster.inputs[0].quantized();
    LowerResult result = find_backend(engine)->lower(model, cluster);
    if (auto* lowered = std::get_if<Lowered>(&result)) {
      try {
        run(cluster, *lowered, values, repeats, check);
      } catch (const CannotRun& reason) {
        check.reason = reason.what();
      }
    } else {
      check.reason = std::get<Declined>(result).reason;
    }
    checks.push_back(check);
  }
  return checks;
}

std::vector<Tensor> random_inputs(const Model& model, const Shape& size, float span) {
  std::vector<Tensor> inputs;
  std::mt19937 random(7);
  for (const Node* node : model.graph->placeholders()) {
    Shape shape;
    for (const Dim& dim : *node->out()->type.dims)
      shape.push_back(dim.known() ? dim.value : shape.size() < size.size() ? size[shape.size()] : 1);
    Tensor tensor(node->out()->type.dtype, shape);
    if (tensor.dtype() == DType::float32)
      for (float& x : tensor.mutable_data<float>()) x = std::uniform_real_distribution<float>(-span, span)(random);
    else
      tensor = Tensor::zeros(tensor.dtype(), shape);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

ClusterCheck check_of(const std::vector<ClusterCheck>& checks, const std::string& op) {
  for (auto at = checks.rbegin(); at != checks.rend(); ++at)
    if (at->op == op) return *at;
  return {};
}

bool agrees(const ClusterCheck& check) {
  if (check.kernel.empty() || check.elements == 0) return false;
  return check.worst <= 1 && static_cast<double>(check.differing) <= 0.001 * static_cast<double>(check.elements);
}

bool agrees_or_left(const std::string& engine, const ClusterCheck& check) {
  const bool may_be_left =
      engine == "arm" && (check.op == "MaxPool" || (!check.int8_in && (check.op == "GlobalMaxPool" || check.op == "LRN")));
  return agrees(check) || (may_be_left && check.kernel.empty());
}

std::string to_text(const ClusterCheck& check) {
  std::ostringstream text;
  text << std::left << std::setw(14) << name_of(check.kind) << std::setw(20) << check.op << std::setw(8)
       << (check.int8_in ? "int8" : "float") << std::setw(32) << (check.kernel.empty() ? "DECLINED " + check.reason : check.kernel)
       << std::right << std::setw(9) << std::fixed << std::setprecision(1) << (check.kernel.empty() ? 0.0 : check.us) << " us  "
       << check.differing << "/" << check.elements << " worst " << std::setprecision(7) << check.worst << " " << check.name
       << (check.kernel.empty() ? "" : " " + check.reason);
  return text.str();
}

}  // namespace qtool::testing
