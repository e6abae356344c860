#pragma once
// What an engine offers: from a Cluster to a Step, or a reason why not.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "exec/cluster.h"
#include "tensor/tensor.h"

namespace qtool {

/// Order of the bytes of an activation of rank >= 3. plain: row-major as ONNX writes it (N C spatial...); channels_last: N spatial... C.
/// Tensor::shape() is always the ONNX shape.
enum class Layout { plain, channels_last };

/// A tensor while a plan runs.
struct Array {
  Tensor tensor;  ///< logical shape; bytes ordered by `layout`
  Layout layout = Layout::plain;
};

/// Buffers of one running thread: handed out, taken back when the last holder lets go (on any thread, even after the pool), reused.
class BufferPool {
 public:
  BufferPool();
  /// A buffer of at least `bytes` that nobody else holds: Tensor::mutable_bytes() of a tensor over it does not copy.
  std::shared_ptr<Buffer> take(size_t bytes);
  Tensor tensor(DType dtype, const Shape& shape);
  size_t bytes_held() const;  ///< handed out and waiting

 private:
  struct Store;
  std::shared_ptr<Store> store_;
};

/// What Step::run throws, before it has written anything, when the shapes or types it meets are not for it (a broadcast that
/// enlarges, no kernel for this size): the plan then runs the cluster's nodes through eval, this time and for the same shapes.
class CannotRun : public Error {
 public:
  explicit CannotRun(std::string reason) : Error(ExitCode::unsupported, std::move(reason)) {}
};

/// What a Step may use besides its inputs.
struct StepContext {
  BufferPool& pool;
  int threads = 1;
};

/// Which layouts a step takes and gives for operands of rank >= 3 (lower ranks are always plain).
enum class LayoutRule {
  plain,          ///< everything plain
  channels_last,  ///< data inputs and outputs channels_last
  same,           ///< any, but all alike; the output has that of the inputs
};

/// One lowered cluster. run() may be called by several threads at once, each with its own context: caches inside are guarded.
class Step {
 public:
  virtual ~Step() = default;
  /// inputs: activations_of(cluster), one by one, never null. Layouts follow the rule given at lowering.
  /// outputs: one Array per cluster output, to be assigned (tensor and layout).
  virtual void run(std::span<const Array* const> inputs, std::span<Array> outputs, StepContext& context) = 0;
  /// The kernel that runs, for profiles: "brgconv:avx512_core_vnni", "lut_avx512", "eval". Known after the first run.
  virtual std::string kernel() const = 0;
};

/// Operands of a cluster that are neither constant nor omitted: inputs, then operands of post-ops, in order; repeated where used twice.
std::vector<const Operand*> activations_of(const Cluster& cluster);

struct Lowered {
  std::unique_ptr<Step> step;
  LayoutRule layout = LayoutRule::plain;
};
struct Declined {
  std::string reason;
};
using LowerResult = std::variant<Lowered, Declined>;

/// Lowers one cluster. Shapes may be unknown: steps specialize on the shapes they meet, keep at most 8 specializations.
using LowerFn = LowerResult (*)(const Model& model, const Cluster& cluster);

/// Median time in us of one call of the library's bare primitive for Conv, ConvTranspose, Gemm or MatMul on inputs of these shapes (random
/// data, channels_last, a ReLU behind it; int8: u8 with a zero point times s8 to u8); nullopt where it has none.
using AloneFn = std::optional<double> (*)(const Node& node, std::span<const Shape> inputs, bool int8);

/// One engine: a row of backends.inc.
struct Backend {
  std::string_view name;  ///< "onednn", "arm", "reference"
  LowerFn lower;
  std::string (*description)();  ///< "oneDNN 3.2.0, AVX512-VNNI"
  bool (*available)();
  AloneFn alone = nullptr;    ///< null: an engine without a library
  bool signed_codes = false;  ///< its kernels hold s8: codes that stay inside are kept so
};
const Backend* find_backend(std::string_view name);  ///< null when unknown or not built in
std::span<const Backend* const> all_backends();

}  // namespace qtool
