#pragma once
// QConfig files: which node is quantized how (SPEC 5, docs/qconfig.md). The words are torch.ao's.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/quant_math.h"

namespace qtool {

enum class QScheme { per_tensor_affine, per_tensor_symmetric, per_channel_affine, per_channel_symmetric };
constexpr bool is_symmetric(QScheme scheme) { return scheme == QScheme::per_tensor_symmetric || scheme == QScheme::per_channel_symmetric; }
constexpr bool is_per_channel(QScheme scheme) { return scheme == QScheme::per_channel_affine || scheme == QScheme::per_channel_symmetric; }
std::string_view name_of(QScheme scheme);

/// How one tensor is observed and quantized.
struct ObserverSpec {
  std::string observer = "none";  ///< "minmax", "histogram", ... ; "placeholder": at run time; "none": not quantized
  DType dtype = DType::float32;   ///< float32: not quantized
  CodeRange codes;                ///< quant_min..quant_max, after defaults and reduce_range; 0..0 for float32
  QScheme qscheme = QScheme::per_tensor_affine;
  bool reduce_range = false;
  float eps = 1.1920929e-07f;         ///< least scale; 2^-23 as torch
  int ch_axis = -1;                   ///< channel axis given; -1: the operator's own
  int group_size = 0;                 ///< weights in groups along the reduced axis (int4: 32, 64, 128); 0: none
  int bins = 4096;                    ///< bins a range rule looks at
  double percentile = 99.99;          ///< percent of the values inside the range
  double averaging_constant = 0.01;   ///< weight of a new sample in a moving average
  std::optional<float> scale;         ///< fixed_qparams
  std::optional<int32_t> zero_point;  ///< fixed_qparams
  bool power_of_two = false;          ///< scales rounded up to a power of two
  std::string where;                  ///< "file: /pointer"

  bool quantizes() const { return dtype != DType::float32 && observer != "none"; }
  bool dynamic() const { return observer == "placeholder"; }
  bool operator==(const ObserverSpec& other) const;  ///< all but `where`
};

/// The pair a node is given.
struct QConfig {
  ObserverSpec activation, weight;
  std::string where;
  bool operator==(const QConfig& other) const { return activation == other.activation && weight == other.weight; }
};

/// What a node was given and by which rule.
struct QConfigChoice {
  const QConfig* qconfig = nullptr;  ///< null: float; lives as long as the mapping
  std::string rule;                  ///< `module_name "/head"`, `module_name_regex "^/enc"`, `object_type "Conv"`, `global`, `no rule`
  bool operator==(const QConfigChoice& other) const { return !qconfig == !other.qconfig && (!qconfig || *qconfig == *other.qconfig); }
};

class QConfigMapping {
 public:
  /// `source` names the file in messages. Throws Error(invalid_file) with every mistake.
  static QConfigMapping parse(std::string_view json, std::string source);
  /// A file of configs/qconfig/ ("x86", "dynamic", ...); throws Error(usage) with the names there are.
  static QConfigMapping built_in(std::string_view name);
  /// Built-in name or a path to a file.
  static QConfigMapping load(const std::string& name_or_path);
  static std::vector<std::string> built_in_names();

  /// The whole meaning, all defaults written out; parse(to_json()) is equal.
  std::string to_json() const;

  /// Rule by priority: module_name (exact name, else the longest prefix) > module_name_regex (first in the file) > object_type (first
  /// of `object_types`, which are most specific first: group name, module aliases, operator) > global. Remembers which rules matched.
  QConfigChoice choose(const std::string& node_path, const std::vector<std::string>& object_types) const;

  /// Of these rules those by name alone (module_name, module_name_regex); nothing when none covers the node.
  std::optional<QConfigChoice> choose_by_name(const std::string& node_path) const;

  /// Rule of one tensor, by any of its names: its path, or NODE:INDEX for an input of a node. Its `activation` or `weight` counts, as the
  /// tensor is one or the other; null: the tensor stays float. Nothing when there is none.
  std::optional<QConfigChoice> choose_tensor(const std::vector<std::string>& names) const;

  /// Rules (as in QConfigChoice::rule, with their place) that matched no node of all choose() calls so far; never `global`.
  std::vector<std::string> unmatched_rules() const;

  /// Every activation spec of the mapping gets this observer, as `convert --observer NAME`; throws Error(usage) on an unknown name.
  QConfigMapping with_activation_observer(const std::string& observer) const;

  /// What its rules give, those that mean float left out.
  std::vector<const QConfig*> qconfigs() const;

  bool operator==(const QConfigMapping& other) const;

 private:
  enum class RuleKind { module_name, module_name_regex, object_type, global, tensor };
  struct Rule {
    RuleKind kind;
    std::string key;                         ///< name, prefix, regex or type; empty for global
    std::shared_ptr<const QConfig> qconfig;  ///< null: float
    std::string where;
    std::shared_ptr<const void> compiled;  ///< std::regex of a module_name_regex
  };
  friend struct QConfigReader;
  friend struct QConfigWriter;
  static std::string text_of(const Rule& rule);
  QConfigChoice chosen(size_t rule) const;
  std::optional<size_t> by_module_name(const std::string& path) const;
  std::optional<size_t> by_regex(const std::string& path) const;
  std::optional<size_t> by_object_type(const std::vector<std::string>& object_types) const;
  std::optional<size_t> global() const;
  std::vector<Rule> rules_;
  mutable std::vector<bool> matched_;
};

/// True when `prefix` is `path` or ends in it at a boundary: '/', '.' or "::".  "/head" covers "/head/conv/Conv", not "/header".
bool covers(std::string_view prefix, std::string_view path);

}  // namespace qtool
