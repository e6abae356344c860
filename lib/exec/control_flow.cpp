#include "exec/control_flow.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <span>

#include "base/interrupt.h"
#include "exec/slices.h"

namespace qtool {
namespace {

std::atomic<int64_t> most_iterations{1000000};

void expect_more_allowed(int64_t iterations) {
  const int64_t most = most_iterations;
  if (iterations >= most) throw unsupported("Loop has not ended after " + std::to_string(most) + " iterations (--max-loop allows more)");
}

Graph& body_of(const Node& node, std::string_view attribute) {
  for (const Node::Body& body : node.bodies())
    if (body.attribute == attribute) return *body.graph;
  throw invalid_file("has no attribute \"" + std::string(attribute) + "\"");
}

const Tensor& single(const Tensor& tensor, const char* what) {
  if (!tensor.defined() || tensor.size() != 1) throw invalid_file(std::string(what) + " is not one element");
  return tensor;
}

void throw_if_interrupted() {
  if (interrupted()) throw Error(ExitCode::interrupted, "interrupted");
}

bool truth(const Tensor& tensor) { return single(tensor, "condition").number_at(0) != 0; }

std::vector<Tensor> run_if(const Node& node, const std::vector<Tensor>& in, const RunBody& run) {
  if (in.empty()) throw invalid_file("has no condition");
  return run(body_of(node, truth(in[0]) ? "then_branch" : "else_branch"), {});
}

/// What iterations gave to one scan output.
struct Collected {
  std::vector<Tensor> parts;
  int64_t axis = 0;
  bool backwards = false;

  Tensor joined(const Value* declared) {
    if (backwards) parts = {parts.rbegin(), parts.rend()};
    return parts.empty() ? nothing(declared) : stack(parts, axis);
  }

  /// No iteration: extent 0 along the axis; unknown dimensions count as 0.
  Tensor nothing(const Value* declared) const {
    if (!declared || declared->type.dtype == DType::undefined) throw unsupported("no iteration, and the type of its output is unknown");
    Shape shape;
    for (const Dim& dim : declared->type.dims.value_or(std::vector<Dim>{})) shape.push_back(dim.known() ? dim.value : 0);
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(normalize_axis(axis, shape.size() + 1)), 0);
    return {declared->type.dtype, shape};
  }
};

void expect_outputs(const Graph& body, size_t least) {
  const size_t found = body.output().input_count();
  if (found < least) throw invalid_file("its body gives " + std::to_string(found) + " outputs, " + std::to_string(least) + " expected");
}

/// Outputs of one iteration from `first` on: carried values, then what is collected.
void keep(std::vector<Tensor> out, size_t first, std::vector<Tensor>& carried, std::vector<Collected>& collected) {
  for (size_t k = 0; k < carried.size(); ++k) carried[k] = std::move(out[first + k]);
  for (size_t k = 0; k < collected.size(); ++k) collected[k].parts.push_back(std::move(out[first + carried.size() + k]));
}

/// Carried values first, then the joined scan outputs.
std::vector<Tensor> finish(std::vector<Tensor> carried, std::vector<Collected>& collected, const Graph& body, size_t first_scan) {
  for (size_t k = 0; k < collected.size(); ++k) carried.push_back(collected[k].joined(body.output().in(first_scan + k)));
  return carried;
}

std::vector<Tensor> run_loop(const Node& node, const std::vector<Tensor>& in, const RunBody& run) {
  Graph& body = body_of(node, "body");
  const bool counted = !in.empty() && in[0].defined(), guarded = in.size() > 1 && in[1].defined();
  const auto trips = counted ? static_cast<int64_t>(single(in[0], "trip count").number_at(0)) : std::numeric_limits<int64_t>::max();
  bool go_on = !guarded || truth(in[1]);
  std::vector<Tensor> carried(in.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(2, in.size())), in.end());
  const size_t states = carried.size();
  expect_outputs(body, states + 1);
  std::vector<Collected> collected(body.output().input_count() - 1 - states);
  for (int64_t i = 0; i < trips && go_on; ++i) {
    throw_if_interrupted();
    expect_more_allowed(i);
    std::vector<Tensor> inputs{Tensor::scalar(i), Tensor::scalar(go_on)};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    std::vector<Tensor> out = run(body, inputs);
    go_on = truth(out[0]);
    keep(std::move(out), 1, carried, collected);
  }
  return finish(std::move(carried), collected, body, 1 + states);
}

