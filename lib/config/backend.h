#pragma once
// Backend files: what a target computes in int8 and where it wants Q/DQ (SPEC 6, QDQ placement in docs/backends.md).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/qconfig.h"
#include "tensor/dtype.h"

namespace qtool {

enum class ObservationType {
  output_use_different_observer_as_input,  ///< the output has its own range
  output_share_observer_with_input,        ///< the output has the input's scale and zero point
  input_output_not_observed,               ///< nothing is observed around it
};

/// What a tensor must satisfy; an absent field demands nothing.
struct DTypeConstraint {
  DType dtype = DType::float32;
  std::optional<int64_t> quant_min_lower_bound = {}, quant_max_upper_bound = {};
  std::optional<double> scale_min_lower_bound = {}, scale_max_upper_bound = {};
  std::optional<double> scale_exact_match = {};
  std::optional<int64_t> zero_point_exact_match = {};
  bool operator==(const DTypeConstraint&) const = default;
};

/// One combination of types the target computes; an absent tensor is unconstrained (weight, bias) or not quantized (input, output).
struct DTypeConfig {
  std::optional<DTypeConstraint> input, output, weight;
  std::optional<DType> bias;
  bool is_dynamic = false;
  bool weight_only() const { return weight && !input && !output && !is_dynamic; }  ///< activations stay float
  bool operator==(const DTypeConfig&) const = default;
};

struct BackendPattern {
  std::string pattern;                   ///< as written; a list of operator names is joined to a chain: Relu(Conv(...))
  std::vector<std::string> expressions;  ///< `pattern` with module aliases expanded (modules.h): what the matcher tries, in this order
  int weight_rank = 0;                   ///< demanded by Conv1d/2d/3d and the like; 0: any
  ObservationType observation = ObservationType::output_use_different_observer_as_input;
  std::vector<DTypeConfig> dtype_configs;              ///< empty: fused only, stays float
  std::string root_module;                             ///< operator or alias whose qconfig counts: "Conv"
  std::string fused_module;                            ///< name of the fused group: "ConvRelu"; empty: matched, not fused
  std::string fuser_method = "none";                   ///< rewrite of weights: none fold_bn fold_bn_forward fold_mul fold_add fold_pad
  std::string replacement;                             ///< an expression over the pattern's ?names that takes its place before fusion
  std::string where;                                   ///< "file: /patterns/3"
  bool operator==(const BackendPattern& other) const;  ///< all but `where`
};

/// Where the target wants Q/DQ, and what is not worth it.
struct Placement {
  enum class Tensors { every_tensor, inputs_only };  ///< Q/DQ around each quantized operator, or on its inputs alone
  enum class ReluZeroPoint { qmin, free };           ///< qmin: zero point of a tensor after Relu is its lowest code
  enum class Bias { int32_dq, float32 };
  enum class AddInputs { both, skip_only };     ///< skip_only: the branch that comes out of a Conv stays float
  enum class Constants { quantized, float32 };  ///< constant operands of Add, Mul, ...: initializer + DQ, or as they are

  Tensors placement = Tensors::every_tensor;
  ReluZeroPoint relu_zp = ReluZeroPoint::qmin;
  Bias bias = Bias::int32_dq;
  AddInputs add_inputs = AddInputs::both;
  Constants constant_operands = Constants::quantized;
  std::optional<std::vector<std::string>> conv_epilogues;  ///< allowed between a Conv (Gemm, MatMul) and its Q; none: what patterns fuse
  std::vector<std::string> pass_through;                   ///< run on codes: one scale and zero point on both sides
  std::vector<std::string> share_scale;                    ///< all inputs and outputs of these share one scale
  std::vector<std::string> never_quantize;                 ///< operators left float whatever the qconfig says
  std::map<std::string, std::pair<float, float>> fixed_range;  ///< operator -> range of its output, e.g. Softmax [0, 1]
  int opset_min = 13, opset_max = 0;                           ///< of the written file; opset_max 0: no bound
  int max_weight_abs = 0;    ///< largest |weight code|, 64 where u8 x s8 products saturate 16 bits; 0: no bound
  int64_t min_macs = 0;      ///< compute nodes with fewer multiply-adds stay float
  int64_t min_channels = 0;  ///< compute nodes with fewer input or output channels stay float
  bool operator==(const Placement&) const = default;
};

struct BackendConfig {
  std::string name;
  std::vector<BackendPattern> patterns;  ///< in file order; the first that matches a node wins, so larger ones come first
  Placement placement;

  /// Throws Error(invalid_file) with every mistake of the file.
  static BackendConfig parse(std::string_view json, std::string source);
  /// A file of configs/backend/ ("x86", ...); throws Error(usage) with the names there are.
  static BackendConfig built_in(std::string_view name);
  /// Built-in name or a path to a file.
  static BackendConfig load(const std::string& name_or_path);
  static std::vector<std::string> built_in_names();
  /// parse(to_json()) is equal.
  std::string to_json() const;
  bool operator==(const BackendConfig&) const = default;
};

/// Why `spec` does not satisfy `constraint`: each reason names the field, the value found and the bound; empty: it does. As torch.ao,
/// scale_min_lower_bound is held against eps. zero_point_exact_match is satisfied by a symmetric scheme with that zero point too.
std::vector<std::string> check_constraints(const ObserverSpec& spec, const DTypeConstraint& constraint);

std::string_view name_of(ObservationType type);

}  // namespace qtool
