#pragma once
// A model made ready to run on one engine.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "exec/lowering.h"
#include "graph/model.h"

namespace qtool {

/// Called with an observer call and the tensor that passes it; the bytes may lie in either layout.
using ObserveFn = std::function<void(const Node& observer, const Array& value)>;

struct PlanOptions {
  std::string engine = "auto";  ///< auto: the fastest one available; Error(usage) when unknown, Error(unsupported) when not here
  int threads = 1;              ///< inside one run
};

/// A row of Runner::profile().
struct StepProfile {
  std::string name, op, kernel, dtype;  ///< dtype: "int8" or "float32", of the arithmetic
  double us = 0;                        ///< of the last run
  int64_t macs = 0, bytes = 0;
  const Node* root = nullptr;  ///< the operator, of the plan's own model
  std::vector<Shape> shapes;   ///< of the operator's inputs; empty where omitted
  std::string why_eval;        ///< the engine's reason where it has no kernel for this, or for these shapes
};

/// Holds its own copy of the model, canonical for execution (tidied, functions but observers inlined, exploded activations
/// recognized). Safe to run from several threads, each with its own Runner.
class Plan {
 public:
  Plan(const Model& model, const PlanOptions& options, Diagnostics& diagnostics);
  ~Plan();
  const std::string& engine() const;
  /// Graph inputs that are no initializers, and outputs, in order.
  const std::vector<std::string>& input_names() const;
  const std::vector<std::string>& output_names() const;
  struct Impl;
  const Impl& impl() const { return *impl_; }
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// One thread's state: buffers, hooks, timings.
class Runner {
 public:
  explicit Runner(Plan& plan);
  ~Runner();
  void set_observer(ObserveFn observe);
  /// inputs in the order of input_names(), undefined = omitted optional (its default is taken); outputs in order, plain layout.
  /// Throws Error(unsupported) naming node, operator and domain where nothing can run it; Error(invalid_file) with the node's
  /// path in front where inputs do not fit.
  std::vector<Tensor> run(std::span<const Tensor> inputs);
  /// Timings of the next runs are kept: a row a step that ran, reorders of layouts in front of the step that asked for them, the
  /// steps of bodies (all iterations together) behind their If, Loop or Scan, whose own row is what is left.
  void enable_profile();
  std::vector<StepProfile> profile() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Sets the number of threads the engines' own pools use in the calling thread (oneDNN's OpenMP team). Workers of
/// parallel_for that run whole samples call this with 1.
void set_engine_threads(int threads);

/// Keeps our own kernels below an instruction set named as in kernels/isa.h ("neon", "avx2", "scalar"); before anything runs. Throws
/// Error(usage) for a name there is not, Error(unsupported) for what this processor has not: a limit can only lower.
void limit_instruction_set(const std::string& name);

/// True for Conv, ConvTranspose, Gemm, MatMul and MatMul's integer forms.
bool is_product(std::string_view op);

/// Multiply-accumulates of Conv, ConvTranspose, Gemm, MatMul in a profile that ran on int8, as a share of all.
double int8_mac_share(const std::vector<StepProfile>& profile);

}  // namespace qtool