/// Scan-9: axes and directions by position, 0 where not given.
struct ScanShape {
  using Ints = std::vector<int64_t>;
  explicit ScanShape(const Node& node)
      : in_axes(node.attr_or("scan_input_axes", Ints{})),
        in_backwards(node.attr_or("scan_input_directions", node.attr_or("directions", Ints{}))),
        out_axes(node.attr_or("scan_output_axes", Ints{})),
        out_backwards(node.attr_or("scan_output_directions", Ints{})) {}
  static int64_t at(const Ints& values, size_t k) { return k < values.size() ? values[k] : 0; }

  int64_t length(size_t k, const Tensor& tensor) const {
    return tensor.shape()[static_cast<size_t>(normalize_axis(at(in_axes, k), tensor.rank()))];
  }
  Tensor part(size_t k, const Tensor& tensor, int64_t step, int64_t steps) const {
    return part_at(tensor, at(in_axes, k), at(in_backwards, k) ? steps - 1 - step : step);
  }
  std::vector<Collected> outputs(size_t count) const {
    std::vector<Collected> collected(count);
    for (size_t k = 0; k < count; ++k) collected[k] = {{}, at(out_axes, k), at(out_backwards, k) != 0};
    return collected;
  }
  /// Steps of all scan inputs, which must agree.
  int64_t steps(std::span<const Tensor> scanned) const {
    for (size_t k = 1; k < scanned.size(); ++k)
      if (length(k, scanned[k]) != length(0, scanned[0]))
        throw invalid_file("scan inputs of " + std::to_string(length(0, scanned[0])) + " and " + std::to_string(length(k, scanned[k])) +
                           " steps");
    return length(0, scanned[0]);
  }

  Ints in_axes, in_backwards, out_axes, out_backwards;
};

/// `in`: states, then scan inputs. `limit` < 0: all steps.
std::vector<Tensor> run_scan(const Node& node, const std::vector<Tensor>& in, int64_t limit, const RunBody& run) {
  Graph& body = body_of(node, "body");
  const ScanShape shape(node);
  const auto scans = static_cast<size_t>(node.attr_or("num_scan_inputs", 1));
  if (scans == 0 || scans > in.size()) throw invalid_file("num_scan_inputs does not fit its " + std::to_string(in.size()) + " inputs");
  const size_t states = in.size() - scans;
  expect_outputs(body, states);
  const std::span<const Tensor> scanned(in.data() + states, scans);
  std::vector<Tensor> carried(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(states));
  std::vector<Collected> collected = shape.outputs(body.output().input_count() - states);
  const int64_t all = shape.steps(scanned), steps = limit < 0 ? all : std::min(limit, all);
  for (int64_t i = 0; i < steps; ++i) {
    throw_if_interrupted();
    std::vector<Tensor> inputs = carried;
    for (size_t k = 0; k < scans; ++k) inputs.push_back(shape.part(k, scanned[k], i, steps));
    keep(run(body, inputs), 0, carried, collected);
  }
  return finish(std::move(carried), collected, body, states);
}

/// Scan-8: input 0 are sequence lengths, axis 0 of everything else is the batch.
std::vector<Tensor> run_batched_scan(const Node& node, const std::vector<Tensor>& in, const RunBody& run) {
  if (in.size() < 2 || !in[1].defined() || in[1].rank() == 0) throw invalid_file("has no batched input");
  const int64_t batch = in[1].shape()[0];
  std::vector<std::vector<Tensor>> results;
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<Tensor> sample;
    for (size_t k = 1; k < in.size(); ++k) sample.push_back(part_at(in[k], 0, b));
    const int64_t length = in[0].defined() ? static_cast<int64_t>(in[0].number_at(b)) : -1;
    const auto out = run_scan(node, sample, length, run);
    results.resize(out.size());
    for (size_t k = 0; k < out.size(); ++k) results[k].push_back(out[k]);
  }
  std::vector<Tensor> joined;
  for (const auto& parts : results) joined.push_back(stack(parts, 0));
  return joined;
}

}  // namespace

void limit_loop_iterations(int64_t most) { most_iterations = most; }

bool is_control_flow(const Node& node) { return node.is("If") || node.is("Loop") || node.is("Scan"); }

namespace {

std::vector<Tensor> run_by_operator(const Node& node, int64_t opset, const std::vector<Tensor>& in, const RunBody& run) {
  if (node.op == "If") return run_if(node, in, run);
  if (node.op == "Loop") return run_loop(node, in, run);
  return opset < 9 ? run_batched_scan(node, in, run) : run_scan(node, in, -1, run);
}

}  // namespace

std::vector<Tensor> run_control_flow(const Node& node, int64_t opset, const std::vector<Tensor>& in, const RunBody& run) {
  try {
    return run_by_operator(node, opset, in, run);
  } catch (Error& error) {
    error.prepend("node \"" + node.path() + "\"");
    throw;
  }
}

}  // namespace qtool
