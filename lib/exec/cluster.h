#pragma once
// The unit of execution. A graph ready to run is cut into clusters: every call node belongs to exactly one. All engines get
// the same clusters; an engine lowers one or declines it with a reason, and never forms one. What is declined runs node by
// node through OpDef.eval, so engines are compared cluster by cluster.
//
// Meaning of a cluster, whatever its kind, computed in float:
//
//     y = root(real(inputs[0]), real(inputs[1]), ...)        real(codes, p) = (codes - zero_point) * scale; floats as they are
//     for post in post_ops:  y = post(y)
//     output = quantized ? saturate(round_half_even(y / scale) + zero_point) : y
//
// Every Q in the file is binding: an inner Q -> DQ stays as the post-op `requantize`, it is never dropped. An engine may differ
// from the float meaning by one step of the output scale on at most 0.1 % of the elements; where a cluster holds an inner Q,
// one step of that Q, carried to the output, counts as one step (SPEC 8).
//
// clang-format off
// Table of examples (p: quantized operand or output, f: float; [..] optional):
//   nodes in the graph                                           kind          inputs        post_ops                      output
//   DQ DQ DQ -> Conv -> Q                                        compute       p x, p w, p b                               p
//   DQ DQ DQ -> Conv -> Relu -> Q                                compute       p x, p w, p b activation(Relu)              p
//   DQ DQ DQ -> Conv -> Q -> DQ -> Add(., DQ) [-> Relu] -> Q     compute       p x, p w, p b requantize, add(p r), [act.]  p
//   DQ DQ -> MatMul (no Q behind)                                compute       p x, p w                                    f
//   DQ DQ -> MatMul -> Add(const)                                compute       p x, p w      add(f bias)                   f
//   DQ (of a constant matrix of 8 bits) -> MatMul|Gemm           compute       f x, p w                                    f   weights alone
//   MatMulIntegerToFloat -> GELU                                 compute       f codes, f w, ... activation(GELU)              f   scale, zero point: inputs
//   MatMulNBits -> Relu                                          compute       f x, f codes, ... activation(Relu)              f   weights alone, in blocks
//   Conv -> Relu                                                 compute       f x, f w, f b activation(Relu)              f
//   Conv -> HardSwish                                            compute       f x, f w, f b activation(HardSwish)         f
//   Conv -> Add(., r) -> Relu                                    compute       f x, f w, f b add(f r), activation(Relu)    f
//   DQ DQ -> Add|Mul|Sub|Div [-> Relu] -> Q                      arithmetic    p a, p b      [activation]                  p
//   Add|Mul|Sub|Div (no operand a scalar) [-> Relu]              arithmetic    f a, f b      [activation]                  f
//   DQ -> HardSwish -> Q;  DQ -> Clip -> Sigmoid -> Q            unary         p x           [activation...]               p   256-entry table
//   HardSwish;  Add(x, scalar) -> Clip -> Div(., scalar)         unary         f x           [activation...]               f
//   DQ -> MaxPool|Reshape|Transpose.. -> Q, equal parameters     pass_through  p x                                         p   runs on codes
//   DQ -> AveragePool|GlobalAveragePool|ReduceMean -> Q          reduce        p x                                         p
//   DQ* -> Concat -> Q                                           concat        p..                                         p
//   [DQ ->] Softmax -> Q                                         softmax       p x or f x                                  p
//   [DQ ->] LayerNormalization -> Q                              normalize     p x or f x, f g, f b                        p
//   DQ -> LRN -> Q                                               normalize     p x                                         p
//   DQ -> Q                                                      requantize    p x                                         p
//   Q                                                            quantize      f x                                         p
//   DQ                                                           dequantize    p x                                         f
//   observer call                                                observe       f x                                         f   the same value
//   anything else (one node), If, Loop, Scan                     node          f..                                         f..
// clang-format on
//
// A DequantizeLinear with several consumers is part of each of their clusters; it is a cluster of its own only when someone
// needs the float value (a node cluster, a graph output). Weights and biases are DQ of constants: they belong to the cluster
// that uses them. Per-channel parameters appear on weights and biases alone; other per-channel Q/DQ are `node`.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.h"
#include "tensor/quant_math.h"

namespace qtool {

enum class ClusterKind {
  node,
  compute,
  arithmetic,
  unary,
  pass_through,
  reduce,
  concat,
  softmax,
  normalize,
  requantize,
  quantize,
  dequantize,
  observe
};
std::string_view name_of(ClusterKind kind);

/// One tensor that enters or leaves a cluster: `value` is the codes when `params` is there, else the float (or any other) tensor.
struct Operand {
  Value* value = nullptr;  ///< null: omitted
  std::optional<QuantParams> params;
  bool quantized() const { return params.has_value(); }
  bool constant() const { return value && value->constant(); }
};

/// Broadcasts of add and mul never enlarge y as far as the types tell; where a dimension is unknown an engine checks and throws
/// CannotRun.
struct PostOp {
  enum class Kind {
    activation,  ///< y = node(y): a unary operator with constant arguments (Relu, Clip, HardSwish, Sigmoid, Mul by scalar, ...)
    requantize,  ///< y = dequantize(quantize(y)): an inner Q -> DQ
    add,         ///< y = y + real(operand), broadcast (residual, or a constant)
    mul,         ///< y = y * real(operand), broadcast
  };
  Kind kind;
  Node* node = nullptr;               ///< activation, add, mul: the node
  std::optional<QuantParams> params;  ///< requantize
  Operand operand;                    ///< add, mul
};

struct Cluster {
  ClusterKind kind = ClusterKind::node;
  Node* root = nullptr;         ///< the operator; for quantize/dequantize/requantize the (last) Q or DQ
  std::vector<Operand> inputs;  ///< in the order of the root's inputs; codes where a DQ stood in front
  std::vector<PostOp> post_ops;
  std::vector<Operand> outputs;  ///< one, but for `node` and multi-output pass_through (Split): as many as the root has
  std::vector<Node*> nodes;      ///< all call nodes covered, topological order (shared DQ nodes of inputs not included)
  std::string name() const;      ///< path of the root
};

/// Cuts `graph` (not its bodies) into clusters in topological order. Pure: edits nothing.
std::vector<Cluster> cluster(const Model& model, const Graph& graph);

/// One line a cluster: "compute Conv: p x_q, p w_q, p b_q; requantize, add(p r_q), activation(Relu) -> p y_q".
std::string to_text(const std::vector<Cluster>& clusters);

/// True where y = node(x) element by element with everything but x constant scalars; the data input's index.
std::optional<size_t> unary_data_input(const Model& model, const Node& node);

}  // namespace qtool
